"""Fuzzing what stands between strangers' text and a terminal: sanitiser, colours, filter, diffs.

However a text is cut it looks the same; no control character comes out at any time; what was
cleaned is clean; every row fits, and takes the cells that it says it takes.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color

from chatterm.render.coloured import ColouredText
from chatterm.render.diffs import StreamingEdit, diff_lines
from chatterm.render.lines import ROLES, Line, cells, line_cells, line_text
from chatterm.render.partial_json import PartialJson, Piece
from chatterm.render.sanitize import Sanitizer, escape_controls, sanitize, sanitize_line
from chatterm.render.wordwrap import wrapped
from chatterm.tui.app import _LastDefence
from fuzz.damage import CUTS, VALUES, as_json, pieces
from fuzz.target import Target
from hostile import DROPPED_WHOLE, FORBIDDEN, OVERLONG, REWRITTEN

# --- text as strangers write it ---------------------------------------------------------------

_INTRODUCERS = ("\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1bk", "\x9b",
                "\x9d", "\x90", "\x98", "\x9e", "\x9f", "\x1b(", "\x1b%", "\x1b#")  # fmt: skip
_ENDS = ("\x1b\\", "\x9c", "\x07", "\x18", "\x1a", "m", "H", "J", "u", "~", "\n", "")
_INNER = ("0;", "8;;http://x", "31", "?1049", "38;2;1;2;3", ":", "<", " ", "!", "é", "日", "\r",
          "\t", "x" * 50, "1" * 4095, "\x00", "\x7f", "\\", "[", "]")  # fmt: skip
_sequences = st.builds(
    lambda begin, inner, end: begin + "".join(inner) + end,
    st.sampled_from(_INTRODUCERS),
    st.lists(st.sampled_from(_INNER), max_size=4),
    st.sampled_from(_ENDS),
)
_colours = st.builds(
    lambda codes, colon: f"\x1b[{(':' if colon else ';').join(codes)}m",
    st.lists(
        st.sampled_from(("", "0", "1", "2", "3", "4", "7", "8", "22", "30", "31", "38", "48", "5",
                         "2", "255", "256", "97", "107", "39", "49", "999999999999", "4:3")),
        max_size=8,
    ),
    st.booleans(),
)  # fmt: skip
_PLAIN = ("a", "word ", "\n", "\r\n", "\r", "\t", "日本", "e\u0301", "👩\u200d👧", "🇩🇪", "❤\ufe0f",
          "\u200b", "\u200d", "\u202e", "\xad", "\ufeff", "\u2028", "\x85", "\ud83d", "\ude00",
          "\U000e0041", "\U000e0100", "\u3164", "\u0e33", "ก\u0e33", "\u1100\u1161", "x" * 40,
          " " * 9, "\xa0", "ﷺ", "\u0300" * 5)  # fmt: skip
CORPUS = [*DROPPED_WHOLE.values(), *(text for text, _ in REWRITTEN.values())]
CORPUS += [text for text, _ in OVERLONG.values()]
TEXTS = st.lists(
    st.one_of(
        _sequences,
        _colours,
        st.sampled_from(_PLAIN),
        st.sampled_from(CORPUS),
        st.text(st.characters(exclude_categories=()), max_size=6),
    ),
    max_size=25,
).map("".join)
WIDTHS = st.integers(2, 40)


def _clean(text: str) -> None:
    assert set(text).isdisjoint(FORBIDDEN), ascii(set(text) & FORBIDDEN)


# --- checks -----------------------------------------------------------------------------------


def check_sanitizer(text: str, cuts: list[int]) -> None:
    """Cut anywhere it comes to the same, always clean, and cleaning it again changes nothing."""
    whole = sanitize(text)
    _clean(whole)
    for parts in (pieces(text, cuts), list(text)):
        sanitizer = Sanitizer()
        out = []
        for part in parts:
            out.append(sanitizer.feed(part))
            _clean(out[-1])
        out.append(sanitizer.finish())
        assert "".join(out) == whole
        assert sanitizer.feed("\ta") + sanitizer.finish() == sanitize("\ta")  # as new
    assert sanitize(whole) == whole
    line = sanitize_line(text)
    _clean(line)
    assert "\n" not in line
    assert sanitize_line(line) == line
    _clean(escape_controls(text))


def check_wrapped(text: str, width: int) -> None:
    """Breaking lines loses nothing but blanks, and only a word may be wider than the screen."""
    clean = sanitize(text)
    out = wrapped(clean, width)
    assert "".join(out.split()) == "".join(clean.split())
    _clean(out)


def check_coloured(text: str, cuts: list[int], width: int) -> None:
    """Coloured output looks the same however it came, and its rows are as wide as they say."""
    whole = ColouredText(text)
    made = ColouredText()
    for part in pieces(text, cuts):
        changed = made.feed(part)
        assert 0 <= changed <= len(made)
    assert len(made) == len(whole)
    counts = made.counts(width)
    for number in range(len(whole)):
        line = whole.line(number)
        assert made.line(number) == line
        plain = made.plain(number)
        assert plain == line_text(line)
        assert "\n" not in plain
        _clean(plain)
        rows = made.rows(number, width)
        assert counts[number] == len(rows)
        assert "".join(map(line_text, rows)) == plain
        assert all(line_cells(row) <= width for row in rows)
        for span in line:
            colours = [role[3:] for role in span.style if role.startswith(("fg:", "bg:"))]
            assert len(colours) == len(set(colours)) <= 2
    assert made.text() == "\n".join(map(whole.plain, range(len(whole))))


def check_filter(parts: list[tuple[str, bool]]) -> None:
    """The last defence lets nothing through that isn't seen, and keeps the cells of all."""
    segments = [
        Segment(text, RichStyle(bold=True) if bold else None)
        for text, bold in parts
    ]  # fmt: skip
    out = _LastDefence().apply(segments, Color(0, 0, 0))
    for before, after in zip(segments, out, strict=True):
        _clean(after.text)
        assert "\n" not in after.text
        assert cells(after.text) == max(cells(before.text), cells(after.text))
        assert cells(after.text) >= cells(before.text)


