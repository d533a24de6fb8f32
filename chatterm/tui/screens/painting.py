"""Lines made to fit a row, and a row made of a line: what all screens paint with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip

from chatterm.render.lines import PLAIN, Line, Span, Style, crop, line_cells, split_cells
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.pane.palette import Palette

MUTED: Style = ("muted",)
STRONG: Style = ("strong",)
ERROR: Style = ("error",)

# What a role looks like where a theme has none of that name.
_INSTEAD: dict[str, Style] = {"selection": ("reverse",), "match": ("bold", "underline")}


def shown(text: str) -> str:
    """A string as one row may show it."""
    # Nearly all are ordinary, and a list may have very many.
    return text if text.isascii() and text.isprintable() else sanitize_line(text)


def as_line(text: Line | str, style: Style = PLAIN) -> Line:
    """A line as it is; a string sanitised, in a style."""
    if not isinstance(text, str):
        return text
    return (Span(shown(text), style),) if text else ()


def folded(text: str) -> str:
    """A text in which case doesn't matter, as long as it was: what is found stands where it did."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := each.lower()) == 1 else each for each in text)


def fit(line: Line, width: int) -> Line:
    """The line, or as much of it as a width holds and a sign that it goes on."""
    if line_cells(line) <= width:
        return line
    if width < 1:
        return ()
    return (*crop(line, width - 1), Span("…", MUTED))


def skip(line: Line, count: int) -> Line:
    """A line without so many cells at its beginning."""
    kept: list[Span] = []
    for span in line:
        if count <= 0:
            kept.append(span)
            continue
        head, rest = split_cells(span.text, count)
        count -= line_cells((Span(head),))
        if rest and count:  # a wide character that is cut through
            lost, rest = rest[:1], rest[1:]
            rest, count = " " * (line_cells((Span(lost),)) - count) + rest, 0
        if rest:
            kept.append(Span(rest, span.style))
    return tuple(kept)


def overlay(line: Line, places: Sequence[int], style: Style) -> Line:
    """A line with a style added to the characters at some places."""
    if not places:
        return line
    marked = set(places)
    spans: list[Span] = []
    at = 0
    for span in line:
        text = span.text
        edges = [
            edge
            for edge in range(1, len(text))
            if (at + edge in marked) != (at + edge - 1 in marked)
        ]
        for start, end in pairwise([0, *edges, len(text)]):
            added = style if at + start in marked else PLAIN
            spans.append(Span(text[start:end], span.style + added))
        at += len(text)
    return tuple(spans)


def spread(left: Line, rights: Sequence[Line], width: int) -> Line:
    """A line with another at its right end: the first of some that fits beside half of it."""
    for right in rights:
        used = line_cells(right)
        wanted = min(line_cells(left), width // 2)
        if used and wanted + 2 + used <= width:
            left = fit(left, width - 2 - used)
            return (*left, Span(" " * (width - used - line_cells(left))), *right)
    return fit(left, width)


def looks(palette: Palette, roles: Style) -> RichStyle:
    """The looks of roles; those that the screens rely on are never without any."""
    known = _known(palette, roles)
    return palette.style(known) if known else RichStyle.null()


def _on(palette: Palette, ground: RichStyle, roles: Style) -> RichStyle:
    known = _known(palette, roles)
    return palette.on(ground, known) if known else ground


def _known(palette: Palette, roles: Style) -> Style:
    return tuple(
        other
        for role in roles
        for other in (_INSTEAD.get(role, (role,)) if role not in palette.roles else (role,))
    )


def paint(line: Line, width: int, base: RichStyle, palette: Palette, row: Style = PLAIN) -> Strip:
    """A row of exactly a width.

    Args:
        line: What it says; cut where it is too long.
        width: Cells.
        base: What the widget looks like.
        palette: What roles look like.
        row: Roles of the whole row, under those of the line.
    """
    line = fit(line, width)
    under = base + looks(palette, row) if row else base
    # What is selected has a colour that can be read on its ground; others needn't be.
    plain = bool(under.reverse) or "selection" in row
    segments = [
        Segment(
            span.text,
            _on(palette, under, _without_colour(span.style) if plain else span.style),
        )
        for span in line
    ]
    used = line_cells(line)
    if used < width:
        segments.append(Segment(" " * (width - used), under))
    return Strip(segments, width)


def _without_colour(style: Style) -> Style:
    return tuple(role for role in style if role in {"match", "strong", "bold", "underline"})
