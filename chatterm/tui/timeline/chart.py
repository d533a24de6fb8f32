"""The chart of a turn's bars in styled lines: an axis, a row a step, tokens and cost, a total.

A bar begins in the cell in which its time begins and is as long as its time, to the eighth of a
cell, but never nothing. A tool call has up to three parts: a thin line while the model wrote the
arguments, light while it waited for the user or its turn, solid while it ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatterm.render.lines import Line, Span, add_span, cells, crop, split_cells
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.timeline.axis import seconds, ticks
from chatterm.tui.timeline.spans import Bar

Row = tuple[str | None, Line]
"""The id of a step, or None, and the line it is shown in."""

_ROLES = {"thinking": "thinking", "text": "accent", "refusal": "error", "notice": "muted"}
_TOKENS_FROM = 40
"""Narrower charts have no room for the tokens' column."""
_COST_FROM = 52
_GUTTER = 2
_NAMES = (8, 24)
"""The names' column takes a quarter of the width, within these cells."""


@dataclass(frozen=True, slots=True)
class _Marks:
    """The characters that a chart is drawn with."""

    parts: str  # an eighth of a cell more each; the last is the whole
    waiting: str
    writing: str
    cursor: str
    failed: str
    cut: str
    more: str
    nothing: str


_BLOCKS = _Marks("▏▎▍▌▋▊▉█", "░", "─", "❯", "✗", "■", "…", "–")  # noqa: RUF001 - drawn, not read
_ASCII = _Marks("########", ".", "-", ">", "x", "!", "~", "-")


@dataclass(frozen=True, slots=True)
class _Chart:
    """Where things are: cells of each column, the seconds that the axis spans."""

    width: int
    names: int
    chart: int
    tokens: int
    cost: int
    span: float
    now: float
    marks: _Marks

    def cell(self, at: float) -> int:
        """The cell of the chart in which a time lies."""
        return min(self.chart - 1, int(at * self.scale + 1e-9))

    @property
    def scale(self) -> float:
        """Cells a second."""
        return self.chart / self.span if self.span > 0 else 0.0


def timeline_lines(
    bars: Sequence[Bar],
    width: int,
    *,
    now: float | None = None,
    cursor: str | None = None,
    ascii: bool = False,  # noqa: A002 - what it means, and nothing here needs the builtin
) -> list[Row]:
    """The chart: a header, a row for each bar, a total.

    Args:
        bars: The bars of a turn, in order.
        width: Cells a line; below 24 the lines are cut.
        now: Seconds from the turn's beginning, for bars that go on; by default they last until the
            end of all others.
        cursor: The id of the step whose row is marked.
        ascii: Draw in ASCII alone.
    """
    if not bars:
        return [(None, crop((Span("  no steps yet", ("muted",)),), width))]
    marks = _ASCII if ascii else _BLOCKS
    chart = _laid_out(bars, width, _present(bars, now), marks)
    rows: list[Row] = [(None, _header(chart))]
    rows += [(bar.step, _row(bar, chart, chosen=bar.step == cursor)) for bar in bars]
    rows.append((None, _total(bars, chart)))
    return [(step, crop(line, width)) for step, line in rows]


def _present(bars: Sequence[Bar], now: float | None) -> float:
    """What time it is on the axis, at least the end of all that has ended."""
    ends = [bar.start + (bar.duration or 0.0) for bar in bars if bar.start is not None]
    going = any(bar.start is not None and bar.duration is None for bar in bars)
    return max([*ends, now or 0.0 if going else 0.0])


