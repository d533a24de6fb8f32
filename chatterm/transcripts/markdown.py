"""A conversation as Markdown, for reading and for other programs.

What the user and the model wrote stands as it was written, without control sequences; it may hold
headings and HTML of its own. Names, titles and everything else that belongs in one line is
escaped. A fence or comment that a text leaves open is closed behind it, so that it doesn't swallow
the rest of the transcript.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from chatterm.render.sanitize import sanitize_line
from chatterm.steps import (
    Citation,
    NoticeStep,
    RefusalStep,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
)
from chatterm.transcripts.outline import ToolUse, TurnView, outline
from chatterm.transcripts.words import (
    arguments_of,
    attachment_line,
    call_remark,
    clean,
    ending,
    facts,
    moment,
    remark,
    result_remark,
    safe_url,
    title_of,
    usage_line,
)

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

    from chatterm.store.model import Conversation, RecordedTurn

_SPECIAL = re.compile(r"([\\`*_\[\]<>&|~#])")
_MAY_STAY_OPEN = re.compile(r"```|~~~|<")
_SENTINEL = "end"
# What ends the HTML blocks of CommonMark that a blank line doesn't end.
_HTML_ENDS = ("-->", "?>", "]]>", "</pre>", ">")


def to_markdown(conversation: Conversation, turns: Iterable[RecordedTurn]) -> str:
    """A readable transcript.

    Args:
        conversation: Whose transcript it is.
        turns: The turns to show: a path, or a tree with parents before their children.
    """
    about = [f"- {label}: {_inline(value)}" for label, value in facts(conversation)]
    parts = [f"# {_inline(title_of(conversation))}", "\n".join(about)]
    for view in outline(turns):
        parts.extend(_turn(view))
    return "\n\n".join(part for part in parts if part) + "\n"


def _turn(view: TurnView) -> Iterator[str]:
    yield "---"
    yield f"## {view.name}"
    where = f" · {view.branch}" if view.branch else ""
    yield f"*{_inline(moment(view.started.at))}{where}*"
    if view.system:
        yield _quoted("System", view.system)
    yield _closed(clean(view.started.input.text))
    attachments = view.started.input.attachments
    if attachments:
        yield "Attached:"
        yield "\n".join(f"- {_inline(attachment_line(each))}" for each in attachments)
    if view.number is not None:
        yield f"## {_inline(view.started.model) or 'Answer'}"
    end = ending(view.finished)
    for block in view.blocks:
        yield from _block(block, end)
    if end:
        yield f"**{_inline(end[0].upper() + end[1:])}**"
    line = usage_line(view.usage)
    if line:
        yield f"*{_inline(line)}*"


def _block(block: Step | ToolUse, end: str) -> Iterator[str]:
    match block:
        case ToolUse():
            yield from _tool_use(block)
        case ThinkingStep():
            yield _quoted("Thinking (summary)" if block.summary else "Thinking", block.text)
        case TextStep(withdrawn=True):
            yield _quoted("Withdrawn by the provider", block.text)
        case TextStep():
            yield _closed(clean(block.text))
            yield _sources(block.citations)
        case RefusalStep():
            yield _quoted("Declined", block.text)
        case NoticeStep():
            yield _quoted("Note", block.text)
            if block.summary:
                yield _quoted("Summary", block.summary)
    about = remark(block, end)
    if about:
        yield f"*({about})*"


def _tool_use(use: ToolUse) -> Iterator[str]:
    name = f"**{_inline(use.name)}**"
    if isinstance(use.call, ToolCallStep):
        about = call_remark(use)
        yield f"Tool {name}{_bracketed(about)}:"
        language, arguments = arguments_of(use.call)
        yield _fenced(arguments, language)
    if use.result is not None:
        about = _bracketed(result_remark(use.result))
        yield f"Result{about}:" if use.call else f"Result of {name}{about}:"
        yield _fenced(clean(use.result.content), "")


def _bracketed(about: str) -> str:
    return f" ({_inline(about)})" if about else ""


def _sources(citations: tuple[Citation, ...]) -> str:
    lines = []
    for number, citation in enumerate(citations, start=1):
        title = _inline(citation.title or citation.url) or "untitled"
        url = safe_url(citation.url)
        lines.append(f"{number}. [{title}](<{url}>)" if url else f"{number}. {title}")
        if url is None and citation.title and citation.url:
            lines[-1] += f", {_inline(citation.url)}"
    return "\n".join(["Sources:", "", *lines]) if lines else ""


def _quoted(label: str, text: str) -> str:
    """A labelled block quote; whatever a text opens ends with it."""
    body = clean(text).strip("\n").split("\n")
    return "\n".join([f"> **{label}**", ">", *(f"> {line}".rstrip() for line in body)])


def _fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}"


def _inline(text: str) -> str:
    """A text in one line that means nothing to Markdown."""
    return _SPECIAL.sub(r"\\\1", sanitize_line(text).strip())


def _closed(text: str) -> str:
    """A text that doesn't take what follows into a fence or an HTML block it leaves open."""
    text = text.strip("\n")
    if not _MAY_STAY_OPEN.search(text) or _is_closed(text):
        return text
    ends = [_same_fence(text, mark) for mark in "`~"]
    for end in (*ends, *_HTML_ENDS):
        if _is_closed(f"{text}\n{end}"):
            return f"{text}\n{end}"
    return _fenced(text, "")


def _same_fence(text: str, mark: str) -> str:
    return mark * max((len(run) for run in re.findall(rf"{mark}{{3,}}", text)), default=3)


def _is_closed(text: str) -> bool:
    """Whether a paragraph after the text is one, and not part of what the text left open."""
    tokens = _parser().parse(f"{text}\n\n{_SENTINEL}\n")
    if len(tokens) < 3:
        return False
    *_, opening, content, closing = tokens
    return (
        (opening.type, closing.type) == ("paragraph_open", "paragraph_close")
        and content.content == _SENTINEL
        and content.level == 1
    )


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    parser.disable("inline")  # only blocks matter here
    return parser
