"""What a stranger's text may do to a terminal: be read, and nothing else."""

import re
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatterm.render import sanitize as module
from chatterm.render.sanitize import CAP, Sanitizer, escape_controls, sanitize, sanitize_line
from hostile import DROPPED_WHOLE, FORBIDDEN, OVERLONG, REMOVED, REWRITTEN, SHOWN, ST


def feed_all(*deltas: str) -> str:
    sanitizer = Sanitizer()
    return "".join([sanitizer.feed(delta) for delta in deltas]) + sanitizer.finish()


# --- the hostile corpus ---------------------------------------------------------------------------


@pytest.mark.parametrize("sequence", DROPPED_WHOLE.values(), ids=DROPPED_WHOLE.keys())
def test_a_control_sequence_is_dropped_whole_however_it_arrives(sequence):
    text = f"before{sequence}after"
    assert sanitize(text) == "beforeafter"
    assert feed_all(*text) == "beforeafter"


@pytest.mark.parametrize("sequence", DROPPED_WHOLE.values(), ids=DROPPED_WHOLE.keys())
def test_a_control_sequence_may_be_split_anywhere(sequence):
    for cut in range(len(sequence) + 1):
        assert feed_all("a" + sequence[:cut], sequence[cut:] + "b") == "ab"


@pytest.mark.parametrize(
    ("text", "expected"),
    [*REWRITTEN.values(), *OVERLONG.values()],
    ids=[*REWRITTEN.keys(), *(f"overlong: {name}" for name in OVERLONG)],
)
def test_what_is_no_sequence_stays_readable_however_it_arrives(text, expected):
    assert sanitize(text) == expected
    assert feed_all(*text) == expected


@pytest.mark.parametrize(
    "introducer", ["\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x9d", "\x90"]
)
@pytest.mark.parametrize("end", [ST, "\x9c", "\x18", "\x1a"])
def test_the_cap_counts_the_whole_string(introducer, end):
    fitting = "x" * (CAP - len(introducer) - len(end))
    assert sanitize(f"{introducer}{fitting}{end}!") == "!"
    assert sanitize(f"{introducer}{fitting}x{end}!") == f"{fitting}x!"


@pytest.mark.parametrize("final", [chr(code) for code in range(0x30, 0x7F)])
def test_every_escape_sequence_and_every_csi_is_dropped(final):
    assert sanitize(f"a\x1b{final}") == "a"
    assert sanitize(f"a\x1b({final}b") == "ab"
    if final >= "@":
        assert sanitize(f"a\x1b[?12;3${final}b") == "ab"
        assert sanitize(f"a\x9b{final}b") == "ab"


# --- streams --------------------------------------------------------------------------------------


def test_ordinary_text_is_never_held_back():
    sanitizer = Sanitizer()
    assert [sanitizer.feed(part) for part in ("he", "llo", "\n", "", "漢字")] == [
        "he",
        "llo",
        "\n",
        "",
        "漢字",
    ]
    assert sanitizer.finish() == ""


def test_crlf_split_between_two_deltas_is_one_newline_and_shows_at_once():
    sanitizer = Sanitizer()
    assert [sanitizer.feed(part) for part in ("a\r", "", "\n", "\nb")] == ["a\n", "", "", "\nb"]


def test_text_before_an_open_sequence_shows_and_the_sequence_waits():
    sanitizer = Sanitizer()
    assert sanitizer.feed("answer\x1b[3") == "answer"
    assert sanitizer.feed("1") == ""
    assert sanitizer.feed("m!") == "!"


def test_an_unterminated_string_shows_at_the_cap_without_waiting_for_the_end():
    sanitizer = Sanitizer()
    assert sanitizer.feed("\x1b]" + "x" * (CAP - 3)) == ""
    assert sanitizer.feed("x") == "x" * (CAP - 2)
    assert sanitizer.feed("and on") == "and on"


def test_never_more_than_the_cap_is_held_back():
    sanitizer = Sanitizer()
    shown = 0
    for given_so_far, character in enumerate("\x1b]" + "x" * (2 * CAP), start=1):
        shown += len(sanitizer.feed(character))
        assert given_so_far - shown <= CAP


def test_finish_leaves_the_sanitiser_as_new():
    sanitizer = Sanitizer()
    assert sanitizer.feed("abc\x1b]0;x") == "abc"
    assert sanitizer.finish() == "0;x"
    assert sanitizer.finish() == ""
    assert sanitizer.feed("\tz\r") == "        z\n"
    assert sanitizer.finish() == ""
    assert sanitizer.feed("\n") == "\n"


# --- characters -----------------------------------------------------------------------------------


