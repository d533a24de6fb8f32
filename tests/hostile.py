"""What strangers write to a terminal, for the tests of whatever stands between.

`DROPPED_WHOLE` are sequences of which nothing may be left, `REWRITTEN` and `OVERLONG` texts with
what is to be read instead. No character of `FORBIDDEN` ever reaches a terminal.
"""

from __future__ import annotations

from chatterm.render.sanitize import CAP


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
