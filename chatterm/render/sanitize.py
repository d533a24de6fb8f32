r"""The one gate between untrusted text and a terminal.

Model text, tool output, file names, titles and error messages are written by strangers. Nothing
of theirs reaches a screen before it went through this module, which lets no control function
through and leaves nothing invisible that could change how the rest reads.

What happens to each character, and why:

==========================  =======================================================================
dropped whole               CSI, OSC, DCS, APC, PM, SOS, tmux's title string (``ESC k``) and every
                            other ESC sequence, with 7-bit or 8-bit introducers; C0 controls except
                            newline and tab; DEL; C1 controls. That includes U+0085, which is more
                            often a mis-decoded Windows-1252 ellipsis than a line end.
a newline                   CR, CRLF (one newline), U+2028, U+2029. A carriage return must not
                            write over what was already read.
spaces                      Tabs, to 8-column stops counted in code points from the last newline.
removed                     Soft hyphen, combining grapheme joiner, zero width space, word joiner,
                            invisible operators, byte order mark: ordinary text has them, and
                            there is nothing to see.
shown as ``⟨U+202E⟩``       Bidi controls, tags, the variation selector supplement, interlinear
                            annotation marks, fillers that look like nothing (Hangul, Khmer), the
                            Mongolian vowel separator, and every other default-ignorable character
                            that isn't named here.
shown as U+FFFD             Surrogates.
kept                        ZWJ, ZWNJ, variation selectors 1-16 and Mongolian's own (emoji and
                            scripts need them), and everything else.
==========================  =======================================================================

A sequence is dropped whole only when it is complete within `CAP` characters:

- ESC and CSI end at their final byte. CAN, SUB, ESC and C1 controls abort them, as in a terminal.
  Any other character that can't be part of one, such as a newline, cancels it.
- Strings (OSC, DCS, APC, PM, SOS) end at ST, an OSC also at BEL. CAN and SUB abort them. An ESC
  that isn't the start of ST is part of the string, as tmux's pass-through has it.

When a sequence is cancelled, too long or cut off by the end of the text, only its introducer is
dropped. What follows is read again as ordinary text, in which further sequences may start: an
unterminated OSC does not swallow the answer. The result depends on the text alone, never on how
it was split, and takes time linear in its length.
"""

import re
from functools import cache
from typing import Final

CAP: Final = 4096
"""The longest control sequence that is recognised, in characters, introducer included."""

_TAB_STOP: Final = 8

# Fragments of regular expression character classes. The two that name what is invisible cover,
# with _KEPT_INVISIBLE, Unicode's Default_Ignorable_Code_Point.
_REMOVED_INVISIBLE: Final = r"\xad\u034f\u200b\u2060-\u2064\ufeff"
_SHOWN_INVISIBLE: Final = (
    r"\u061c\u200e\u200f\u202a-\u202e\u2065-\u206f"  # bidi controls, deprecated format controls
    r"\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180e"  # fillers and the Mongolian vowel separator
    r"\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # annotation and notation marks
    r"\U000e0000-\U000e0fff"  # tags and the variation selector supplement
    r"\ud800-\udfff"  # surrogates
)
_KEPT_INVISIBLE: Final = r"\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f"
_BLANK: Final = r"\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"  # what passes for a space
_CONTROLS: Final = r"\x00-\x09\x0b-\x1f\x7f-\x9f"  # C0 without the newline, DEL, C1
_SEPARATORS: Final = r"\u2028\u2029"

_SUSPICIOUS: Final = re.compile(f"[{_CONTROLS}{_SEPARATORS}{_REMOVED_INVISIBLE}{_SHOWN_INVISIBLE}]")

# Controls that neither start nor end anything: a terminal ignores or executes them even in the
# middle of a sequence, so they go first and the patterns below need not know them.
_NOISE: Final = re.compile(r"[\x00-\x06\x08\x0b\x0c\x0e-\x17\x19\x1c-\x1f\x7f]+")

