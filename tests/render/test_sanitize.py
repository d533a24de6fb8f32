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


def _span(first: int, last: int) -> set[str]:
    return {chr(code) for code in range(first, last + 1)}


C0 = _span(0x00, 0x1F)
C1 = _span(0x80, 0x9F)
BIDI = _span(0x202A, 0x202E) | _span(0x2066, 0x2069) | {"\u200e", "\u200f", "\u061c"}
TAGS = _span(0xE0000, 0xE007F)
SELECTOR_SUPPLEMENT = _span(0xE0100, 0xE01EF)
ANNOTATION = _span(0xFFF9, 0xFFFB)
FILLERS = set("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180e")
SURROGATES = _span(0xD800, 0xDFFF)
REMOVED = set("\u200b\u2060\ufeff\xad\u034f") | _span(0x2061, 0x2064)
SEPARATORS = {"\u2028", "\u2029"}
SHOWN = BIDI | TAGS | SELECTOR_SUPPLEMENT | ANNOTATION | FILLERS
FORBIDDEN = (C0 - {"\n"}) | {"\x7f"} | C1 | SHOWN | SURROGATES | REMOVED | SEPARATORS

ST = "\x1b\\"


def feed_all(*deltas: str) -> str:
    sanitizer = Sanitizer()
    return "".join([sanitizer.feed(delta) for delta in deltas]) + sanitizer.finish()


# --- the hostile corpus ---------------------------------------------------------------------------

DROPPED_WHOLE = {
    "colour": "\x1b[1;31m",
    "colour, 24 bit, colons": "\x1b[38:2::255:0:0m",
    "colour with an 8-bit introducer": "\x9b31m",
    "concealed text": "\x1b[8m",
    "cursor up": "\x1b[3A",
    "cursor home": "\x1b[H",
    "erase the screen": "\x1b[2J",
    "erase the scrollback": "\x1b[3J",
    "erase the line": "\x1b[2K",
    "alternate screen": "\x1b[?1049h",
    "mouse reports": "\x1b[?1000h\x1b[?1006h",
    "bracketed paste end": "\x1b[201~",
    "scroll region": "\x1b[1;2r",
    "report the cursor": "\x1b[6n",
    "report the title": "\x1b[21t",
    "soft reset": "\x1b[!p",
    "repeat the last character": "\x1b[999999b",
    "parameters after intermediates": "\x1b[ 3q",
    "window title": "\x1b]0;owned\x07",
    "window title ended by ST": f"\x1b]2;owned{ST}",
    "window title ended by 8-bit ST": "\x1b]2;owned\x9c",
    "8-bit OSC": "\x9d0;owned\x07",
    "newline in an OSC": f"\x1b]0;two\nlines{ST}",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "palette": "\x1b]4;1;rgb:ff/ff/ff\x07",
    "hyperlink opened": f"\x1b]8;;https://evil.example{ST}",
    "iterm image": "\x1b]1337;File=inline=1:AAAA\x07",
    "sixel": f"\x1bPq#0;2;0;0;0#0~~@@vv{ST}",
    "8-bit DCS": "\x90q#0~~\x9c",
    "BEL doesn't end a DCS": f"\x1bPq\x07#0{ST}",
    "terminfo query": f"\x1bP+q544e{ST}",
    "tmux pass-through": f"\x1bPtmux;\x1b\x1b]52;c;cm0=\x07{ST}",
    "tmux pass-through of an ST": f"\x1bPtmux;\x1b\x1b]0;x\x1b{ST}{ST}",
    "screen pass-through": f"\x1bP\x1b]0;x\x07{ST}",
    "tmux title": f"\x1bkowned{ST}",
    "kitty graphics": f"\x1b_Ga=T,f=100;iVBORw0KGgo={ST}",
    "8-bit APC": "\x9fGa=T\x9c",
    "privacy message": f"\x1b^secret{ST}",
    "8-bit PM": "\x9esecret\x9c",
    "start of string": f"\x1bXsecret{ST}",
    "8-bit SOS": "\x98secret\x9c",
    "OSC in an OSC": "\x1b]0;a\x1b]0;b\x07",
    "CSI in an OSC": "\x1b]0;a\x1b[31mb\x07",
    "reset": "\x1bc",
    "8-bit introducer after ESC": "\x1b\x9b31m",
    "charset": "\x1b(0",
    "charset with two intermediates": '\x1b("C',
    "UTF-8 off": "\x1b%@",
    "alignment test": "\x1b#8",
    "save and restore the cursor": "\x1b7\x1b8",
    "reverse index": "\x1bM",
    "stray ST": ST,
    "shift out and in": "\x0e\x0f",
    "answerback": "\x05",
    "bells": "\x07" * 50,
    "line tabulation and form feed": "\x0b\x0c",
    "delete": "\x7f",
    "NUL within a CSI": "\x1b\x00[3\x001\x7fm",
    "ESC aborts a CSI": "\x1b[31\x1b[0m",
    "C1 aborts a CSI": "\x1b[31\x84",
    "CAN aborts a CSI": "\x1b[31\x18",
    "SUB aborts a CSI": "\x1b[31\x1a",
    "CAN aborts an ESC": "\x1b\x18",
    "CAN aborts an OSC": "\x1b]0;x\x18",
    "SUB aborts a DCS": "\x1bPq\x1a",
    "ESC many times": "\x1b" * 20 + "[31m",
}

