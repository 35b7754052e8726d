"""Writes scope.bob, scope.adl and scope.ui: the same widgets for three displays.

Usage: python make_panels.py [FOLDER]
"""

import json
import sys
from pathlib import Path
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).parents[1]))
from oscilloscope import PVDB
from scope_screen import (
    GROUPS,
    PREFIX,
    RANGE,
    TITLE,
    X_PV,
    X_TITLE,
    Y_PV,
    Y_TITLE,
)

WIDTH, HEIGHT = 960, 490
PLOT_BOX = (10, 10, 500, 470)
TOP, STEP, HIGH = 10, 31, 26
LEFT = 525
LABEL, SET, READ = (LEFT, 150), (LEFT + 155, 130), (LEFT + 295, 130)  # x and width


def cells():
    """(kind, text or PV, box) of every widget but the plot."""
    y = TOP
    for title, rows in GROUPS.items():
        yield "title", title, (LEFT, y, WIDTH - LEFT - 10, HIGH)
        y += STEP
        for label, kind, setting, reading in rows:
            yield "label", label, (LABEL[0], y, LABEL[1], HIGH)
            if setting:
                yield kind, setting, (SET[0], y, SET[1], HIGH)
            yield "reading", reading, (READ[0], y, READ[1], HIGH)
            y += STEP


# ---- Phoebus ----

BOB_TYPES = {
    "title": "label",
    "label": "label",
    "choice": "combo",
    "number": "textentry",
    "reading": "textupdate",
}
BOLD = '<font><font family="Liberation Sans" style="BOLD" size="14.0"/></font>'


def bob():
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<display version="2.0.0">']
    lines += [f"  <name>{TITLE}</name>"]
    lines += [f"  <width>{WIDTH}</width>", f"  <height>{HEIGHT}</height>"]
    trace = (
        f"<trace><name></name><x_pv>{PREFIX}{X_PV}</x_pv><y_pv>{PREFIX}{Y_PV}</y_pv>"
        "<axis>0</axis><trace_type>1</trace_type></trace>"
    )
    lines += [
        '  <widget type="xyplot" version="3.0.0">',
        "    <name>Waveform</name>",
        *bob_box(PLOT_BOX),
        f"    <title>{TITLE}</title>",
        "    <show_legend>false</show_legend>",
        f"    <x_axis>{bob_axis(X_TITLE)}</x_axis>",
        f"    <y_axes><y_axis>{bob_axis(Y_TITLE)}</y_axis></y_axes>",
        f"    <traces>{trace}</traces>",
        "  </widget>",
    ]
    for kind, content, box in cells():
        is_text = kind in ("label", "title")
        name = "text" if is_text else "pv_name"
        shown = content if is_text else PREFIX + content
        lines += [
            f'  <widget type="{BOB_TYPES[kind]}" version="2.0.0">',
            f"    <name>{escape(content)}</name>",
            *bob_box(box),
            f"    <{name}>{escape(shown)}</{name}>",
            *([f"    {BOLD}"] if kind == "title" else []),
            "  </widget>",
        ]
    return "\n".join([*lines, "</display>", ""])


def bob_axis(title):
    low, high = RANGE
    return (
        f"<title>{title}</title><autoscale>false</autoscale>"
        f"<log_scale>false</log_scale><minimum>{low:.1f}</minimum>"
        f"<maximum>{high:.1f}</maximum><show_grid>true</show_grid>"
    )


def bob_box(box):
    names = ("x", "y", "width", "height")
    return [f"    <{k}>{v}</{k}>" for k, v in zip(names, box, strict=True)]


# ---- medm ----

ADL_COLOURS = "ffffff ececec dadada c8c8c8 bbbbbb aeaeae 9e9e9e 919191 858585 787878 \
696969 5a5a5a 464646 2d2d2d 000000 00d800 1ebb00 339900 2d7f00 216c00 fd0000 de1309 \
be190b a01207 820400".split()
BLACK, DARK, GREY, LIGHT, GREEN = 14, 12, 4, 1, 16
# medm shows no units with values: they stand in the labels.
UNITS = {
    label: PVDB[reading].get("unit", "")
    for rows in GROUPS.values()
    for label, _, _, reading in rows
}


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
        + f'\tplotcom {{\n\t\ttitle="{TITLE}"\n\t\txlabel="{X_TITLE}"\n'
        + f'\t\tylabel="{Y_TITLE}"\n\t\tclr={BLACK}\n\t\tbclr={LIGHT}\n\t}}\n'
        + '\tstyle="line"\n'
        + f'\ttrace[0] {{\n\t\txdata="{PREFIX}{X_PV}"\n\t\tydata="{PREFIX}{Y_PV}"\n'
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
    low, high = RANGE
    return (
        f'\t{name} {{\n\t\trangeStyle="user-specified"\n'
        f"\t\tminRange={low:.6f}\n\t\tmaxRange={high:.6f}\n\t}}\n"
    )


