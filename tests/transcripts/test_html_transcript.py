"""The HTML transcript: one file that needs nothing else and can do nothing."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.errors import ErrorKind, Failure
from chatterm.events import TurnFinished
from chatterm.render.sanitize import sanitize
from chatterm.steps import (
    Citation,
    FinishReason,
    NoticeStep,
    RefusalStep,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
)
from chatterm.transcripts import to_html
from transcripts.samples import (
    PNG,
    any_text,
    attachment,
    conversation,
    hostile_conversation,
    hostile_turn,
    step,
    turn,
)

TAGS = """
html head meta title style body header h1 dl div dt dd main section p b a details summary pre code
span ol ul li blockquote em strong s table thead tbody tr th td hr br figure img figcaption h2 h3
h4 h5 h6
"""
HARMLESS = set(TAGS.split())
VOID = {"meta", "hr", "br", "img"}
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "rel", "dir",
    "src", "alt", "style", "start", "title",
}  # fmt: skip


class Page(HTMLParser):
    """A page taken apart; refuses what could do anything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert tag in HARMLESS
        assert set(given) <= ATTRIBUTES
        if "style" in given:
            assert re.fullmatch(r"text-align:(left|right|center)", given["style"] or "")
        if tag == "a" and given:
            assert re.match(r"(https?://|mailto:|#turn-\d+$)", given["href"] or "", re.IGNORECASE)
        if tag == "img":
            assert (given["src"] or "").startswith("data:image/png;base64,")
        self.tags.append((tag, given))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style></script><img src=x onerror=alert(1)>",
    "</pre></details></code><svg/onload=alert(1)>",
    '" onmouseover="alert(1)',
    "' onfocus=alert(1) autofocus '",
    "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,x) [d](//evil)",
    '<javascript:alert(1)> <https://a.example/?"onclick=alert(1)>',
    '![x](https://evil.example/x.png "title") [![y](https://e/y.png)](https://ok.example)',
    '[a](https://a.example/"onmouseover=alert(1)) [b](https://b "t\\"onload=1")',
    "[r]\n\n[r]: javascript:alert(1)\n\n![r]",
    '```html" onload=alert(1)\n<script>\n```',
    "```<script>\nx\n```",
    "&lt;script&gt; &#60;script&#62; &#x1b;[2J &#8238;",
    "| a | b |\n|:-:|--:|\n| <b> | [x](vbscript:x) |",
    "<!-- --> <![CDATA[ x ]]> <?php ?>",
    "\x1b[31m \u202e \x00 \ud83d \x9b",
    "- - - \n\na  \nb",
    "[a]() ![b]() [c](<>) [![d](https://e/f.png)]()",
    "> " * 300 + "deep",
    "[" * 2000,
    "<https://a.example/\ud83d>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing_in_any_field(text: str) -> None:
    written = to_html(hostile_conversation(text), [hostile_turn(text)])
    Page(written)
    assert sanitize(written.replace("\t", " ")) == written.replace("\t", " ")
    written.encode("utf-8")


