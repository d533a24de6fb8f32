"""Vim's keys in a TextArea. `|` is the cursor: in normal mode it is on the character after it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import TextArea

from chatterm.tui.prompt.vim import Vim
from chatterm.tui.prompt.vim_keys import Command, parse

NAMED = re.compile(r"<([^<>]+)>|(.)", re.DOTALL)
NAMES = {"esc": "escape", "cr": "enter", "c-r": "ctrl+r", "bs": "backspace", "lt": "<"}


class VimArea(TextArea):
    """An area that asks vim first."""

    def __init__(self) -> None:
        super().__init__()
        self.vim = Vim()

    async def _on_key(self, event: events.Key) -> None:
        if self.vim.key(event.key, event.character, self):
            event.stop()
            event.prevent_default()
            return
        await super()._on_key(event)


class VimApp(App[None]):
    def compose(self) -> ComposeResult:
        yield VimArea()


@asynccontextmanager
async def area() -> AsyncIterator[VimArea]:
    app = VimApp()
    async with app.run_test():
        yield app.query_one(VimArea)


def load(area: VimArea, marked: str) -> None:
    """A text, in normal mode, without a history."""
    before, _, after = marked.partition("|")
    area.load_text(before + after)
    lines = before.split("\n")
    area.move_cursor((len(lines) - 1, len(lines[-1])))
    register = area.vim.register
    area.vim = Vim()
    area.vim.mode, area.vim.register = "normal", register


def press(area: VimArea, keys: str) -> None:
    """What an area does with keys; `<esc>` and the like are named."""
    for name, character in NAMED.findall(keys):
        if name:
            key, typed = NAMES.get(name, name), None
        else:
            key, typed = character, character
        if area.vim.key(key, typed, area):
            continue
        if key == "backspace":
            area.action_delete_left()
        elif key in {"left", "right", "up", "down"}:
            getattr(area, f"action_cursor_{key}")()
        elif key == "enter" or typed:
            area._replace_via_keyboard("\n" if key == "enter" else key, *area.selection)


def shown(area: VimArea) -> str:
    row, column = area.cursor_location
    lines = area.text.split("\n")
    lines[row] = lines[row][:column] + "|" + lines[row][column:]
    return "\n".join(lines)


Case = tuple[str, str, str]


async def check(cases: Iterable[Case]) -> None:
    cases = list(cases)
    found = []
    async with area() as it:
        for before, keys, _ in cases:
            load(it, before)
            press(it, keys)
            found.append((before, keys, shown(it)))
    assert found == cases


async def test_motions_in_a_line() -> None:
    await check([
        ("ab|cd", "h", "a|bcd"),
        ("ab|cd", "l", "abc|d"),
        ("ab|cd", "9l", "abc|d"),
        ("ab|cd", "9h", "|abcd"),
        ("ab\n|cd", "h", "ab\n|cd"),
        ("  ab |cd", "0", "|  ab cd"),
        ("  ab |cd", "^", "  |ab cd"),
        ("  a|b cd\nx", "$", "  ab c|d\nx"),
        ("a|b\ncd\nef", "2$", "ab\nc|d\nef"),
        ("|a.b.c.d", "f.", "a|.b.c.d"),
        ("|a.b.c.d", "2f.", "a.b|.c.d"),
        ("|a.b.c.d", "4f.", "|a.b.c.d"),
        ("|a.b.c.d", "t.", "|a.b.c.d"),
        ("|a.b.c.d", "2t.", "a.|b.c.d"),
        ("a.b.c.|d", "F.", "a.b.c|.d"),
        ("a.b.c|.d", "T.", "a.b.|c.d"),
        ("|a.b.c.d", "f.;;", "a.b.c|.d"),
        ("|a.b.c.d", "t.;;", "a.b.|c.d"),
        ("|a.b.c.d", "f.;,", "a|.b.c.d"),
        ("a.b.c.|d", "F.;,", "a.b.c|.d"),
        ("|ab\nc.d", "f.", "|ab\nc.d"),
        ("|ab cd", "<right> ", "ab| cd"),
        ("ab c|d", "<home>", "|ab cd"),
        ("|ab cd", "<end>", "ab c|d"),
    ])  # fmt: skip


async def test_motions_by_words() -> None:
    await check([
        ("|one two.three", "w", "one |two.three"),
        ("one |two.three", "w", "one two|.three"),
        ("one |two.three x", "W", "one two.three |x"),
        ("one |two\n\n  x", "w", "one two\n|\n  x"),
        ("one two\n|\n  x", "w", "one two\n\n  |x"),
        ("one| two", "3w", "one tw|o"),
        ("one t|wo.x", "e", "one tw|o.x"),
        ("|one two", "2e", "one tw|o"),
        ("|a.b c.d", "E", "a.|b c.d"),
        ("on|e\n\ntwo", "e", "one\n\ntw|o"),
        ("one two.|three", "b", "one two|.three"),
        ("one two.|three", "B", "one |two.three"),
        ("one\n\n|two", "b", "one\n|\ntwo"),
        ("one two t|hree", "3b", "|one two three"),
        ("ÄÖ ü|ß", "b", "ÄÖ |üß"),
    ])  # fmt: skip


async def test_motions_between_lines() -> None:
    await check([
        ("a|bc\n\ndef", "jj", "abc\n\nd|ef"),
        ("abc|d\na\nefgh", "jj", "abcd\na\nefg|h"),
        ("a|b\nc\ndefg", "$jj", "ab\nc\ndef|g"),
        ("abc\nd|e", "k", "a|bc\nde"),
        ("a|b", "j", "a|b"),
        ("a|b", "k", "a|b"),
        ("a|b\nc\n d", "G", "ab\nc\n |d"),
        ("a\nb\nc|c", "gg", "|a\nb\ncc"),
        ("|a\nb\nc", "2G", "a\n|b\nc"),
        ("|a\nb\nc", "3gg", "a\nb\n|c"),
        ("|a\nb\nc", "99G", "a\nb\n|c"),
        ("|a\nb\n\nc\n\nd", "}", "a\nb\n|\nc\n\nd"),
        ("|a\nb\n\nc\n\nd", "2}", "a\nb\n\nc\n|\nd"),
        ("|a\nb", "}", "a\n|b"),
        ("a\n\nb\nc|d", "{", "a\n|\nb\ncd"),
        ("a\n|\nb", "{", "|a\n\nb"),
    ])  # fmt: skip


async def test_operators_with_motions() -> None:
    await check([
        ("|one two", "dw", "|two"),
        ("|one two three", "d2w", "|three"),
        ("|one two three", "2dw", "|three"),
        ("|a b c d e f g", "2d3w", "|g"),
        ("one |two\nthree", "dw", "one| \nthree"),
        ("one |two.x y", "dW", "one |y"),
        ("on|e two", "de", "o|n"),
        ("one two| three", "db", "one | three"),
        ("one |two three", "d$", "one| "),
        ("one |two", "d0", "|two"),
        ("  one |two", "d^", "  |two"),
        ("a|bc", "dl", "a|c"),
        ("ab|c", "dh", "a|c"),
        ("a|bc.d", "dt.", "a|.d"),
        ("a|bc.d", "df.", "a|d"),
        ("a.bc|d", "dT.", "a.|d"),
        ("a.bc|d", "dF.", "a|d"),
        ("|a.b.c", "dfxdf.", "|b.c"),
        ("|a.b.c", "f.d;", "a|c"),
        ("a\nb|b\nc\nd", "dj", "a\n|d"),
        ("a\nb\nc|c\nd", "dk", "a\n|d"),
        ("a\nb\nc|c", "dj", "a\nb\nc|c"),
        ("a\n b|b\nc", "dG", "|a"),
        ("a\nb|b\nc", "dgg", "|c"),
        ("|a\nb\n\nc", "d}", "|\nc"),
        ("x a|b\nb\n\nc", "d}", "x |a\n\nc"),
        ("one |two three", "cwnew<esc>", "one ne|w three"),
        ("on|e two", "cwX<esc>", "on|X two"),
        ("one| two", "cwX<esc>", "one|Xtwo"),
        ("|one two three", "c2wX<esc>", "|X three"),
        ("|one two", "c$X<esc>", "|X"),
        ("|one two", "ywwP", "one one| two"),
        ("|abc", "d<esc>x", "|bc"),
        ("|abc", "dqx", "|bc"),
        ("|", "dw", "|"),
        ("|", "x", "|"),
        ("a|b\nc", "d<down>", "|"),
    ])  # fmt: skip


async def test_whole_lines() -> None:
    await check([
        ("a\n b|b\n  c", "dd", "a\n  |c"),
        ("a\nb\nc|c", "dd", "a\n|b"),
        ("a|b", "dd", "|"),
        ("a\n|b\nc\nd", "2dd", "a\n|d"),
        ("a\n|b\nc", "9dd", "|a"),
        ("a\nb|b\nc", "ccX<esc>", "a\n|X\nc"),
        ("a\nb|b\nc", "SX<esc>", "a\n|X\nc"),
        ("|a\nb\nc", "2ccX<esc>", "|X\nc"),
        ("a|b cd\ne", "D", "|a\ne"),
        ("a|b cd\ne", "CX<esc>", "a|X\ne"),
        ("a|b\nc", "yyp", "ab\n|ab\nc"),
        ("a|b\nc", "YP", "|ab\nab\nc"),
        ("|a\nb\nc", "2yyGp", "a\nb\nc\n|a\nb"),
        ("|a\n b", "ddp", " b\n|a"),
        ("|a\nb", "yy2p", "a\n|a\na\nb"),
        ("a|b\ncd", "yjP", "|ab\ncd\nab\ncd"),
        ("|a\n  b\n\n)c", "J", "a| b\n\n)c"),
        ("|a\n  b\nc", "3J", "a b| c"),
        ("|a\n)c", "J", "a|)c"),
        ("|a", "J", "|a"),
    ])  # fmt: skip


async def test_single_characters() -> None:
    await check([
        ("a|bc", "x", "a|c"),
        ("a|bcd", "2x", "a|d"),
        ("ab|c", "x", "a|b"),
        ("ab|c", "X", "a|c"),
        ("|abc", "X", "|abc"),
        ("a|bc", "sX<esc>", "a|Xc"),
        ("a|bcd", "2sX<esc>", "a|Xd"),
        ("a|bc", "rX", "a|Xc"),
        ("a|bcd", "2rX", "aX|Xd"),
        ("a|bc", "9rX", "a|bc"),
        ("a|bc", "r<cr>", "a\n|c"),
        ("a|bC", "~~", "aB|c"),
        ("|abc", "9~", "AB|C"),
        ("|abc", "xp", "b|ac"),
        ("|ab", "x3p", "baa|a"),
        ("|abc", "<delete>", "|bc"),
    ])  # fmt: skip


async def test_inserting() -> None:
    await check([
        ("a|b", "iX<esc>", "a|Xb"),
        ("a|b", "aX<esc>", "ab|X"),
        (" a|b", "IX<esc>", " |Xab"),
        ("a|b c\nd", "AX<esc>", "ab c|X\nd"),
        ("a|b\nc", "oX<esc>", "ab\n|X\nc"),
        ("a|b\nc", "OX<esc>", "|X\nab\nc"),
        ("a|b", "3iXy<esc>", "aXyXyX|yb"),
        ("|", "iab<esc>", "a|b"),
        ("|", "oX<esc>", "\n|X"),
        ("   |", "IX<esc>", "   |X"),
        ("|ab", "i<esc>", "|ab"),
        ("a|b", "iX<cr>Y<esc>", "aX\n|Yb"),
    ])  # fmt: skip


async def test_text_objects() -> None:
    await check([
        ("one t|wo three", "diw", "one | three"),
        ("one t|wo three", "daw", "one |three"),
        ("one t|wo", "daw", "on|e"),
        ("one|  two", "diw", "one|two"),
        ("one|  two x", "daw", "one| x"),
        ("a.b|.c d", "diW", "| d"),
        ("one t|wo three four", "d2aw", "one |four"),
        ("one t|wo three", "ciwX<esc>", "one |X three"),
        ('say "h|i" now', 'di"', 'say "|" now'),
        ('say "h|i" now', 'da"', "say |now"),
        ('s|ay "hi" now', 'ci"X<esc>', 'say "|X" now'),
        ('"a" b| "c"', 'di"', '"a" b "|"'),
        (r'"a \" |b"', 'di"', '"|"'),
        ("it|'s", "di'", "it|'s"),
        ("`a| b`", "di`", "`|`"),
        ("f(a, (|b), c)", "di(", "f(a, (|), c)"),
        ("f(a, (|b), c)", "2di(", "f(|)"),
        ("f(a|, (b), c) d", "da(", "f| d"),
        ("f|(a)", "dib", "f(|)"),
        ("f(a|)", "dib", "f(|)"),
        ("[a|b] x", "ci]X<esc>", "[|X] x"),
        ("<a|b> x", "da>", "| x"),
        ("f {\n  a\n  |b\n}", "di{", "f {\n|}"),
        ("f {\n  a\n  |b\n}", "ciBX<esc>", "f {\n|X\n}"),
        ("{a|, \nb}", "di}", "{|}"),
        ("no b|rackets", "di(", "no b|rackets"),
        ("a\n\nb\nc|c\n\n\nd", "dip", "a\n\n|\n\nd"),
        ("a\n\nb\nc|c\n\n\nd", "dap", "a\n\n|d"),
        ("a\n\nb|b", "dap", "|a"),
        ("one t|wo", "yiwP", "one tw|otwo"),
    ])  # fmt: skip


async def test_selecting() -> None:
    await check([
        ("|abcd", "vld", "|cd"),
        ("ab|cd", "vhd", "a|d"),
        ("a|bcd", "v$d", "|a"),
        ("|one two", "ved", "| two"),
        ("a|b\ncd", "vjd", "|a"),
        ("a|b\ncd\ne", "Vjd", "|e"),
        ("a\n|b\nc", "VcX<esc>", "a\n|X\nc"),
        ("|abcd", "vlcX<esc>", "|Xcd"),
        ("|abcd", "vlsX<esc>", "|Xcd"),
        ("|abcd", "vlyP", "a|babcd"),
        ("ab|cd", "vyp", "abc|cd"),
        ("a|bcd", "vlx", "a|d"),
        ("a|bcd", "vlohd", "|d"),
        ("a|bCd", "vlU", "a|BCd"),
        ("a|BCd", "vlu", "a|bcd"),
        ("a|bCd", "vl~", "a|Bcd"),
        ("a|bc\nde", "vjrx", "a|xx\nxx"),
        ("|a\nb\nc", "VjjJ", "a b| c"),
        ("one t|wo", "viwd", "one| "),
        ("f(a |b)", "vi(d", "f(|)"),
        ("|ab cd", "dwviwp", "ab| "),
        ("|abc", "v<esc>x", "|bc"),
        ("|abc", "vlvx", "a|c"),
        ("a|b\nc", "vVd", "|c"),
        ("a|bc\nd", "vY", "|abc\nd"),
        ("a|bc\nd", "vX", "|d"),
        ("|ab cd", "vllIX<esc>", "|Xab cd"),
        ("|ab cd", "vlAX<esc>", "ab|X cd"),
        ("a|b cd", "v3ld", "|a"),
        ("|a.b.c", "v2f.d", "|c"),
        ("|a\nb\nc", "vGd", "|"),
    ])  # fmt: skip


async def test_putting_over_a_selection() -> None:
    async with area() as it:
        load(it, "|ab cd")
        press(it, "yiwwviwp")
        assert shown(it) == "ab a|b"
        assert it.vim.register.text == "cd"


async def test_repeating() -> None:
    await check([
        ("|a b c d", "dw.", "|c d"),
        ("|a b c d e", "dw3.", "|e"),
        ("|one two three", "cwX<esc>w.", "X |X three"),
        ("|a\nb\nc", "AX<esc>j.", "aX\nb|X\nc"),
        ("|abcd", "x..", "|d"),
        ("|a\nb", "oX<esc>.", "a\nX\n|X\nb"),
        ("|a\nb\nc\nd", "dd.", "|c\nd"),
        ("(a|a) (bb)", "ci(X<esc>f(.", "(X) (|X)"),
        ("|ab ab", "rXw.", "Xb |Xb"),
        ("|abcdef", "vld.", "|ef"),
        ("|a\nb\nc\nd\ne", "Vjd.", "|e"),
        ("|abcdef", "vlcX<esc>l.", "X|Xef"),
        ("|a.b.c.d", "df..", "|c.d"),
        ("|ab", "yy.", "|ab"),
        ("|a\nb\nc", "J.", "a b| c"),
        ("|ab", "iX<bs>Y<esc>.", "|YYab"),
        ("|abc", ".", "|abc"),
    ])  # fmt: skip


async def test_undoing_goes_command_by_command() -> None:
    await check([
        ("|one two", "dwu", "|one two"),
        ("|one two", "dwdwuu", "|one two"),
        ("|one two three", "dwdwu", "|two three"),
        ("|abc", "xxu", "|bc"),
        ("|abc", "xx2u", "|abc"),
        ("|one two", "cwlonger word<esc>u", "|one two"),
        ("|one two", "cwx<cr>y<bs>z<esc>xu", "x\n|z two"),
        ("|one two", "cwx<cr>y<bs>z<esc>xuu", "|one two"),
        ("|one two", "cwx<cr>y<esc>u<c-r>", "|x\ny two"),
        ("|abc", "xxuu<c-r><c-r>", "|c"),
        ("|abc", "xxuu2<c-r>", "|c"),
        ("a\n|b\nc", "ddpu", "a\n|c"),
        ("|abc", "3iX<esc>u", "|abc"),
        ("|a b", "cwX<esc>w.u", "X |b"),
        ("|abc", "u", "|abc"),
        ("|abc", "<c-r>", "|abc"),
        ("|abcd", "vld99u", "|abcd"),
    ])  # fmt: skip


async def test_more_is_undone_than_the_area_keeps_batches_for() -> None:
    async with area() as it:
        load(it, "|" + "ab " * 100)
        press(it, "cwX<esc>w" * 70)
        press(it, "u" * 3)
        assert it.text == "X " * 67 + "ab " * 33


async def test_what_was_typed_before_vim_came_is_undone_alone() -> None:
    async with area() as it:
        press(it, "hello<esc>xu")
        assert shown(it) == "hell|o"
        press(it, "u")
        assert it.text == ""


async def test_keys_of_others_are_left_to_them() -> None:
    async with area() as it:
        load(it, "a|b\nc")
        for key in ("enter", "up", "down", "tab", "ctrl+c", "f1", "pageup", "escape"):
            assert not it.vim.key(key, "\r" if key == "enter" else None, it)
        assert it.vim.key("z", "z", it)  # of no command, and no text either
        assert it.text == "ab\nc"
        it.vim.key("d", "d", it)
        assert it.vim.pending == "d"
        assert it.vim.key("escape", None, it)
        assert it.vim.pending == ""
        it.vim.reset()
        assert it.vim.mode == "insert"
        assert not it.vim.key("enter", "\r", it)


async def test_nothing_is_changed_where_nothing_may_be() -> None:
    async with area() as it:
        load(it, "a|b cd")
        it.read_only = True
        press(it, "xddcwiopvd.")
        assert it.text == "ab cd"


async def test_the_selection_is_seen() -> None:
    async with area() as it:
        load(it, "a|bcd\nef")
        press(it, "vl")
        assert it.vim.mode == "visual"
        assert it.selected_text == "bc"
        press(it, "hh")
        assert it.selected_text == "ab"
        press(it, "V")
        assert it.selected_text == "abcd"
        press(it, "<esc>")
        assert it.selected_text == ""
        assert it.vim.mode == "normal"


async def test_real_keys() -> None:
    app = VimApp()
    async with app.run_test() as pilot:
        it = app.query_one(VimArea)
        it.focus()
        await pilot.press(*"hello", "space", *"you", "enter", *"bye", "escape")
        assert it.vim.mode == "normal"
        await pilot.press("k", "0", "c", "w", *"HI", "escape", "w", "r", "Y", "dollar_sign")
        assert shown(it) == "HI Yo|u\nbye"
        await pilot.press("F", "H", "d", "i", "w", "u", "J")
        assert shown(it) == "HI You| bye"
        await pilot.press("u", "ctrl+r", "d", "d", "u")
        assert it.text == "HI You bye"


def test_counts_are_multiplied() -> None:
    assert parse(list("2d3w"), visual=False) == Command(6, "d", "w")
    assert parse(list("10x"), visual=False) == Command(10, action="x")
    assert parse(list("0"), visual=False) == Command(None, "", "0")


KEYS = st.sampled_from(
    [*"hjklwbeWBE0^$Gg{};,fFtTdcyDCYJxXsSr~pPuiaIAoOvV.\"'`()bB[]12w(a", "<esc>", "<c-r>", "<cr>"]
)


async def test_no_keys_break_it() -> None:
    async with area() as it:

        @given(st.lists(KEYS, max_size=25), st.text('ab ("\n.é', max_size=15))
        def any_keys(keys: list[str], text: str) -> None:
            load(it, f"|{text}")
            press(it, "".join(keys).replace("<<", "<"))
            press(it, "<esc><esc><esc>")
            assert it.vim.mode == "normal"
            row, column = it.cursor_location
            assert column <= max(len(it.document.lines[row]) - 1, 0)
            press(it, "999u")
            assert it.text == text

        any_keys()
