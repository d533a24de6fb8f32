"""The live tail, judged by what a terminal would show."""

from __future__ import annotations

import errno
import random
import re
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.render.lines import Span, cells, line_text
from chatterm.render.markdown import MarkdownStream, render
from chatterm.render.terminal import LiveTerminal, styled

_TOKENS = re.compile(r"\x1b\[(\d*)([A-Za-z])|\x1b\[[\d;]*m|(\r)|(\n)|([^\x1b\r\n])", re.DOTALL)


class Screen:
    """A terminal as small as it can be; made narrower, it wraps what is on it."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.rows = [""]  # the history and the screen
        self.row = self.column = 0
        self.writes = 0
        self.hidden = False

    @property
    def size(self):
        return self.width, self.height

    def flush(self):
        pass

    def write(self, text):
        self.writes += 1
        assert "?25l" not in text
        position = 0
        while position < len(text):
            match = _TOKENS.match(text, position)
            assert match, f"unknown sequence: {text[position : position + 20]!r}"
            position = match.end()
            count, command, carriage, newline, character = match.groups()
            if character:
                self.put(character)
            elif carriage:
                self.column = 0
            elif newline:
                self.row, self.column = self.row + 1, 0
                self.grow()
            elif command and command != "m":
                self.control(command, int(count or 1), count)

    def put(self, character):
        size = cells(character)
        if self.column + size > self.width:
            self.row, self.column = self.row + 1, 0
            self.grow()
        row = self.rows[self.row]
        before = row[: self.index(row)]
        assert cells(before) == self.column, "text is written at the end of rows only"
        self.rows[self.row] = before + character
        self.column += size

    def index(self, row):
        used = 0
        for index, character in enumerate(row):
            if used >= self.column and cells(character):
                return index
            used += cells(character)
        return len(row)

    def control(self, command, count, given):
        top = max(len(self.rows) - self.height, 0)
        row = self.rows[self.row]
        match command:
            case "A":
                self.row = max(self.row - count, top)
            case "B":
                self.row = min(self.row + count, len(self.rows) - 1)
            case "K" | "J":
                assert given == ""
                self.rows[self.row] = row[: self.index(row)]
                if command == "J":
                    del self.rows[self.row + 1 :]
            case _:
                pytest.fail(f"unknown control {command}")

    def grow(self):
        while self.row >= len(self.rows):
            self.rows.append("")

    def resize(self, width, height):
        rows = []
        for row in self.rows:
            pieces = re.findall(f".{{1,{width}}}", row) or [""]
            rows += pieces
        self.rows, self.width, self.height = rows, width, height
        self.row = len(rows) - 1
        self.column = cells(rows[-1])

    def text(self):
        return "\n".join(row.rstrip() for row in self.rows)


def play(text, screen, sizes, resizes=()):
    live = LiveTerminal(screen, lambda: screen.size, color=True)
    stream = MarkdownStream(live.width)
    frozen = []
    position = 0
    changes = dict(resizes)
    while position < len(text):
        size = sizes()
        stream.feed(text[position : position + size])
        position += size
        stream.width = live.width
        update = stream.flush()
        frozen += update.frozen
        live.update(update.frozen, update.tail)
        for at in [at for at in changes if at <= position]:
            screen.resize(*changes.pop(at))
    stream.width = live.width
    update = stream.finish()
    frozen += update.frozen
    live.update(update.frozen, update.tail)
    live.close()
    return [line_text(line) for line in frozen]


SAMPLE = """\
# Title

