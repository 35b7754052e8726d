"""The dialog that puts a value to a PV."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from .link import Answer, Request
from .words import harmless

_WHOLE = ("int", "long", "short", "char", "uchar", "byte", "bool")


def is_text(row: Mapping[str, Any]) -> bool:
    """Whether a PV takes a text as it is typed."""
    elements = row.get("elements")
    numbers = isinstance(elements, list) and not any(
        isinstance(element, str) and element not in ("nan", "inf", "-inf")
        for element in elements
    )
    kind = str(row.get("type", "")).lower()
    return kind in ("string", "text") or not (numbers or kind.startswith(_WHOLE))


def is_array(row: Mapping[str, Any]) -> bool:
    """Whether it has more than one element, or may have."""
    elements, count = row.get("elements"), row.get("count")
    return (isinstance(count, int) and count > 1) or (
        isinstance(elements, list) and len(elements) > 1
    )


def parsed(row: Mapping[str, Any], text: str) -> Any:
    """What is put for a text that was typed.

    Raises:
        ValueError: It is not what the PV holds.
    """
    if is_text(row):
        return text
    if not is_array(row):
        return _number(text.strip())
    words = text.replace(",", " ").replace("[", " ").replace("]", " ").split()
    if not words:
        raise ValueError("no numbers")
    return [_number(word) for word in words]


def _number(text: str) -> int | float | str:
    """A number as JSON has it, NaN and the infinities as texts."""
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number" if text else "no number") from None
    if math.isfinite(found):
        return found
    return "nan" if math.isnan(found) else "inf" if found > 0 else "-inf"


class PutScreen(ModalScreen[None]):
    """Asks for a value, puts it, and shows why if the server refuses it."""

    DEFAULT_CSS = """
    PutScreen { align: center middle; }
    PutScreen > Vertical {
        width: 64; max-width: 100%; height: auto; max-height: 100%;
        padding: 0 1; background: $surface; border: round $primary;
    }
    PutScreen OptionList { height: auto; max-height: 10; border: none; padding: 0; }
    PutScreen Input { border: tall $primary; }
    PutScreen #name { text-style: bold; max-height: 3; }
    PutScreen #said { height: auto; max-height: 6; }
    PutScreen #said.-error { color: $text-error; }
    PutScreen #keys { text-style: dim; }
    PutScreen.-low > Vertical { border: none; }
    PutScreen.-low Input { border: none; }
    PutScreen.-low OptionList { max-height: 5; }
    """
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [
        (0, "-low"),
        (16, "-high"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

    class Put(Message):
        """A value is to be put."""

        def __init__(self, request: Request) -> None:
            super().__init__()
            self.request = request

    def __init__(self, pv: str) -> None:
        super().__init__()
        self.pv = pv
        self.row: dict[str, Any] = {}
        self.putting: Request | None = None
        self.now = Static(Content("…"))
        self.editor = Vertical(id="editor")
        self.said = Static(Content(""), id="said")

    def compose(self) -> ComposeResult:
        """A field, or labels to choose from, as soon as it is known."""
        with Vertical():
            yield Static(Content(harmless(self.pv)), id="name")
            yield self.now
            yield self.editor
            yield self.said
            yield Static(Content("Enter puts, Esc closes"), id="keys")

    def requests(self) -> list[Request]:
        """What is to be known of the PV."""
        return [Request("get", {"pv": self.pv}, self, "row")]

    async def take(self, answer: Answer) -> None:
        """What the PV is, or what became of the put."""
        if answer.request is self.putting:
            self.putting = None
            if answer.error is None:
                self.app.notify(f"put to {harmless(self.pv)}", markup=False)
                self.action_close()
            else:
                self.say(answer.error, error=True)
        elif answer.request.do == "get":
            if answer.error is not None:
                self.say(answer.error, error=True)
            elif not self.row:
                self.row = answer.result
                await self._edit()

    async def _edit(self) -> None:
        row = self.row
        unit = f" {row['unit']}" if row.get("unit") else ""
        kind = f"{row.get('type', '')}{', an array' if is_array(row) else ''}"
        now = f"now {row.get('value', '')}{unit} ({kind})"
        self.now.update(Content(harmless(now)))
        if row.get("readonly") is True:
            self.say("clients cannot put to it: it is read only", error=True)
            return
        labels = row.get("labels")
        field: OptionList | Input
        if isinstance(labels, list) and labels and not is_array(row):
            field = OptionList(*(Content(harmless(label)) for label in labels))
        else:
            field = Input(placeholder="numbers" if is_array(row) else "value")
        await self.editor.mount(field)
        if isinstance(field, OptionList) and row.get("value") in labels:
            field.highlighted = labels.index(row["value"])
        self.set_focus(field)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Puts what was typed."""
        try:
            self._put(parsed(self.row, event.value))
        except ValueError as error:
            self.say(str(error), error=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Puts a label."""
        self._put(self.row["labels"][event.option_index])

    def _put(self, value: Any) -> None:
        if self.putting is None:
            self.say("waiting for the driver")
            self.putting = Request("put", {"pv": self.pv, "value": value}, self)
            self.post_message(self.Put(self.putting))

    def say(self, text: str, error: bool = False) -> None:
        """Shows a text below the field."""
        self.said.set_class(error, "-error")
        self.said.update(Content(harmless(text)))

    def action_close(self) -> None:
        """Closes it; a put that was sent is carried out."""
        if self.is_current:
            self.dismiss()