markup = st.lists(
    st.sampled_from(
        ["<", ">", '"', "'", "&", "`", "```", "~~~", "[a](", ")", "![", "]", "javascript:", "\n",
         "\n\n", "https://a.b", "#", "|", "|-|", "> ", "- ", "1. ", "*", "_", "\\", "<b>", "&#x1b;",
         " ", "    ", "x", "<!--", "<a href=", "\t", "&quot;"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(markup | any_text)
def test_any_text_does_nothing_in_any_field(text: str) -> None:
    page = Page(to_html(hostile_conversation(text), [hostile_turn(text)]))
    assert len(page.all("section")) == 1
    assert len(page.all("img")) == 1


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = Page(to_html(conversation(), [turn(step(TextStep, text="![x](https://a/b.png)"))]))
    policy = [each["content"] for each in page.all("meta") if "http-equiv" in each]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert not page.all("img")
    assert page.all("a")[-1]["href"] == "https://a/b.png"


def test_the_style_knows_light_and_dark_and_fetches_nothing() -> None:
    style = to_html(conversation(), []).split("<style>")[1].split("</style>")[0]
    assert "prefers-color-scheme: dark" in style
    assert "url(" not in style
    assert "@import" not in style


def test_markdown_is_rendered() -> None:
    text = (
        "# Big\n\n**bold** `code`\n\n| a |\n|---|\n| b |\n\n```python\ndef f(): pass\n```\n\n~~x~~"
    )
    written = to_html(conversation(), [turn(step(TextStep, text=text))])
    for part in (
        "<h1>Big</h1>",
        "<strong>bold</strong>",
        "<code>code</code>",
        "<td>b</td>",
        '<span class="k">def</span>',
        "<s>x</s>",
    ):
        assert part in written


def test_links_are_kept_apart_from_the_page() -> None:
    page = Page(to_html(conversation(), [turn(step(TextStep, text="[a](https://a.example)"))]))
    assert page.all("a")[-1] == {
        "href": "https://a.example",
        "rel": "noopener noreferrer nofollow",
    }


def test_what_the_user_wrote_stands_as_it_was_written() -> None:
    page = Page(to_html(conversation(), [turn(text="# not a heading\n\n  <b>x</b>\ty")]))
    assert "# not a heading\n\n  <b>x</b>\ty" in page.text


def test_pictures_are_in_the_file_where_they_are_at_hand() -> None:
    recorded = turn(attachments=(attachment(PNG, "here.png"),))
    page = Page(to_html(conversation(), [recorded]))
    content = base64.b64encode(PNG).decode()
    assert page.all("img") == [{"alt": "here.png", "src": f"data:image/png;base64,{content}"}]


def test_other_attachments_are_named() -> None:
    missing = attachment(PNG, "gone.png")
    kept = attachment(b"a\tb < c", "a.txt", "text/plain")
    forms = (
        type(missing)(missing.name, missing.media_type, missing.size, missing.sha256),
        kept,
        attachment(b"%PDF-", "b.pdf", "application/pdf"),
    )
    page = Page(to_html(conversation(), [turn(attachments=forms)]))
    assert not page.all("img")
    assert "Attached: gone.png (image/png, 72 bytes)" in page.text
    assert "a\tb < c" in page.text
    assert "Attached: b.pdf (application/pdf, 5 bytes)" in page.text


def test_thinking_and_tools_are_folded_away() -> None:
    recorded = turn(
        step(ThinkingStep, text="hm"),
        step(ToolCallStep, call_id="a", name="shell", arguments='{"c":"ls"}', input={"c": "ls"}),
        step(ToolResultStep, call_id="a", name="shell", content="a.txt", exit_code=3, ok=False),
    )
    page = Page(to_html(conversation(), [recorded]))
    assert [each["class"] for each in page.all("details")] == ["thinking", "tool"]
    assert 'shell {"c":"ls"} · failed, exit status 3' in page.text


def test_notes_refusals_withdrawn_text_endings_usage_and_branches_are_shown() -> None:
    failure = Failure(ErrorKind.QUOTA, "no credit", hint="add some")
    finished = TurnFinished(
        TurnStatus.FAILED, FinishReason.ERROR, usage=Usage(input=5, output=1), error=failure
    )
    recorded = turn(
        step(NoticeStep, text="tried again"),
        step(RefusalStep, text="I won't"),
        step(TextStep, text="oops", withdrawn=True),
        step(TextStep, text="x", citations=(Citation("", "ftp://a"), Citation("T", "https://t/"))),
        id="t2",
        parent="t1",
        system="Be brief",
        finished=finished,
    )
    page = Page(to_html(conversation(), [turn(), turn(id="t3", parent="t1"), recorded]))
    for words in (
        "tried again",
        "I won't",
        "Withdrawn by the provider",
        "oops",
        "Failed: no credit (add some)",
        "5 tokens in, 1 tokens out",
        "another branch: follows turn 1",
        "Be brief",
        "ftp://a",
    ):
        assert words in page.text


def test_long_code_is_not_coloured_but_whole() -> None:
    code = "x = 1\n" * 20_000
    page = Page(to_html(conversation(), [turn(step(TextStep, text=f"```python\n{code}```"))]))
    assert code in page.text