_INTRODUCER: Final = re.compile(
    r"(?P<csi>\x1b\[|\x9b)"
    r"|(?P<osc>\x1b\]|\x9d)"
    r"|(?P<string>\x1b[PX^_k]|[\x90\x98\x9e\x9f])"
    r"|(?P<escape>\x1b)"
)
# What follows a CSI or an ESC: its end, a control that aborts it, or so far nothing.
_ABORT: Final = r"[\x18\x1a]|(?=[\x1b\x80-\x9f])"
_CSI_REST: Final = re.compile(rf"[\x20-\x3f]*+(?:[\x40-\x7e]|{_ABORT}|(?P<open>\Z))")
_ESCAPE_REST: Final = re.compile(rf"[\x20-\x2f]*+(?:[\x30-\x7e]|{_ABORT}|(?P<open>\Z))")
_STRING_END: Final = re.compile(r"\x1b\\|[\x18\x1a\x9c]")
_OSC_END: Final = re.compile(r"\x1b\\|[\x07\x18\x1a\x9c]")

_REMOVED: Final = re.compile(rf"[\x07\x18\x1a\x80-\x9f{_REMOVED_INVISIBLE}]+")
_SHOWN: Final = re.compile(f"[{_SHOWN_INVISIBLE}]")
_NEWLINE: Final = re.compile(rf"\r\n?|[{_SEPARATORS}]")

_ESCAPABLE: Final = (
    f"[{_CONTROLS}{_SEPARATORS}{_REMOVED_INVISIBLE}{_SHOWN_INVISIBLE}{_KEPT_INVISIBLE}{_BLANK}]"
)
# Either a whole run of backslashes before something that is or looks like an escape, or something
# to escape. The look-behind keeps a long run from being tried again at each of its characters.
_ESCAPE: Final = (
    rf"(?<!\\)\\++(?=[rt]|x[0-9a-f]{{2}}|u[0-9a-f]{{4}}|U[0-9a-f]{{8}}|{_ESCAPABLE})|{_ESCAPABLE}"
)


class Sanitizer:
    """Makes a stream of untrusted text fit for a terminal.

    Feed it deltas as they arrive. The concatenation of everything returned, up to and including
    `finish`, is the same for every way of splitting the text. Only what may still turn out to be
    a control sequence is held back, at most `CAP` characters of it.
    """

    __slots__ = ("_after_cr", "_column", "_held", "_osc_end", "_string_end")

    def __init__(self) -> None:
        self._held = ""  # starts with the introducer of an undecided sequence, or is empty
        self._string_end = _Lookahead(_STRING_END)
        self._osc_end = _Lookahead(_OSC_END)
        self._after_cr = False  # a newline that follows belongs to the CR already written
        self._column = 0  # of the output, for tab stops

    def feed(self, text: str) -> str:
        """Return what can be shown now that this text has arrived."""
        if not (self._held or self._after_cr or _SUSPICIOUS.search(text)):
            self._advance(text)
            return text
        return self._settle(self._drop_sequences(_NOISE.sub("", text), final=False))

    def finish(self) -> str:
        """End the stream and return what was still held back.

        The sanitiser is then as new: a second call returns nothing, and it may be fed another
        text from its first column.
        """
        rest = self._settle(self._drop_sequences("", final=True))
        self._after_cr = False
        self._column = 0
        return rest

    def _drop_sequences(self, text: str, *, final: bool) -> str:
        """Take control sequences out of the text, and hold back one that is still open."""
        text = self._held + text
        kept: list[str] = []
        position: int | None = 0
        start = 0
        while position is not None:
            introducer = _INTRODUCER.search(text, position)
            start = introducer.start() if introducer else len(text)
            kept.append(text[position:start])
            position = self._end(text, introducer, final=final) if introducer else None
        self._held = text[start:]
        self._string_end.forget(start)
        self._osc_end.forget(start)
        return "".join(kept)

    def _end(self, text: str, introducer: re.Match[str], *, final: bool) -> int | None:
        """Return where ordinary text goes on, or None while that can't be known."""
        limit = introducer.start() + CAP
        body = introducer.end()
        end: int | None
        match introducer.lastgroup:
            case "osc":
                end = self._osc_end.find(text, body)
            case "string":
                end = self._string_end.find(text, body)
            case kind:
                rest = (_CSI_REST if kind == "csi" else _ESCAPE_REST).match(text, body, limit)
                if rest is None:
                    return body
                end = rest.end() if rest["open"] is None else None
        if end is not None and end <= limit:
            return end
        return body if final or len(text) >= limit else None

    def _settle(self, text: str) -> str:
        """Treat text that is free of sequences character by character, and track the column."""
        text = _SHOWN.sub(_show, _REMOVED.sub("", text))
        if text:
            ends_in_cr = text.endswith("\r")
            if self._after_cr:
                text = text.removeprefix("\n")
            self._after_cr = ends_in_cr
            text = _NEWLINE.sub("\n", text)
        if "\t" in text:
            indent = self._column % _TAB_STOP
            text = (" " * indent + text).expandtabs(_TAB_STOP)[indent:]
        self._advance(text)
        return text

    def _advance(self, text: str) -> None:
        """Move the column past text that is being returned."""
        newline = text.rfind("\n")
        if newline < 0:
            self._column += len(text)
        else:
            self._column = len(text) - newline - 1


