"""Writes scope.bob, scope.adl and scope.ui: the same widgets for three displays.

Usage: python make_panels.py [FOLDER]
"""

import sys
from pathlib import Path
from xml.sax.saxutils import escape

PREFIX = "testAPD:scope1:"
PLOT = (PREFIX + "TimeBase_RBV", PREFIX + "Waveform_RBV")
# (label, kind, what is set, what is read); kind: choice, number or reading
ROWS = [
    ("Run", "choice", "Run", "Run_RBV"),
    ("Time per division", "choice", "TimePerDivSelect", "TimePerDiv_RBV"),
    ("Gain", "choice", "VertGainSelect", "VertGain_RBV"),
    ("Volts per division", "choice", "VoltsPerDivSelect", "VoltsPerDiv_RBV"),
    ("Update time", "number", "UpdateTime", "UpdateTime_RBV"),
    ("Offset", "number", "VoltOffset", "VoltOffset_RBV"),
    ("Trigger delay", "number", "TriggerDelay", "TriggerDelay_RBV"),
    ("Noise", "number", "NoiseAmplitude", "NoiseAmplitude_RBV"),
    ("Minimum", "reading", "", "MinValue_RBV"),
    ("Maximum", "reading", "", "MaxValue_RBV"),
    ("Mean", "reading", "", "MeanValue_RBV"),
]
WIDTH, HEIGHT = 900, 400
PLOT_BOX = (10, 10, 480, 380)
TOP, STEP, HIGH = 10, 34, 26
LABEL, SET, READ = (500, 140), (645, 120), (775, 115)  # x and width of the columns


def cells():
    """(kind, text or PV, box) of every widget but the plot."""
    for row, (label, kind, setting, reading) in enumerate(ROWS):
        y = TOP + row * STEP
        yield "label", label, (LABEL[0], y, LABEL[1], HIGH)
        if setting:
            yield kind, PREFIX + setting, (SET[0], y, SET[1], HIGH)
        yield "reading", PREFIX + reading, (READ[0], y, READ[1], HIGH)


# ---- Phoebus ----

BOB_TYPES = {
    "label": "label",
    "choice": "combo",
    "number": "textentry",
    "reading": "textupdate",
}


def bob():
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<display version="2.0.0">']
    lines += ["  <name>Oscilloscope</name>"]
    lines += [f"  <width>{WIDTH}</width>", f"  <height>{HEIGHT}</height>"]
    axis = "<title></title><autoscale>false</autoscale><log_scale>false</log_scale>"
    ends = "<minimum>0.0</minimum><maximum>10.0</maximum><show_grid>true</show_grid>"
    trace = (
        f"<trace><name></name><x_pv>{PLOT[0]}</x_pv><y_pv>{PLOT[1]}</y_pv>"
        "<axis>0</axis><trace_type>1</trace_type></trace>"
    )
    lines += [
        '  <widget type="xyplot" version="3.0.0">',
        "    <name>Waveform</name>",
        *bob_box(PLOT_BOX),
        f"    <x_axis>{axis}{ends}</x_axis>",
        f"    <y_axes><y_axis>{axis}{ends}</y_axis></y_axes>",
        f"    <traces>{trace}</traces>",
        "  </widget>",
    ]
    for kind, content, box in cells():
        name = "text" if kind == "label" else "pv_name"
        lines += [
            f'  <widget type="{BOB_TYPES[kind]}" version="2.0.0">',
            f"    <name>{escape(content)}</name>",
            *bob_box(box),
            f"    <{name}>{escape(content)}</{name}>",
            "  </widget>",
        ]
    return "\n".join([*lines, "</display>", ""])


def bob_box(box):
    names = ("x", "y", "width", "height")
    return [f"    <{k}>{v}</{k}>" for k, v in zip(names, box, strict=True)]


# ---- medm ----

ADL_COLOURS = "ffffff ececec dadada c8c8c8 bbbbbb aeaeae 9e9e9e 919191 858585 787878 \
696969 5a5a5a 464646 2d2d2d 000000 00d800 1ebb00 339900 2d7f00 216c00 fd0000 de1309 \
be190b a01207 820400".split()
BLACK, GREY, BLUE, GREEN = 14, 4, 1, 16