def test_no_code_point_that_is_forbidden_comes_through():
    # each twice, as the first may abort or end something
    everything = "".join(f"{chr(code)} {chr(code)}z\n" for code in range(0x110000))
    assert set(sanitize(everything)).isdisjoint(FORBIDDEN)


@pytest.mark.parametrize("character", sorted(SHOWN), ids=lambda char: f"U+{ord(char):04X}")
def test_what_could_change_how_text_reads_is_made_visible(character):
    assert sanitize(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"


@pytest.mark.parametrize("character", sorted(REMOVED), ids=lambda char: f"U+{ord(char):04X}")
def test_what_shows_nothing_is_removed(character):
    assert sanitize(f"a{character}b") == "ab"


@pytest.mark.parametrize(
    "text",
    [
        "👨\u200d👩\u200d👧 family, joined",
        "❤\ufe0f and ❤\ufe0e",
        "می\u200cخواهم",
        "क\u094d\u200dष",
        "ᠮᠣᠩ\u180bᠭᠣᠯ",
        "e\u0301 Zalgo\u0336",
        "漢字かな 한국어 עברית العربية ไทย",
        "no\xa0break, \u3000wide",
        "\ue0b0 powerline, \ufffc object, \ufffd replaced",
        "[red]not markup[/] \\x1b[31m ⟨U+202E⟩",
        "",
        "\n\n",
    ],
)
def test_ordinary_text_of_every_script_is_unchanged(text):
    assert sanitize(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\tx", "        x"),
        ("a\tx", "a       x"),
        ("1234567\tx", "1234567 x"),
        ("12345678\tx", "12345678        x"),
        ("ab\n\tx\n12\tx", "ab\n        x\n12      x"),
        ("ab\r\tx", "ab\n        x"),
        ("\x1b[31mab\tx", "ab      x"),
        ("\u200bab\tx", "ab      x"),
        ("\u202e\tx", "⟨U+202E⟩        x"),
        ("漢\tx", "漢       x"),  # by code points, not by cells
    ],
)
def test_tabs_become_spaces_up_to_the_next_stop(text, expected):
    assert sanitize(text) == expected
    assert feed_all(*text) == expected


# --- one line, and exact bytes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("notes.txt", "notes.txt"),
        ("notes\n.txt", "notes↵.txt"),
        ("a\r\nb\rc\u2028d", "a↵b↵c↵d"),
        ("\x1b]0;x\x07a\tb", "a       b"),
    ],
)
def test_a_line_stays_one_line(text, expected):
    assert sanitize_line(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rm -rf build\nls", "rm -rf build\nls"),
        ("safe\rrm -rf /", r"safe\rrm -rf /"),
        ("a\tb", r"a\tb"),
        ("\x1b[31m\x07\x00\x7f\x9b", r"\x1b[31m\x07\x00\x7f\x9b"),
        ("a\u202eb", r"a\u202eb"),
        ("a\u200db\u200cc\ufe0f", r"a\u200db\u200cc\ufe0f"),  # kept on the screen, not here
        ("a\u200bb\ufeff\xad", r"a\u200bb\ufeff\xad"),
        ("rm\xa0-rf\u3000x", r"rm\xa0-rf\u3000x"),
        ("a\u2028b\x85", r"a\u2028b\x85"),
        ("\U000e0041", r"\U000e0041"),
        ("\udc80", r"\udc80"),
        ("naïve 漢字 😀", "naïve 漢字 😀"),
        (r"grep '\s\.py$' C:\new", r"grep '\s\.py$' C:\new"),
        (r"printf '\x1b[31m'", r"printf '\\x1b[31m'"),
        (r"a\tb", r"a\\tb"),
        ("\\\x1b", r"\\\x1b"),
        (r"\\x1b", r"\\\\x1b"),
        ("\\", "\\"),
        ("\\\n", "\\\n"),
    ],
)
def test_escaping_shows_exactly_what_is_there(text, expected):
    assert escape_controls(text) == expected