def _laid_out(bars: Sequence[Bar], width: int, now: float, marks: _Marks) -> _Chart:
    least, most = _NAMES
    longest = max(cells(sanitize_line(bar.name)) for bar in bars)
    names = max(len("total"), min(longest, max(least, min(most, width // 4))))
    tokens = cost = 0
    if width >= _TOKENS_FROM:
        texts = [_tokens(bar.tokens, marks, estimated=bar.estimated) for bar in bars]
        tokens = max(map(len, ["tokens", *texts, _all_tokens(bars, marks)]))
    if width >= _COST_FROM and any(bar.cost is not None for bar in bars):
        cost = max(map(len, [_cost(_all_cost(bars), marks), *(_cost(b.cost, marks) for b in bars)]))
    columns = sum(2 + column for column in (tokens, cost) if column)
    chart = max(1, width - _GUTTER - names - 1 - columns)
    return _Chart(width, names, chart, tokens, cost, now, now, marks)


def _header(chart: _Chart) -> Line:
    axis = ""
    for cell, label in ticks(chart.span, chart.chart):
        axis = axis.ljust(cell) + label
    text = " " * (_GUTTER + chart.names + 1) + axis.ljust(chart.chart)
    return (Span(text + _columns(chart, "tokens", "$"), ("muted",)),)


def _total(bars: Sequence[Bar], chart: _Chart) -> Line:
    took = seconds(chart.span).ljust(chart.chart)
    text = "  " + "total".ljust(chart.names) + " " + took
    tokens = _all_tokens(bars, chart.marks)
    return (Span(text + _columns(chart, tokens, _cost(_all_cost(bars), chart.marks))),)


def _row(bar: Bar, chart: _Chart, *, chosen: bool) -> Line:
    role = "error" if bar.failed else _ROLES.get(bar.kind, "tool")
    row: list[Span] = []
    row.append(Span(f"{chart.marks.cursor} ", ("accent",)) if chosen else Span("  "))
    name = _named(sanitize_line(bar.name), chart)
    add_span(row, name + " ", (role, "strong") if chosen else (role,))
    used = 0
    for span in _drawn(bar, role, chart):
        add_span(row, *span)
        used += cells(span.text)
    tokens = _tokens(bar.tokens, chart.marks, estimated=bar.estimated)
    rest = " " * (chart.chart - used) + _columns(chart, tokens, _cost(bar.cost, chart.marks))
    add_span(row, rest, ("muted",))
    return tuple(row)


def _named(name: str, chart: _Chart) -> str:
    if cells(name) > chart.names:
        name = split_cells(name, chart.names - 1)[0] + chart.marks.more
    return name + " " * (chart.names - cells(name))


def _drawn(bar: Bar, role: str, chart: _Chart) -> list[Span]:
    """A bar with its blank before and how long it took behind it, or before it."""
    if bar.start is None:
        return []
    begin = chart.cell(max(0.0, bar.start - (bar.writing or 0.0)))
    parts = _parts(bar, role, begin, chart)
    end = begin + sum(len(part.text) for part in parts)
    label = seconds(max(0.0, _took(bar, chart)))
    if bar.failed or bar.cut:
        label += " " + (chart.marks.failed if bar.failed else chart.marks.cut)
    if end + 1 + len(label) <= chart.chart:
        return [Span(" " * begin), *parts, Span(" " + label, ("muted",))]
    if len(label) + 1 <= begin:
        return [Span(f"{label} ".rjust(begin), ("muted",)), *parts]
    return [Span(" " * begin), *parts]


def _took(bar: Bar, chart: _Chart) -> float:
    """How long it ran, or waits or waited if it never ran."""
    whole = chart.now - (bar.start or 0.0) if bar.duration is None else bar.duration
    return whole if bar.waited is None or bar.waited >= whole else whole - bar.waited


def _parts(bar: Bar, role: str, begin: int, chart: _Chart) -> list[Span]:
    start = bar.start or 0.0
    end = chart.now if bar.duration is None else start + bar.duration
    marks = chart.marks
    if bar.writing is None:
        count = max(1, chart.cell(end) - begin)
        return [Span(marks.writing * count, (role,))]
    whole = chart.cell(start)
    parts = [Span(marks.writing * (whole - begin), (role,))]
    runs = end if bar.waited is None else start + bar.waited
    never = (bar.failed or bar.cut) and runs > start and runs >= end
    if bar.waited is None or never:
        parts.append(Span(marks.waiting * max(1, chart.cell(end) - whole), ("muted",)))
        return parts
    solid = chart.cell(runs)
    parts.append(Span(marks.waiting * (solid - whole), ("muted",)))
    eighths = round((end - runs) * chart.scale * 8)
    eighths = max(1, min(eighths, (chart.chart - solid) * 8))
    parts.append(Span(_block(eighths, marks), (role,)))
    return parts


def _block(eighths: int, marks: _Marks) -> str:
    full, rest = divmod(eighths, 8)
    if marks is _ASCII:
        full, rest = max(1, round(eighths / 8)), 0
    return marks.parts[-1] * full + (marks.parts[rest - 1] if rest else "")


def _columns(chart: _Chart, tokens: str, cost: str) -> str:
    text = f"  {tokens:>{chart.tokens}}" if chart.tokens else ""
    return text + (f"  {cost:>{chart.cost}}" if chart.cost else "")


def _tokens(count: int | None, marks: _Marks, *, estimated: bool) -> str:
    if count is None:
        return marks.nothing
    text = str(count) if count < 100_000 else f"{count / 1000:.0f}k"
    return f"~{text}" if estimated else text


def _all_tokens(bars: Sequence[Bar], marks: _Marks) -> str:
    """The sum, an estimate as soon as one is, or a call's part isn't known."""
    known = [bar.tokens for bar in bars if bar.tokens is not None]
    unsure = any(bar.estimated or (bar.kind == "tool_call" and bar.tokens is None) for bar in bars)
    return _tokens(sum(known) if known else None, marks, estimated=unsure)


def _cost(dollars: float | None, marks: _Marks) -> str:
    if dollars is None:
        return marks.nothing
    if dollars == 0:
        return "0"
    if dollars < 0.0005:
        return "<0.001"
    return f"{dollars:.3f}" if dollars < 1 else f"{dollars:.2f}"


def _all_cost(bars: Sequence[Bar]) -> float | None:
    known = [bar.cost for bar in bars if bar.cost is not None]
    return sum(known) if known else None
