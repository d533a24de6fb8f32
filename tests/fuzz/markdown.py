"""Fuzzing the Markdown renderer: documents from a grammar, and texts that are none.

Streamed in any pieces the lines are those of the whole; each fits its width; no characters but the
text's come out, and what CommonMark shows is there, in order.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatterm.render.lines import ROLES, Line, line_cells, line_text
from chatterm.render.markdown import ASCII_MARKS, MarkdownStream, references, render
from fuzz.damage import CUTS, pieces
from fuzz.screen import TEXTS
from fuzz.target import Target

_WORDS = ("a", "foo", "Word", "日本語", "e\u0301", "👩\u200d👧", "\u200b", "1", "--", "x" * 90, "&amp;",
          "&#0;", "&bogus;", "\\*", "\\", "\t", "\x1b[1m", "\u2028", "\xa0", "ﷺ", "=", "|", "a|b",
          "http://x.y/z", "<http://x.y>", "$a$", "\\(x\\)", "[^1]", ":", "***", "#")  # fmt: skip
_WORD = st.sampled_from(_WORDS) | st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\r"), min_size=1, max_size=3
)
_INLINE = st.recursive(
    _WORD,
    lambda inner: st.one_of(
        st.builds("*{}*".format, inner),
        st.builds("**{}**".format, inner),
        st.builds("_{}_".format, inner),
        st.builds("~~{}~~".format, inner),
        st.builds("`{}`".format, inner),
        st.builds("``{} ` ``".format, inner),
        st.builds("[{}](http://a.b/{})".format, inner, st.sampled_from(("", "c", "(d)", " 'e'"))),
        st.builds("![{}](u)".format, inner),
        st.builds("[{}][r]".format, inner),
        st.builds("<b x='1'>{}</b>".format, inner),
        st.builds("{} {}".format, inner, inner),
        st.builds("{}\n{}".format, inner, inner),
        st.builds("{}  \n{}".format, inner, inner),
    ),
    max_leaves=6,
)
_INFO = st.sampled_from(("", "py", "python", "html", "diff", "x y", "{.a}", "日", "nolang"))
_LINES = st.lists(st.sampled_from(("a = 1", "", "  b", "\tc", "'''", "/*", "<p>", "日", "```", "~~~",
                                   "-->", "x" * 120)), max_size=6).map("\n".join)  # fmt: skip
_CELLS = st.lists(st.sampled_from(("a", "", "*b*", "`c|d`", "\\|", "日本", "x" * 30, "[l](u)")),
                  min_size=1, max_size=5).map(" | ".join)  # fmt: skip
_RULE = st.lists(st.sampled_from(("---", ":-:", "-:", ":-", "-")), min_size=1, max_size=5)


def _prefixed(text: str, first: str, rest: str) -> str:
    return "\n".join((first if n == 0 else rest) + line for n, line in enumerate(text.split("\n")))


def _table(head: str, rule: list[str], rows: list[str]) -> str:
    return "\n".join((f"| {head} |", f"|{'|'.join(rule)}|", *(f"| {row} |" for row in rows)))


_LEAVES = st.one_of(
    _INLINE,
    st.builds("{} {}".format, st.sampled_from(("#", "##", "######", "#######")), _INLINE),
    st.builds("{}\n{}".format, _INLINE, st.sampled_from(("===", "---", "=", "-", "= ="))),
    st.sampled_from(("---", "***", "_ _ _", "- - -", "")),
    st.builds("{0}{1}\n{2}\n{0}".format, st.sampled_from(("```", "~~~", "````")), _INFO, _LINES),
    st.builds("```{}\n{}".format, _INFO, _LINES),
    _LINES.map(lambda text: _prefixed(text, "    ", "    ")),
    st.builds(_table, _CELLS, _RULE, st.lists(_CELLS, max_size=4)),
    st.builds("<{0}>\n{1}\n</{0}>".format, st.sampled_from(("div", "pre", "script", "x")), _INLINE),
    st.builds("<!-- {} -->".format, _INLINE),
    st.builds("[r]: {} {}".format, st.sampled_from(("/u", "<a b>", "http://x")),
              st.sampled_from(("", '"t"', "'t\nu'", "(t)", '"t'))),
    st.builds("[^1]: {}".format, _INLINE),
    st.builds("$$\n{}\n$$".format, _INLINE),
)  # fmt: skip
_MARKERS = st.sampled_from(("- ", "* ", "+ ", "1. ", "2) ", "999999999. ", "- [ ] ", "- [x] ", "-   ",
                            "1.     ", "> ", ">", ">  "))  # fmt: skip


def _contained(marker: str, children: list[str], between: str, keep: bool) -> str:
    indent = marker if marker.startswith(">") else " " * len(marker) if keep else ""
    return _prefixed(between.join(children), marker, indent)


_BLOCKS = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        _contained,
        _MARKERS,
        st.lists(inner, min_size=1, max_size=3),
        st.sampled_from(("\n", "\n\n", "\n\n\n")),
        st.sampled_from((True, True, True, False)),
    ),
    max_leaves=10,
)
_DEEP = st.builds(
    lambda marker, depth, text: marker * depth + text,
    st.sampled_from(
        (">", "> ", "- ", "1. ", "> - ", "*", "[", "![", "(", "`", "<", "_", "~~", "#")
    ),
    st.integers(1, 150),
    st.sampled_from(("", "a", "\na", "\n\nb", "\n    c")),
)
DOCUMENTS = st.builds(
    lambda blocks, between, end: between.join(blocks) + end,
    st.lists(st.one_of(_BLOCKS, _BLOCKS, _LEAVES, _DEEP), max_size=5),
    st.sampled_from(("\n", "\n\n", "\n\n", "\n\n\n\n")),
    st.sampled_from(("", "\n", "\n\n")),
)
WIDTHS = st.sampled_from((10, 13, 24, 40, 80, 200))


def streamed(text: str, width: int, parts: Iterable[str]) -> list[Line]:
    """The lines of a text that comes in parts, each shown at once."""
    stream = MarkdownStream(width)
    frozen: list[Line] = []
    for part in parts:
        stream.feed(part)
        update = stream.flush()
        assert all(line_cells(line) <= width for line in update.tail)
        frozen += update.frozen
    last = stream.finish()
    assert last.tail == []
    assert stream.finish().frozen == []
    return frozen + last.frozen


def check_document(text: str, width: int, cuts: list[int]) -> None:
    """A document looks the same however it came; its lines fit and hold nothing odd."""
    whole = render(text, width)
    for line in whole:
        assert line_cells(line) <= width
        for span in line:
            assert set(span.style) <= set(ROLES)
            assert not any(c < " " or "\x7f" <= c < "\xa0" for c in span.text)
    assert streamed(text, width, pieces(text, cuts)) == whole
    if len(text) < 150:
        assert streamed(text, width, text) == whole


def check_options(text: str, width: int, cuts: list[int]) -> None:
    """With other marks, known references, changing widths and code that isn't wrapped."""
    known = references(text)
    render(text, width, marks=ASCII_MARKS, references=known)
    stream = MarkdownStream(width, references=known, wrap_code=False)
    for number, part in enumerate(pieces(text, cuts)):
        stream.width = (width, 10, 33)[number % 3]
        stream.feed(part)
        for line in stream.flush().tail:
            line_text(line)
    stream.finish()


def check_shown(text: str) -> None:
    """Letters and digits that CommonMark shows are shown, in their order."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    wanted: list[str] = []
    for token in parser.parse(text):
        for part in token.children or [token]:
            if part.type == "image":  # whose content is the source of its text
                wanted += parser.renderer.renderInlineAsText(part.children, parser.options, {})
            elif part.type not in ("softbreak", "hardbreak", "inline"):
                wanted += part.content
    rendered = iter("".join(map(line_text, render(text, 200))).casefold())
    missing = [c for c in "".join(wanted).casefold() if c.isalnum() and c not in rendered]
    assert not missing, missing[:20]


TARGETS = [
    Target("markdown/document", st.tuples(DOCUMENTS, WIDTHS, CUTS), check_document, 60),
    Target("markdown/odd-text", st.tuples(TEXTS, WIDTHS, CUTS), check_document, 25),
    Target("markdown/options", st.tuples(DOCUMENTS, WIDTHS, CUTS), check_options, 25),
    Target("markdown/shown", st.tuples(DOCUMENTS), check_shown, 40),
]