class _Lookahead:
    """Finds the next match of a pattern, reading no part of the text twice.

    A thousand unterminated strings that lie within each other all look for the same terminator.
    Positions asked for never go backwards; the text may grow at its end between two questions.
    """

    __slots__ = ("_end", "_pattern", "_start")

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._start = 0  # of the match last found; or else nothing starts before this
        self._end: int | None = None

    def find(self, text: str, position: int) -> int | None:
        """Return the end of the first match at or after the position, None if there is none."""
        if self._end is None or self._start < position:
            found = self._pattern.search(text, max(position, self._start))
            if found:
                self._start, self._end = found.span()
            else:  # an ESC at the very end may become an ST
                self._start, self._end = len(text) - text.endswith("\x1b"), None
        return self._end

    def forget(self, length: int) -> None:
        """Follow the text when that many characters are cut off its beginning."""
        if self._start < length:
            self._start, self._end = 0, None
        else:
            self._start -= length
            self._end = None if self._end is None else self._end - length


def sanitize(text: str) -> str:
    """Return a whole text made fit for a terminal. Doing it twice changes nothing more."""
    sanitizer = Sanitizer()
    return sanitizer.feed(text) + sanitizer.finish()


def sanitize_line(text: str) -> str:
    """Return a text made fit for a place that has one line: a title, a file name, a status.

    A newline becomes ``↵``, so that a file name with a line break in it can't pass for one with a
    space. Strip what may well end in a newline first.
    """
    return sanitize(text).replace("\n", "↵")


def escape_controls(text: str) -> str:
    r"""Return a text in which everything that can't be seen is written out, and nothing is lost.

    For permission prompts and errors, where what is shown must be exactly what is there. Controls,
    invisible characters (also those `sanitize` keeps or removes), surrogates and blanks that could
    pass for a space become ``\r``, ``\t``, ``\x1b``, ``\u202e`` or ``\U000e0041``. A newline stays
    a newline. Backslashes stay as they are, except that a run of them is doubled before something
    that is escaped or that reads like an escape: two different texts never look the same.
    """
    return _escaping().sub(_escape, text)


@cache
def _escaping() -> re.Pattern[str]:
    """Compiled when something is first escaped: no first screen needs it."""
    return re.compile(_ESCAPE)


def _show(character: re.Match[str]) -> str:
    code = ord(character[0])
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"⟨U+{code:04X}⟩"


def _escape(found: re.Match[str]) -> str:
    if found[0].startswith("\\"):
        return found[0] * 2
    code = ord(found[0])
    if code in {0x09, 0x0D}:
        return "\\t" if code == 0x09 else "\\r"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