REWRITTEN = {
    "hyperlink": (f"\x1b]8;;http://a{ST}bank.example\x1b]8;;{ST}", "bank.example"),
    "carriage return hides": ("safe\rrm -rf /", "safe\nrm -rf /"),
    "backspace hides": ("rm -rf /\b\b\b\b\b\b\b\bls", "rm -rf /ls"),
    "backspace overprints": ("b\bbo\bol\bld\bd", "bboolldd"),
    "DOS line ends": ("a\r\nb\r\n", "a\nb\n"),
    "old Mac line ends": ("a\rb\r\rc", "a\nb\n\nc"),
    "LF CR": ("a\n\rb", "a\n\nb"),
    "CR CRLF": ("a\r\r\nb", "a\n\nb"),
    "a sequence within CRLF": ("a\r\x1b[K\nb", "a\nb"),
    "a CR, then two newlines": ("a\r\n\nb", "a\n\nb"),
    "line and paragraph separators": ("a\u2028b\u2029c", "a\nb\nc"),
    "trojan source": (
        "if x:\u202e \u2066# admin\u2069 \u2066",
        "if x:⟨U+202E⟩ ⟨U+2066⟩# admin⟨U+2069⟩ ⟨U+2066⟩",
    ),
    "bidi marks": ("\u200ea\u200fb\u061c", "⟨U+200E⟩a⟨U+200F⟩b⟨U+061C⟩"),
    "smuggled in tags": ("hi\U000e0041\U000e007f", "hi⟨U+E0041⟩⟨U+E007F⟩"),
    "smuggled in variation selectors": ("😀\U000e0100\U000e01ef", "😀⟨U+E0100⟩⟨U+E01EF⟩"),
    "interlinear annotation": ("\ufff9a\ufffab\ufffb", "⟨U+FFF9⟩a⟨U+FFFA⟩b⟨U+FFFB⟩"),
    "Hangul filler": ("a\u3164b", "a⟨U+3164⟩b"),
    "lone surrogate": ("a\ud83db\udc80", "a\ufffdb\ufffd"),
    "zero width": ("p\u200ba\u2060s\ufeffs\xad", "pass"),
    "C1 in text": ("a\x80b\x84c\x85d\x8ee\x99f", "abcdef"),
    "newline cancels a CSI": ("\x1b[12;\nfree", "12;\nfree"),
    "CR cancels a CSI": ("\x1b[12;\rfree", "12;\nfree"),
    "newline cancels an ESC": ("\x1b\nfree", "\nfree"),
    "newline cancels a charset": ("\x1b(\nfree", "(\nfree"),
    "a letter that can't end a CSI": ("\x1b[3é", "3é"),
    "a letter that can't follow ESC": ("\x1bé", "é"),
    "ESC at the end": ("a\x1b", "a"),
    "CSI at the end": ("a\x1b[31", "a31"),
    "8-bit CSI at the end": ("a\x9b31", "a31"),
    "unterminated OSC": ("a\x1b]0;the answer\nis 42", "a0;the answer\nis 42"),
    "unterminated DCS": ("a\x1bPthe answer", "athe answer"),
    "unterminated APC": ("a\x9fthe answer", "athe answer"),
    "half an ST": ("a\x1b]0;x\x1b", "a0;x"),
    "what an unterminated OSC held is sanitised": (
        "\x1b]0;\x1b[31mred\x1b[0m \u202e\r\x1bPq\x1bc\tx",
        "0;red ⟨U+202E⟩\nq       x",
    ),
    "an unterminated DCS around an OSC": ("\x1bPq\x1b]0;title\x07 text", "q text"),
    "a thousand unterminated OSCs": ("\x1b]" * 1000 + "text", "text"),
    "unterminated strings of all kinds": ("\x1bP\x1b]\x1b_\x1b^\x1bX\x1bk\x90\x9dtext", "text"),
}

LONG = "x" * CAP
OVERLONG = {
    "OSC": (f"a\x1b]{LONG}\x07b", f"a{LONG}b"),
    "DCS": (f"a\x1bP{LONG}{ST}b", f"a{LONG}b"),
    "CSI": (f"a\x1b[{'1' * CAP}mb", f"a{'1' * CAP}mb"),
    "ESC": (f"a\x1b{' ' * CAP}Fb", f"a{' ' * CAP}Fb"),
    "a sequence that straddles the cap": (
        f"\x1b]{LONG[:-10]}\x1b]8;;https://evil.example{ST}link",
        f"{LONG[:-10]}link",
    ),
    "an ST that straddles the cap": (f"\x1b]{LONG[:-3]}{ST}b", f"{LONG[:-3]}b"),
    "the newline after the cap": (f"\x1b]{LONG}\nthe answer", f"{LONG}\nthe answer"),
}


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