def adl():
    text = 'file {\n\tname="scope.adl"\n\tversion=030107\n}\n'
    text += (
        "display {\n"
        + adl_box((100, 100, WIDTH, HEIGHT))
        + f'\tclr={BLACK}\n\tbclr={GREY}\n\tcmap=""\n\tgridSpacing=5\n\tgridOn=0\n'
        + "\tsnapToGrid=0\n}\n"
    )
    text += f'"color map" {{\n\tncolors={len(ADL_COLOURS)}\n\tcolors {{\n'
    text += "".join(f"\t\t{colour},\n" for colour in ADL_COLOURS) + "\t}\n}\n"
    text += (
        '"cartesian plot" {\n'
        + adl_box(PLOT_BOX)
        + f"\tplotcom {{\n\t\tclr={BLACK}\n\t\tbclr={BLUE}\n\t}}\n"
        + '\tstyle="line"\n'
        + f'\ttrace[0] {{\n\t\txdata="{PLOT[0]}"\n\t\tydata="{PLOT[1]}"\n'
        + f"\t\tdata_clr={GREEN}\n\t}}\n"
        + "".join(adl_axis(name) for name in ("x_axis", "y1_axis"))
        + "}\n"
    )
    return text + "".join(adl_widget(*cell) for cell in cells())


def adl_box(box):
    names = ("x", "y", "width", "height")
    pairs = zip(names, box, strict=True)
    return "\tobject {\n" + "".join(f"\t\t{k}={v}\n" for k, v in pairs) + "\t}\n"


def adl_axis(name):
    return (
        f'\t{name} {{\n\t\trangeStyle="user-specified"\n'
        "\t\tminRange=0.000000\n\t\tmaxRange=10.000000\n\t}\n"
    )


def adl_widget(kind, content, box):
    colours = f"\t\tclr={BLACK}\n\t\tbclr={BLUE}\n"
    if kind == "label":
        attributes = f'\t"basic attribute" {{\n\t\tclr={BLACK}\n\t}}\n'
        return f'text {{\n{adl_box(box)}{attributes}\ttextix="{content}"\n}}\n'
    channel = f'\t\tchan="{content}"\n' + colours
    if kind == "reading":
        return f'"text update" {{\n{adl_box(box)}\tmonitor {{\n{channel}\t}}\n}}\n'
    name = "menu" if kind == "choice" else '"text entry"'
    return f"{name} {{\n{adl_box(box)}\tcontrol {{\n{channel}\t}}\n}}\n"


# ---- PyDM ----

UI_TYPES = {
    "label": "QLabel",
    "choice": "PyDMEnumComboBox",
    "number": "PyDMLineEdit",
    "reading": "PyDMLabel",
}
UI_HEADERS = {
    "PyDMEnumComboBox": ("QWidget", "pydm.widgets.enum_combo_box"),
    "PyDMLineEdit": ("QLineEdit", "pydm.widgets.line_edit"),
    "PyDMLabel": ("QLabel", "pydm.widgets.label"),
    "PyDMWaveformPlot": ("QGraphicsView", "pydm.widgets.waveformplot"),
}


def ui():
    curve = (
        f'{{"name": "Waveform", "x_channel": "ca://{PLOT[0]}", '
        f'"y_channel": "ca://{PLOT[1]}", "color": "#208020", "lineWidth": 1}}'
    )
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ui version="4.0">\n'
        " <class>Scope</class>\n"
        ' <widget class="QWidget" name="Scope">\n'
        + ui_box((0, 0, WIDTH, HEIGHT))
        + ui_property("windowTitle", "string", "Oscilloscope")
        + '  <widget class="PyDMWaveformPlot" name="Waveform">\n'
        + ui_box(PLOT_BOX)
        + '  <property name="curves">\n   <stringlist>\n'
        + f"    <string>{escape(curve)}</string>\n   </stringlist>\n  </property>\n"
        + "  </widget>\n"
    ]
    for number, (kind, content, box) in enumerate(cells()):
        name = f"w{number}"
        parts.append(f'  <widget class="{UI_TYPES[kind]}" name="{name}">\n')
        parts.append(ui_box(box))
        if kind == "label":
            parts.append(ui_property("text", "string", content))
        else:
            parts.append(ui_property("channel", "string", f"ca://{content}"))
            parts.append(ui_property("alarmSensitiveBorder", "bool", "true"))
        parts.append("  </widget>\n")
    parts.append(" </widget>\n <customwidgets>\n")
    for name, (base, header) in UI_HEADERS.items():
        parts.append(
            f"  <customwidget>\n   <class>{name}</class>\n"
            f"   <extends>{base}</extends>\n"
            f"   <header>{header}</header>\n  </customwidget>\n"
        )
    return "".join(parts) + " </customwidgets>\n <resources/>\n <connections/>\n</ui>\n"


def ui_box(box):
    names = ("x", "y", "width", "height")
    inner = "".join(f"<{k}>{v}</{k}>" for k, v in zip(names, box, strict=True))
    return f'  <property name="geometry"><rect>{inner}</rect></property>\n'


def ui_property(name, kind, value):
    return f'  <property name="{name}"><{kind}>{escape(value)}</{kind}></property>\n'


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for write in (bob, adl, ui):
        (folder / f"scope.{write.__name__}").write_text(write(), encoding="utf-8")