def adl_widget(kind, content, box):
    """What shows a PV has its alarm's colour, green to red, on a dark background."""
    if kind in ("label", "title"):
        unit = UNITS.get(content) if kind == "label" else ""
        content += f" ({unit})" if unit else ""
        attributes = f'\t"basic attribute" {{\n\t\tclr={BLACK}\n\t}}\n'
        return f'text {{\n{adl_box(box)}{attributes}\ttextix="{content}"\n}}\n'
    channel = f'\t\tchan="{PREFIX}{content}"\n\t\tclr={LIGHT}\n\t\tbclr={DARK}\n'
    alarm = '\tclrmod="alarm"\n'
    if kind == "reading":
        monitor = f"\tmonitor {{\n{channel}\t}}\n"
        labels = '\tformat="string"\n' if "enums" in PVDB[content] else ""
        return f'"text update" {{\n{adl_box(box)}{monitor}{alarm}{labels}}}\n'
    name = "menu" if kind == "choice" else '"text entry"'
    return f"{name} {{\n{adl_box(box)}\tcontrol {{\n{channel}\t}}\n{alarm}}}\n"


# ---- PyDM ----

UI_TYPES = {
    "title": "QLabel",
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
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ui version="4.0">\n'
        " <class>Scope</class>\n"
        ' <widget class="QWidget" name="Scope">\n',
        ui_box((0, 0, WIDTH, HEIGHT)),
        ui_property("windowTitle", "string", TITLE),
        *ui_plot(),
    ]
    for number, (kind, content, box) in enumerate(cells()):
        parts.append(f'  <widget class="{UI_TYPES[kind]}" name="w{number}">\n')
        parts.append(ui_box(box))
        if kind in ("label", "title"):
            text = f"<b>{content}</b>" if kind == "title" else content
            parts.append(ui_property("text", "string", text))
        else:
            parts.append(ui_property("channel", "string", f"ca://{PREFIX}{content}"))
            parts.append(ui_property("alarmSensitiveBorder", "bool", "true"))
        if kind in ("number", "reading"):
            parts.append(ui_property("showUnits", "bool", "true"))
        parts.append("  </widget>\n")
    parts.append(" </widget>\n <customwidgets>\n")
    for name, (base, header) in UI_HEADERS.items():
        parts.append(
            f"  <customwidget>\n   <class>{name}</class>\n"
            f"   <extends>{base}</extends>\n"
            f"   <header>{header}</header>\n  </customwidget>\n"
        )
    return "".join(parts) + " </customwidgets>\n <resources/>\n <connections/>\n</ui>\n"


def ui_plot():
    """The plot. What is below applies to what is above: the curve has that axis."""
    low, high = RANGE
    axis = {
        **{"name": "Voltage", "orientation": "left", "label": Y_TITLE},
        **{"minRange": low, "maxRange": high, "autoRange": False, "logMode": False},
    }
    curve = {
        **{"name": "Waveform", "yAxisName": "Voltage"},
        **{"x_channel": f"ca://{PREFIX}{X_PV}", "y_channel": f"ca://{PREFIX}{Y_PV}"},
        **{"color": "#208020", "lineWidth": 1},
    }
    yield '  <widget class="PyDMWaveformPlot" name="Waveform">\n'
    yield ui_box(PLOT_BOX)
    yield ui_property("title", "string", TITLE)
    yield ui_property("showXGrid", "bool", "true")
    yield ui_property("showYGrid", "bool", "true")
    yield ui_list("xLabels", X_TITLE)
    yield ui_list("yAxes", json.dumps(axis))
    for side in "XY":
        yield ui_property(f"autoRange{side}", "bool", "false")
        yield ui_property(f"min{side}Range", "double", f"{low:.1f}")
        yield ui_property(f"max{side}Range", "double", f"{high:.1f}")
    yield ui_list("curves", json.dumps(curve))
    yield "  </widget>\n"


def ui_list(name, text):
    strings = f"<stringlist><string>{escape(text)}</string></stringlist>"
    return f'  <property name="{name}">{strings}</property>\n'


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