def check_diff(text: str, most: int | None) -> None:
    """Whatever is shown as a diff, each line is one, clean, and in roles that there are."""
    lines = diff_lines(text, most=most)
    if most is not None:
        assert len(lines) <= most + 1
    _fit(lines)


def _fit(lines: list[Line]) -> None:
    for line in lines:
        text = line_text(line)
        assert "\n" not in text
        _clean(text)
        assert all(set(span.style) <= set(ROLES) for span in line)


def check_edit(text: str, cuts: list[int]) -> None:
    """An edit that is being written is seen the same however its arguments come."""
    whole = StreamingEdit()
    whole.feed(text)
    parts = StreamingEdit()
    for part in pieces(text, cuts):
        parts.feed(part)
        _fit(parts.lines)
        _clean(parts.path)
    assert parts.lines == whole.lines
    assert parts.path == whole.path


def check_partial(text: str, cuts: list[int]) -> None:
    """Half-written JSON is read as far as it goes, and as `json` reads it where it is whole."""
    whole = PartialJson()
    whole.feed(text)
    parts = PartialJson()
    told: dict[str, str] = {}
    for part in pieces(text, cuts):
        for piece in parts.feed(part):
            _take(told, piece)
    assert parts.values == whole.values
    assert parts.done == whole.done
    assert parts.open_key == whole.open_key
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict):
        assert whole.done
        strings = {key: each for key, each in value.items() if isinstance(each, str)}
        assert whole.values == strings
        assert {key: told[key] for key in strings} == strings


def _take(told: dict[str, str], piece: Piece) -> None:
    told[piece.key] = ("" if piece.first else told[piece.key]) + piece.text


# --- strategies of structure ------------------------------------------------------------------

_diff_lines = st.builds(
    lambda head, text: head + text,
    st.sampled_from(("+", "-", " ", "@@ -1,3 +1,2 @@", "@@ -1 +1 @@", "--- a", "+++ b", "\\ No", "",
                     "@@ -0,0 +1,99999999999 @@", "@@", "diff --git")),
    st.sampled_from(("", "a", "a b c", "total = add(one, two)", "x" * 600, "\x1b[31m", "日本\t"))
    | TEXTS.map(lambda text: text[:80]),
)  # fmt: skip
DIFFS = st.lists(_diff_lines, max_size=30).map("\n".join) | TEXTS


@st.composite
def arguments_text(draw: st.DrawFn) -> str:
    """Arguments as a model writes them: whole, cut off, with keys twice, or nearly JSON."""
    keys = st.sampled_from(("path", "old", "new", "content", "a", "", "\ud83d"))
    pairs = draw(st.lists(st.tuples(keys, TEXTS | VALUES), max_size=6))
    inside = ",".join(f"{as_json(key)}:{as_json(value)}" for key, value in pairs)
    text = f"{{{inside}}}"
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(("", "\\", '"', "{", "}", "\\u", "\\ud83d", "\n")))
        text += draw(st.sampled_from(("", "x", '"}', '\\ude00"}', "}}")))
    return text


_cut_texts = st.tuples(TEXTS, CUTS)
_segments = st.lists(st.tuples(TEXTS, st.booleans()), max_size=4)
_wide = functools.partial(st.tuples, TEXTS, CUTS)


def _arguments() -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(arguments_text(), CUTS)


TARGETS = [
    Target("screen/sanitizer", _cut_texts, check_sanitizer, 80),
    Target("screen/wordwrap", st.tuples(TEXTS, st.integers(4, 40)), check_wrapped, 30),
    Target("screen/coloured", _wide(WIDTHS), check_coloured, 60),
    Target("screen/filter", st.tuples(_segments), check_filter, 60),
    Target("screen/diff", st.tuples(DIFFS, st.none() | st.integers(0, 9)), check_diff, 50),
    Target("screen/edit", _arguments(), check_edit, 50),
    Target("screen/partial-json", _arguments(), check_partial, 60),
]
