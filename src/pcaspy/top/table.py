"""A table of any length, of which only the lines that are seen are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .link import Answer, Request
from .words import fitted, fitted_name, harmless

Row = dict[str, Any]
HEADER = 1  # lines above the rows
WRONG = (TypeError, ValueError, LookupError, OverflowError, AttributeError)


@dataclass(frozen=True)
class Column:
    """What a table shows of its rows.

    `show` may fail with the errors of wrong types: a server may send anything.
    """

    key: str
    title: str
    least: int  # cells
    show: Callable[[Row], str]
    most: int = 0  # cells it takes if there are as many; `least` if that is more
    right: bool = False  # numbers
    name: bool = False  # a name: shortened in its middle
    rank: int = 1  # where there is little room, those of a high rank are left out
    style: Callable[[Row], str] | None = None  # a component class
    order: Callable[[Row], Any] | None = None  # sorts rows that the view has
    falling: bool = False  # the first click shows the largest first


def widths(columns: Sequence[Column], room: int) -> list[tuple[Column, int]]:
    """The columns that have room, with their cells; there is one cell between two."""
    kept = list(columns)
    while len(kept) > 1 and sum(c.least + 1 for c in kept) - 1 > room:
        kept.remove(max(reversed(kept), key=lambda column: column.rank))
    cells = [min(column.least, max(room, 1)) for column in kept]
    left = room - sum(cells) - len(cells) + 1
    while left > 0:
        wider = [n for n, column in enumerate(kept) if cells[n] < column.most]
        for n in wider[:left]:
            cells[n] += 1
        left -= len(wider)
        if not wider:
            break
    return list(zip(kept, cells, strict=True))


class Table(ScrollView, can_focus=True):
    """Rows with a cursor, sorted by a column, and the keys and clicks for that.

    Subclasses say how many rows there are and what they are.
    """

    DEFAULT_CSS = """
    Table { background: $surface; overflow-x: hidden; scrollbar-size-vertical: 1; }
    Table > .table--header { background: $panel; text-style: bold; }
    Table > .table--sorted { text-style: bold underline; }
    Table > .table--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground;
    }
    Table > .table--minor { color: $text-warning; }
    Table > .table--major { color: $text-error; text-style: bold; }
    Table > .table--invalid { color: $text-error; text-style: bold reverse; }
    Table > .table--quiet { text-style: dim; }
    Table > .table--running { color: $text-warning; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--sorted",
        "table--cursor",
        "table--minor",
        "table--major",
        "table--invalid",
        "table--quiet",
        "table--running",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,space,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "home", "First", show=False),
        Binding("end,G", "end", "Last", show=False),
        Binding("enter", "choose", "Open"),
        Binding("less_than_sign", "sort(-1)", "Sort by the column before", show=False),
        Binding("greater_than_sign", "sort(1)", "Sort by the next", show=False),
        Binding("r", "reverse", "Reverse", show=False),
    ]
    ALLOW_SELECT = False
    columns: Sequence[Column] = ()
    nothing = "nothing here"

    class Chosen(Message):
        """Enter or a second click on a row."""

        def __init__(self, table: Table, row: Row) -> None:
            super().__init__()
            self.table = table
            self.row = row

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cursor = 0
        self.sort = self.columns[0].key if self.columns else ""
        self.descending = False
        self.match = ""
        self.part = ""  # what is shown, if not all
        self.trouble = ""  # why there are no rows, if that is not as usual
        self._laid: list[tuple[Column, int]] = []
        self._laid_for = 0  # cells: a scrollbar takes one away

    # ---- what subclasses have ----

    def total(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row(self, index: int) -> Row | None:
        """One of them, None if it is not here yet."""
        raise NotImplementedError

    def changed_order(self) -> None:
        """The sorting or what is searched for has changed."""
        raise NotImplementedError

    def requests(self) -> list[Request]:
        """What is to be asked now."""
        return []

    def take(self, answer: Answer) -> None:
        """Shows an answer to it."""

    def clear(self) -> None:
        """There is another server."""

    def emptied(self) -> None:
        """There are no rows any more."""
        raise NotImplementedError

    def changed_window(self) -> None:
        """Other rows may be seen than before."""

    def sortable(self) -> list[Column]:
        """The columns that rows can be sorted by."""
        return list(self.columns)

    # ---- for those that have a table ----

    def current(self) -> Row | None:
        """The row at the cursor."""
        return self.row(self.cursor) if self.cursor < self.total() else None

    def seen(self) -> range:
        """The indices of the rows that are seen."""
        first = self.scroll_offset.y
        return range(first, min(first + self._page(), self.total()))

    def show_again(self) -> None:
        """The rows have changed."""
        self.cursor = max(0, min(self.cursor, self.total() - 1))
        self.virtual_size = Size(self.room(), self.total() + HEADER)
        self.refresh()

    def refused(self, why: str) -> None:
        """The server does not say what the rows are."""
        self.trouble = harmless(why)
        self.emptied()

    def room(self) -> int:
        """Cells of a line, without the scrollbar."""
        return self.scrollable_content_region.width

    def lay(self) -> None:
        """Gives the columns their cells."""
        self._laid_for = self.room()
        self._laid = widths(self.columns, self.room() - 1)

    def search(self, text: str) -> None:
        """Shows only what has the text, or fits the pattern."""
        if text != self.match:
            self.match = text
            self._from_the_top()

    def sort_by(self, column: Column) -> None:
        """Sorts by a column, or the other way round if it is sorted by it already."""
        if self.sort == column.key:
            self.descending = not self.descending
        else:
            self.sort, self.descending = column.key, column.falling
        self._from_the_top()

    # ---- keys and mouse ----

    def action_move(self, rows: int) -> None:
        """Moves the cursor."""
        self.move_to(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Moves the cursor by what is seen at once."""
        self.move_to(self.cursor + pages * max(self._page() - 1, 1))

    def action_home(self) -> None:
        """To the first row."""
        self.move_to(0)

    def action_end(self) -> None:
        """To the last row."""
        self.move_to(self.total() - 1)

    def action_choose(self) -> None:
        """Opens the row at the cursor."""
        row = self.current()
        if row is not None:
            self.post_message(self.Chosen(self, row))

    def action_sort(self, step: int) -> None:
        """Sorts by the next column or the one before."""
        columns = self.sortable()
        if columns:
            keys = [column.key for column in columns]
            at = keys.index(self.sort) if self.sort in keys else -1
            column = columns[(at + step) % len(columns)]
            self.sort = ""
            self.sort_by(column)

    def action_reverse(self) -> None:
        """Sorts the other way round."""
        self.descending = not self.descending
        self._from_the_top()

    def move_to(self, index: int) -> None:
        """Puts the cursor on a row and scrolls there."""
        self.cursor = max(0, min(index, self.total() - 1))
        first, page = self.scroll_offset.y, self._page()
        if self.cursor < first:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= first + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False, force=True)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """The header sorts, a row gets the cursor, and opens with the second click."""
        event.stop()
        if event.y < HEADER:
            column = self._column_at(event.x)
            if column is not None and column in self.sortable():
                self.sort_by(column)
            return
        index = self.scroll_offset.y + event.y - HEADER
        if index >= self.total():
            return
        again = event.chain > 1 and index == self.cursor
        self.move_to(index)
        if again:
            self.action_choose()

    # ---- drawing ----

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Rows that are seen now may have to be asked for."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.changed_window()

    def on_resize(self) -> None:
        """As many columns as have room."""
        self.lay()
        self.virtual_size = Size(self.room(), self.total() + HEADER)
        if self.cursor not in self.seen():
            self.move_to(self.cursor)
        self.changed_window()

    def render_line(self, y: int) -> Strip:
        """A line of what is seen; the first is the header."""
        width = self.room()
        if width != self._laid_for:
            self.lay()
        if y < HEADER:
            return self._header().adjust_cell_length(
                width, self.get_component_rich_style("table--header")
            )
        index = self.scroll_offset.y + y - HEADER
        if index >= self.total():
            why = self.trouble or self.nothing
            text = f" {why}" if y == HEADER and not self.total() else ""
            quiet = self.get_component_rich_style("table--quiet", partial=True)
            line = [Segment(fitted(text, width), self.rich_style + quiet)]
            return Strip(line, width)
        return self._line(index, width)

    def _header(self) -> Strip:
        plain = self.get_component_rich_style("table--header")
        sorted_by = plain + self.get_component_rich_style("table--sorted", partial=True)
        segments = [Segment(" ", plain)]
        for column, cells in self._laid:
            title, style = column.title, plain
            if column.key == self.sort:
                title, style = title + ("▼" if self.descending else "▲"), sorted_by
            if column is self._laid[0][0]:
                title += self.part
            segments.append(Segment(fitted(title, cells, column.right), style))
            segments.append(Segment(" ", plain))
        return Strip(segments)

    def _line(self, index: int, width: int) -> Strip:
        row = self.row(index)
        base = self.rich_style
        here = index == self.cursor
        if here:
            base = self.get_component_rich_style("table--cursor")
        segments = [Segment(">" if here else " ", base)]
        if row is None:
            segments.append(Segment("…", base))
        else:
            for column, cells in self._laid:
                text, style = self._cell(column, cells, row)
                segments.append(Segment(text, base if here else base + style))
                segments.append(Segment(" ", base))
        return Strip(segments).adjust_cell_length(width, base)

    def _cell(self, column: Column, cells: int, row: Row) -> tuple[str, Style]:
        try:
            text = column.show(row)
            name = column.style(row) if column.style else ""
        except WRONG:
            text, name = "?", ""
        style = Style.null()
        if name:
            style = self.get_component_rich_style(f"table--{name}", partial=True)
        if column.name:
            return fitted_name(text, cells), style
        return fitted(text, cells, column.right), style

    def _column_at(self, x: int) -> Column | None:
        edge = 1
        for column, cells in self._laid:
            edge += cells + 1
            if x < edge:
                return column
        return None

    def _page(self) -> int:
        return max(self.size.height - HEADER, 1)

    def _from_the_top(self) -> None:
        self.cursor = 0
        self.scroll_to(y=0, animate=False, force=True)
        self.changed_order()
        self.refresh()


class ListTable(Table):
    """A table of rows that are all here."""

    searched: tuple[str, ...] = ()  # the members of a row that a search looks at

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._all: list[Row] = []
        self._rows: list[Row] = []

    def total(self) -> int:
        """How many rows fit what is searched for."""
        return len(self._rows)

    def row(self, index: int) -> Row | None:
        """One of them."""
        return self._rows[index]

    def changed_order(self) -> None:
        """Sorts them again."""
        self.fill(self._all)

    def emptied(self) -> None:
        """No rows."""
        self._all, self._rows = [], []
        self.show_again()

    def sortable(self) -> list[Column]:
        """The columns with an order."""
        return [column for column in self.columns if column.order is not None]

    def fill(self, rows: Sequence[Row]) -> None:
        """Shows other rows."""
        self.trouble = ""
        self._all = list(rows)
        fits = matcher(self.match)
        self._rows = [
            row
            for row in self._all
            if not self.match
            or any(fits(str(row.get(member, ""))) for member in self.searched)
        ]
        for column in self.columns:
            if column.key == self.sort and column.order is not None:
                order = column.order
                self._rows.sort(key=lambda row: rank(order, row))
                if self.descending:
                    self._rows.reverse()
        self.show_again()


def rank(order: Callable[[Row], Any], row: Row) -> tuple[int, Any]:
    """A key to sort by: nothing, then numbers, then texts."""
    try:
        found = order(row)
    except WRONG:
        found = None
    if found is None:
        return 0, 0
    return (1, found) if isinstance(found, int | float) else (2, str(found).casefold())


def matcher(match: str) -> Callable[[str], bool]:
    """The rule of the protocol's `match`: a part whatever its case, or a pattern."""
    if "*" not in match and "?" not in match:
        part = match.casefold()
        return lambda text: part in text.casefold()
    parts = (
        {"*": ".*", "?": "."}.get(character, re.escape(character))
        for character in re.sub(r"\*+", "*", match)
    )
    pattern = re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
    return lambda text: pattern.fullmatch(text) is not None
