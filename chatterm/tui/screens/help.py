"""Help: groups of keys and what they do, in as many columns as fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from chatterm.render.lines import Line, Span, line_cells, wrap
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.field import Field
from chatterm.tui.screens.painting import MUTED, STRONG, as_line, fit, folded, shown
from chatterm.tui.screens.panel import Hints, PanelScreen, Title
from chatterm.tui.screens.rows import LineRows

Group = tuple[str, Sequence[tuple[str, str]]]

_BETWEEN = 4
_KEYS = 18
"""How wide keys may always be."""
_TEXT = 26
"""How much room a text keeps beside keys that are wider."""
_WIDEST = 60
_NARROWEST = 30


class _Measures(NamedTuple):
    """How wide columns are, and the keys in them."""

    column: int
    keys: int
    columns: int


class Help(PanelScreen[None]):
    """Shows which keys there are.

    Args:
        palette: What roles look like.
        groups: Groups, each with its name, and keys with what they do.
        title: What it is about.
    """

    DEFAULT_CSS = """
    Help {
        & #panel { max-width: 190; height: 90%; }
        & LineRows { height: 1fr; margin-top: 1; }
        &.-short #panel { height: 100%; }
        &.-short LineRows, &.-short Hints { margin-top: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="help.close", key_display="Esc", priority=True),
        Binding("up", "scroll(-1)", "scroll", id="help.up", key_display="↑↓", priority=True),
        Binding("down", "scroll(1)", "Down", show=False, id="help.down", priority=True),
        Binding("pageup", "page(-1)", "Page up", show=False, id="help.page_up", priority=True),
        Binding("pagedown", "page(1)", "Page down", show=False, id="help.page_down", priority=True),
        Binding("home", "first", "First", show=False, id="help.first", priority=True),
        Binding("end", "last", "Last", show=False, id="help.last", priority=True),
    ]

    def __init__(
        self, palette: Palette, groups: Sequence[Group], *, title: Line | str = "Keys"
    ) -> None:
        super().__init__(palette)
        self._groups = [
            (shown(name), [(shown(keys), shown(text)) for keys, text in entries])
            for name, entries in groups
        ]
        self._title = title
        self._field = Field(placeholder="type to filter")
        self._rows = LineRows(palette)

    def compose(self) -> ComposeResult:
        """The title, the filter, the columns."""
        with Vertical(id="panel"):
            yield Title(self.palette, self._title)
            yield self._field
            yield self._rows
            yield Hints(self.palette)

    def on_resize(self) -> None:
        """Columns are made anew once the room is known."""
        self.call_after_refresh(self._show)

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self._rows.go_to(self._rows.top + rows)

    def action_page(self, pages: int) -> None:
        """Scroll by screens."""
        self._rows.go_to(self._rows.top + pages * max(1, self._rows.screenful - 1))

    def action_first(self) -> None:
        """Go to the beginning."""
        self._rows.go_to(0)

    def action_last(self) -> None:
        """Go to the end."""
        self._rows.go_to(self._rows.row_count)

    def action_close(self) -> None:
        """Close."""
        self.answer(None)

    @on(Field.Changed)
    def _show(self) -> None:
        groups = filtered(self._groups, self._field.value)
        lines = layout(groups, max(_NARROWEST, self._rows.size.width - 2))
        self._rows.show(lines or [as_line("nothing found", MUTED)])


def filtered(groups: Sequence[Group], query: str) -> list[Group]:
    """What has every word of a query in its keys, its text or the name of its group."""
    words = folded(query).split()
    kept: list[Group] = []
    for name, entries in groups:
        fitting = [
            (keys, text)
            for keys, text in entries
            if all(word in folded(f"{name} {keys} {text}") for word in words)
        ]
        if fitting:
            kept.append((name, fitting))
    return kept


def layout(groups: Sequence[Group], width: int) -> list[Line]:
    """Groups in columns, each group whole, from top to bottom and then to the right.

    Args:
        groups: The groups.
        width: Cells.
    """
    if not groups:
        return []
    measures = _measured(groups, width)
    blocks = [list(_block(group, measures)) for group in groups]
    columns = _columns(blocks, measures.columns)
    rows: list[Line] = []
    for row in range(max(map(len, columns))):
        line: Line = ()
        for number, column in enumerate(columns):
            if row < len(column) and column[row]:
                start = number * (measures.column + _BETWEEN)
                line = (*line, Span(" " * (start - line_cells(line))), *column[row])
        rows.append(line)
    return rows


def _measured(groups: Sequence[Group], width: int) -> _Measures:
    entries = [entry for _, entries in groups for entry in entries]
    longest = max(line_cells((Span(keys),)) for keys, _ in entries)
    keys = min(_KEYS, longest)
    text = max(line_cells((Span(text),)) for _, text in entries)
    wanted = max(_NARROWEST, min(_WIDEST, keys + 2 + text))
    columns = max(1, min(len(groups), (width + _BETWEEN) // (wanted + _BETWEEN)))
    column = (width + _BETWEEN) // columns - _BETWEEN
    if longest + 2 + _TEXT <= column:
        keys = longest
    most = keys + 2 + text if columns == 1 else max(wanted, _WIDEST)
    return _Measures(min(column, most), keys, columns)


def _block(group: Group, measures: _Measures) -> Iterator[Line]:
    """The rows of a group."""
    name, entries = group
    yield fit(as_line(name, STRONG), measures.column)
    for keys, text in entries:
        head = fit(as_line(keys, ("marker",)), measures.keys)
        room = Span(" " * (measures.keys + 2 - line_cells(head)))
        indent = Span(" " * (measures.keys + 2))
        for number, row in enumerate(
            wrap((Span(text),), measures.column - len(indent.text)) or [()]
        ):
            yield (*head, room, *row) if number == 0 else (indent, *row)


def _columns(blocks: Sequence[list[Line]], count: int) -> list[list[Line]]:
    """Blocks in their order in so many columns, none much longer than it must be."""
    low, high = max(map(len, blocks)), sum(len(block) + 1 for block in blocks)
    while low < high:
        middle = (low + high) // 2
        if len(_filled(blocks, middle)) <= count:
            high = middle
        else:
            low = middle + 1
    return _filled(blocks, low)


def _filled(blocks: Sequence[list[Line]], height: int) -> list[list[Line]]:
    columns: list[list[Line]] = [[]]
    for block in blocks:
        column = columns[-1]
        if column and len(column) + 1 + len(block) > height:
            columns.append(list(block))
        else:
            column += [(), *block] if column else block
    return columns