A paragraph with **strong** words that is wrapped on a narrow screen, and a [link](http://a.b/c).

- one
- two

  > quoted

```python
def f():
    return 1
```

| a | b |
|---|---|
| 1 | 2 |

The end.
"""


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (10, 2), (300, 50)])
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_the_screen_ends_as_the_frozen_lines(size, piece):
    screen = Screen(*size)
    play(SAMPLE, screen, lambda: piece)
    assert screen.text() == "\n".join(line_text(line) for line in render(SAMPLE, size[0])) + "\n"


WORDS = [
    "word ",
    "**b** ",
    "\n",
    "\n\n",
    "- ",
    "    ",
    "```\n",
    "> ",
    "| a | b |\n|---|---|\n",
    "1 | 2\n",
]


@settings(deadline=None, max_examples=80)
@given(
    text=st.lists(st.sampled_from(WORDS), max_size=60).map("".join),
    size=st.tuples(st.integers(10, 50), st.integers(2, 12)),
    seed=st.integers(),
)
def test_any_text_ends_as_its_frozen_lines(text, size, seed):
    choice = random.Random(seed)
    screen = Screen(*size)
    lines = play(text, screen, lambda: choice.randint(1, 40))
    assert screen.text() == "\n".join([*lines, ""])


@pytest.mark.parametrize("resizes", [{60: (20, 5)}, {60: (20, 5), 200: (70, 20)}, {30: (100, 5)}])
def test_the_width_may_change_while_the_tail_is_live(resizes):
    screen = Screen(40, 12)
    lines = play(SAMPLE, screen, lambda: 3, resizes)
    assert "".join(screen.text().split()) == "".join("".join(lines).split())


def test_a_tail_taller_than_the_screen_shows_its_end():
    screen = Screen(20, 5)
    live = LiveTerminal(screen, screen.size, color=False)
    live.update([], [(Span(f"row {n}"),) for n in range(30)])
    assert screen.text() == "row 26\nrow 27\nrow 28\nrow 29"
    live.close()
    assert screen.text() == "".join(f"row {n}\n" for n in range(30))


def test_each_update_is_one_write_and_nothing_new_is_none():
    screen = Screen(20, 5)
    live = LiveTerminal(screen, screen.size, color=False)
    live.update([(Span("a"),)], [(Span("b"),)])
    assert screen.writes == 1
    live.update([], [(Span("b"),)])
    assert screen.writes == 1
    live.update([(Span("b"),)], [(Span("c"),)])
    assert screen.writes == 2
    assert screen.text() == "a\nb\nc"


def test_rows_that_stay_are_not_written_again():
    output = StringIO()
    live = LiveTerminal(output, (40, 10), color=False)
    live.update([], [(Span("first"),), (Span("second"),)])
    start = output.tell()
    live.update([(Span("first"),)], [(Span("second"),), (Span("third"),)])
    assert "first" not in output.getvalue()[start:]


def test_an_interrupt_keeps_what_is_there():
    screen = Screen(20, 5)

    def interrupted():
        with LiveTerminal(screen, screen.size, color=False) as live:
            live.update([(Span("a"),)], [(Span("half a li"),)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert screen.text() == "a\nhalf a li\n"


def test_nothing_shown_is_nothing_written():
    screen = Screen(20, 5)
    LiveTerminal(screen, screen.size, color=False).close()
    assert screen.writes == 0


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(errno.ENOSPC, "full")])
def test_errors_of_the_stream_are_the_callers(error):
    class Broken(StringIO):
        def write(self, text):
            raise error

    live = LiveTerminal(Broken(), (20, 5), color=False)
    with pytest.raises(type(error)):
        live.update([(Span("a"),)], [])


def test_styles_are_the_sixteen_colours_or_attributes():
    line = (Span("a", ("strong", "link")), Span(" b"), Span("c", ("code",)))
    assert styled(line, color=True) == "\x1b[1;4ma\x1b[0m b\x1b[36mc\x1b[0m"
    assert styled(line, color=False) == "\x1b[1;4ma\x1b[0m b\x1b[1mc\x1b[0m"


def test_without_colour_no_colour_is_written():
    lines = render("**a** `b` [c](http://d)\n\n```python\ndef f(): return 'x'\n```", 80)
    text = "".join(styled(line, color=False) for line in lines)
    codes = {code for match in re.findall(r"\x1b\[([\d;]*)m", text) for code in match.split(";")}
    assert codes <= {"0", "1", "2", "3", "4", "9"}
