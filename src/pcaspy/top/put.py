"""The dialog that puts a value to a PV."""

from __future__ import annotations

import json
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

_WORDS = {"true": 1, "yes": 1, "on": 1, "false": 0, "no": 0, "off": 0}


def is_array(row: Mapping[str, Any]) -> bool:
    """Whether a PV may have more than one element, of a text apart."""
    count = row.get("count")
    return (
        isinstance(count, int)
        and count > 1
        and not isinstance(row.get("elements"), str)
    )


def labels_of(row: Mapping[str, Any]) -> list[str]:
    """What there is to choose from, nothing if it is typed."""
    labels = row.get("labels")
    if not isinstance(labels, list) or is_array(row):
        return []
    return [str(label) for label in labels]


def parsed(row: Mapping[str, Any], text: str) -> Any:
    """What is put for a text that was typed.

    Raises:
        ValueError: It is not what the PV holds.
    """
    kind, elements = str(row.get("type", "")), row.get("elements")
    if isinstance(elements, str):
        return text
    if is_array(row):
        return _array(kind, text)
    if kind == "string":
        return text
    if kind == "bool" and text.strip().lower() in _WORDS:
        return _WORDS[text.strip().lower()]
    return _number(text.strip())


def _array(kind: str, text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            pass  # perhaps NumPy's form, without commas
    if kind == "string":
        return [text]
    words = text.replace(",", " ").replace("[", " ").replace("]", " ").split()
    try:
        return [_number(word) for word in words]
    except ValueError:
        if kind in ("char", "uint8"):
            return text  # of characters
        raise


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
    PutScreen #editor { height: auto; }
    PutScreen OptionList { height: auto; max-height: 10; padding: 0; }
    PutScreen OptionList, PutScreen OptionList:focus { border: none; }
    PutScreen Input { border: tall $primary; }
    PutScreen #name { text-style: bold; max-height: 3; }
    PutScreen #said { height: auto; max-height: 6; }
    PutScreen #said.-error { color: $text-error; }
    PutScreen #keys { text-style: dim; }
    PutScreen.-low > Vertical { border: none; }
    PutScreen.-low Input { border: none; }
    PutScreen.-low OptionList { max-height: 5; }
    """
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
        if row.get("elements") is None:
            self.say("a structure cannot be put here", error=True)
            return
        labels = labels_of(row)
        field: OptionList | Input
        if labels:
            field = OptionList(*(Content(harmless(label)) for label in labels))
        else:
            field = Input(placeholder="numbers" if is_array(row) else "value")
        await self.editor.mount(field)
        if isinstance(field, OptionList) and row.get("value") in labels:
            field.highlighted = labels.index(str(row["value"]))
        self.set_focus(field)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Puts what was typed."""
        try:
            self._put(parsed(self.row, event.value))
        except ValueError as error:
            self.say(str(error), error=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Puts a label."""
        self._put(labels_of(self.row)[event.option_index])

    def _put(self, value: Any) -> None:
        if self.putting is None and self.is_current:
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
