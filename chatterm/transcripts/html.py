"""A conversation as one HTML file that needs nothing else and can do nothing.

No scripts, no addresses that are fetched, nothing of what strangers wrote as markup; a content
security policy says the same to the browser. Pictures are those that were attached, in the file.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING, Final

from chatterm.render.sanitize import sanitize_line
from chatterm.steps import (
    Attachment,
    Citation,
    NoticeStep,
    RefusalStep,
    Step,
    TextStep,
    ThinkingStep,
    TurnStatus,
)
from chatterm.transcripts.html_markdown import code_to_html, markdown_to_html
from chatterm.transcripts.html_style import STYLE
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
    from chatterm.store.model import Conversation, RecordedTurn

_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_PICTURES: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
_LONGEST_SUMMARY: Final = 100


def to_html(conversation: Conversation, turns: Iterable[RecordedTurn]) -> str:
    """A transcript as a self-contained page.

    Args:
        conversation: Whose transcript it is.
        turns: The turns to show: a path, or a tree with parents before their children. Pictures
            are shown of attachments whose content is at hand.
    """
    title = escape(title_of(conversation))
    about = "".join(
        f"<div><dt>{label}</dt><dd>{escape(value)}</dd></div>"
        for label, value in facts(conversation)
    )
    sections = "\n".join("\n".join(_turn(view)) for view in outline(turns))
    return f"""<!DOCTYPE html>
<html lang="und">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{STYLE}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<dl>{about}</dl>
</header>
<main>
{sections}
</main>
</body>
</html>
"""


def _turn(view: TurnView) -> Iterator[str]:
    anchor = escape(f"turn-{view.number or view.started.turn}")
    yield f'<section class="turn" id="{anchor}">'
    if view.branch:
        yield f'<p class="branch">{escape(view.branch)}</p>'
    if view.system:
        yield _details("system", "System text", f"<pre>{escape(clean(view.system))}</pre>")
    time = escape(moment(view.started.at))
    yield f'<p class="meta"><b>{view.begun_by}</b><a href="#{anchor}">{time}</a></p>'
    if view.number is not None:
        yield from _asked(view)
    yield '<div class="answer">'
    if view.number is not None:
        yield f'<p class="meta"><b>{_line(view.started.model) or "Answer"}</b></p>'
    end = ending(view.finished)
    for block in view.blocks:
        yield from _block(block, end)
    if end:
        failed = view.finished is not None and view.finished.status is TurnStatus.FAILED
        mark = "failed" if failed else "cut"
        yield f'<p class="{mark}">{escape(end[0].upper() + end[1:])}</p>'
    usage = usage_line(view.usage)
    if usage:
        yield f'<p class="usage">{escape(usage)}</p>'
    yield "</div>\n</section>"


def _asked(view: TurnView) -> Iterator[str]:
    yield '<div class="you">'
    words = clean(view.started.input.text).strip("\n")
    if words:
        yield f'<div class="words" dir="auto">{escape(words)}</div>'
    for attachment in view.started.input.attachments:
        yield _attachment(attachment)
    yield "</div>"


def _block(block: Step | ToolUse, end: str) -> Iterator[str]:
    match block:
        case ToolUse():
            yield _tool_use(block)
        case ThinkingStep():
            label = "Thinking (summary)" if block.summary else "Thinking"
            yield _details("thinking", label, markdown_to_html(block.text))
        case TextStep(withdrawn=True):
            label = '<p class="label">Withdrawn by the provider</p>'
            yield _step("withdrawn", label + markdown_to_html(block.text))
        case TextStep():
            yield _step("text", markdown_to_html(block.text))
            yield _sources(block.citations)
        case RefusalStep():
            yield _step("refusal", markdown_to_html(block.text))
        case NoticeStep():
            yield _step("notice", escape(clean(block.text)))
            if block.summary:
                yield _details("summary", "Summary", markdown_to_html(block.summary))
    about = remark(block, end)
    if about:
        yield f'<p class="remark">({about})</p>'


def _tool_use(use: ToolUse) -> str:
    body = []
    excerpt = ""
    if use.call is not None:
        language, arguments = arguments_of(use.call)
        excerpt = _excerpt(use.call.arguments)
        if arguments.strip() not in {"", "{}"}:
            body.append(code_to_html(arguments, language))
    remarks = [call_remark(use)]
    if use.result is not None:
        about = result_remark(use.result)
        remarks.append(about)
        body.append(f'<p class="label">Result{f", {escape(about)}" if about else ""}</p>')
        body.append(f"<pre>{escape(clean(use.result.content))}</pre>")
    about = ", ".join(part for part in remarks if part)
    label = f"<b>{_line(use.name)}</b>"
    if excerpt:
        label += f" <code>{excerpt}</code>"
    if about:
        label += f" · {escape(about)}"
    return _details("tool", label, "".join(body))


def _excerpt(arguments: str) -> str:
    words = " ".join(sanitize_line(arguments.strip()[: 4 * _LONGEST_SUMMARY]).split())
    if words in {"", "{}"}:
        return ""
    short = words if len(words) <= _LONGEST_SUMMARY else f"{words[: _LONGEST_SUMMARY - 1]}…"
    return escape(short)


def _sources(citations: tuple[Citation, ...]) -> str:
    items = []
    for citation in citations:
        title, url = _line(citation.title or citation.url) or "untitled", safe_url(citation.url)
        if url is not None:
            link = f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">{title}</a>'
            items.append(f"<li>{link}</li>")
        else:
            address = f", {_line(citation.url)}" if citation.title and citation.url else ""
            items.append(f"<li>{title}{address}</li>")
    return f'<ol class="sources">{"".join(items)}</ol>' if items else ""


def _attachment(attachment: Attachment) -> str:
    label = escape(attachment_line(attachment))
    data = attachment.data
    if data is None:
        return f'<p class="file">Attached: {label}</p>'
    magic = _PICTURES.get(attachment.media_type)
    if magic is not None and data.startswith(magic):
        content = base64.b64encode(data).decode("ascii")
        name = _line(attachment.name)
        picture = f'<img alt="{name}" src="data:{attachment.media_type};base64,{content}">'
        return f"<figure>{picture}<figcaption>{label}</figcaption></figure>"
    if attachment.media_type.startswith("text/"):
        text = escape(clean(data.decode("utf-8", "replace")))
        return _details("file", f"Attached: {label}", f"<pre>{text}</pre>")
    return f'<p class="file">Attached: {label}</p>'


def _details(name: str, label: str, body: str) -> str:
    """A part that is folded away; label and body are HTML."""
    return f'<details class="{name}"><summary>{label}</summary><div>{body}</div></details>'


def _step(name: str, body: str) -> str:
    return f'<div class="step {name}" dir="auto">{body}</div>'


def _line(text: str) -> str:
    return escape(sanitize_line(text).strip())