_ESCAPED = re.compile(r"(\\+)(r|t|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def _unescape(text: str) -> str:
    def decode(found: re.Match[str]) -> str:
        slashes, form = found.groups()
        if len(slashes) % 2:  # the last one belongs to the escape
            form = {"r": "\r", "t": "\t"}.get(form) or chr(int(form[1:], 16))
        return slashes[: len(slashes) // 2] + form

    return _ESCAPED.sub(decode, text)


HOSTILE_PIECES = ["\x1b", "\x1b[", "\x1b]", "\x1bP", "\x9b", "\x9d", "\x90", "\x9c", "\\", "\x07"]
HOSTILE_PIECES += ["\x18", "\x1a", "\r", "\n", "\r\n", "\t", "\x00", "m", "31", ";", " ", "(", "é"]
HOSTILE_PIECES += ["\u202e", "\u200b", "\u200d", "\U000e0041", "\ud800", "\u2028", "\x85", "x" * 50]
hostile_text = st.lists(
    st.one_of(
        st.sampled_from(HOSTILE_PIECES),
        st.text(st.characters(exclude_categories=()), max_size=5),
    ),
    max_size=40,
).map("".join)


@given(st.one_of(hostile_text, st.text("\\xrtu1b0\r\x1b\u202e", max_size=30)))
@example("\\" * 5 + "\r" + "\\" * 4 + "r")
def test_two_texts_are_never_escaped_alike(text):
    assert _unescape(escape_controls(text)) == text


@given(hostile_text)
def test_escaping_leaves_nothing_forbidden(text):
    assert set(escape_controls(text)).isdisjoint(FORBIDDEN)


# --- properties -----------------------------------------------------------------------------------


@given(hostile_text, st.lists(st.integers(min_value=0, max_value=200), max_size=20))
def test_how_a_text_is_split_changes_nothing(text, cuts):
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert feed_all(*(text[a:b] for a, b in pairwise(bounds))) == sanitize(text)
    assert feed_all(*text) == sanitize(text)


@given(hostile_text, st.lists(st.integers(min_value=0, max_value=40), max_size=20))
def test_how_a_text_is_split_changes_nothing_where_the_cap_is_met(text, cuts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CAP", 7)
        bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
        assert feed_all(*(text[a:b] for a, b in pairwise(bounds))) == sanitize(text)
        assert feed_all(*text) == sanitize(text)


@given(hostile_text)
def test_nothing_forbidden_comes_out_at_any_time(text):
    sanitizer = Sanitizer()
    for character in text:
        assert set(sanitizer.feed(character)).isdisjoint(FORBIDDEN)
    assert set(sanitizer.finish()).isdisjoint(FORBIDDEN)


@given(hostile_text)
def test_sanitising_twice_changes_nothing_more(text):
    once = sanitize(text)
    assert sanitize(once) == once
    assert sanitize_line(sanitize_line(text)) == sanitize_line(text)


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S", "Zs"), include_characters="\n")))
def test_printable_text_passes_unchanged(text):
    plain = "".join(char for char in text if char not in FORBIDDEN and char < "\U000e0000")
    assert sanitize(plain) == plain


# --- cost -----------------------------------------------------------------------------------------

MEGABYTE = 1_000_000
ADVERSARIAL = ["\x1b]", "\x9d", "\x1bP\x1b]", "\x1bP\x07\x1b]a", "\x1b", "\x1b[", "\x1b[1", "\x07"]
ADVERSARIAL += ["\u202e", "\r", "\t", "\\", "\x1b]" * 3000 + ST, "\x1b[" + "1" * CAP, "\x1b]漢\x1b"]


@pytest.mark.parametrize("pattern", ADVERSARIAL, ids=lambda pattern: repr(pattern[:9]))
def test_a_megabyte_of_malice_ends(pattern):
    text = pattern * (MEGABYTE // len(pattern))
    assert set(sanitize(text)).isdisjoint(FORBIDDEN)
    part = text[:100_000]
    assert feed_all(*(part[at : at + 4] for at in range(0, len(part), 4))) == sanitize(part)
    assert set(escape_controls(part)).isdisjoint(FORBIDDEN)


class _Counting:
    """A pattern that counts the characters its searches went over."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self.read = 0

    def search(self, text: str, position: int) -> re.Match[str] | None:
        found = self._pattern.search(text, position)
        self.read += (found.end() if found else len(text)) - position
        return found


@pytest.mark.parametrize("size", [1, 4, 1000, 50_000])
@pytest.mark.parametrize("pattern", ["\x1b]", "\x9d", "\x1bP\x1b]", "\x1bP\x07\x1b]a", "\x1b_x"])
def test_strings_within_strings_are_searched_once(monkeypatch, pattern, size):
    counters = {}
    for name in ("_INTRODUCER", "_STRING_END", "_OSC_END"):
        counters[name] = _Counting(getattr(module, name))
        monkeypatch.setattr(module, name, counters[name])
    text = pattern * (50_000 // len(pattern))
    feed_all(*(text[at : at + size] for at in range(0, len(text), size)))
    for name, counter in counters.items():
        assert counter.read <= 3 * len(text), name


def test_ordinary_text_costs_one_search(monkeypatch):
    def fail(self, *args, **kwargs):
        raise AssertionError

    monkeypatch.setattr(Sanitizer, "_settle", fail)
    text = "plain text, 漢字, 👨\u200d👩\u200d👧\n"
    assert Sanitizer().feed(text) is text


def test_importing_it_imports_nothing_heavy():
    code = (
        "import sys, chatterm.render.sanitize\n"
        "print(*sorted({'rich', 'textual', 'httpx', 'asyncio', 'typer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
