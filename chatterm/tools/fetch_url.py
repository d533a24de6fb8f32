"""The `fetch_url` tool: a page of the public network, as text."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from chatterm.permissions.verdicts import Access, FetchAccess
from chatterm.steps import Attachment, Outcome
from chatterm.tools.base import CallContext, Preview, ToolError, ToolResult, Workbench
from chatterm.tools.decoding import image_type, is_binary
from chatterm.tools.fetching import MOST_BYTES, Page, Reachable, fetch, is_public, target_of
from chatterm.tools.pages import decoded, media_type, text_of_html

_SUMMARY_CHARS = 200
_NOTE_ROOM = 300
_TEXT = ("json", "xml", "javascript", "yaml", "toml", "x-sh", "csv", "x-www-form-urlencoded")


class FetchUrl:
    """Fetches pages.

    Args:
        reachable: Which addresses may be connected to; those of the public network.
    """

    name = "fetch_url"
    description = (
        "Fetch a page with GET and get its text (HTML as Markdown), or an image. Only the public "
        "network is reached, one host a call: when a page redirects to another host, the result "
        "says where to."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"url": {"type": "string", "description": "An http:// or https:// URL."}},
        "required": ["url"],
        "additionalProperties": False,
    }
    independent = True

    def __init__(self, reachable: Reachable = is_public) -> None:
        self._reachable = reachable

    def summary(self, arguments: Mapping[str, Any]) -> str:
        """The URL, its host as the network writes it."""
        url = str(arguments.get("url", ""))
        try:
            url = target_of(url).url
        except ToolError:
            url = " ".join(url.split())
        line = f"fetch {url}".strip()
        return line if len(line) <= _SUMMARY_CHARS else line[: _SUMMARY_CHARS - 1] + "…"

    def access(self, arguments: Mapping[str, Any], bench: Workbench) -> tuple[Access, ...]:
        """The URL and its host."""
        target = target_of(str(arguments["url"]))
        return (FetchAccess(target.url, target.host),)

    def preview(self, arguments: Mapping[str, Any], bench: Workbench) -> Preview:
        """Nothing: the URL says it all."""
        return Preview()

    async def run(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        """Fetch it."""
        url = target_of(str(arguments["url"])).url
        try:
            async with asyncio.timeout(context.timeout_s):
                page = await fetch(url, self._reachable)
        except TimeoutError:
            message = f"{url} didn't answer whole within {context.timeout_s:g} s"
            raise ToolError(message, Outcome.TIMED_OUT) from None
        if page.elsewhere:
            return ToolResult(
                f"{page.url} redirects to another place: {page.elsewhere}\n"
                "Call fetch_url with that to go on."
            )
        return await asyncio.to_thread(_result, page, context.max_output_bytes)


def _result(page: Page, room: int) -> ToolResult:
    content_type = page.headers.get("content-type", "")
    kind = media_type(content_type)
    head = f"{page.url} · {page.status} · {kind or 'no content type'}"
    outcome = Outcome.DONE if page.status < 400 else Outcome.FAILED
    if (image := image_type(page.body)) is not None and outcome is Outcome.DONE:
        return _image(page, image, head)
    text, whole = _text(page, kind, content_type)
    room = max(room - _NOTE_ROOM, room // 2)
    data = text.encode("utf-8", "replace")
    cut = len(data) > room
    if cut:
        text = data[:room].decode("utf-8", "ignore")
    notes = [f"cut after {room:,} of {len(data):,} bytes of text"] if cut else []
    if not (whole and page.whole):
        notes.append(f"the page is larger than what is read of one ({MOST_BYTES >> 20} MB at most)")
    note = f"\n\n[{'; '.join(notes)}]" if notes else ""
    content = f"{head}\n\n{text or '(no text)'}{note}"
    return ToolResult(content, outcome, truncated=bool(notes))


def _text(page: Page, kind: str, content_type: str) -> tuple[str, bool]:
    html = kind in ("text/html", "application/xhtml+xml") or (
        not kind and page.body.lstrip()[:100].lower().startswith((b"<!doctype html", b"<html"))
    )
    if html:
        return text_of_html(page.body, content_type)
    plain = not kind or kind.startswith("text/") or any(each in kind for each in _TEXT)
    if not plain or is_binary(page.body):
        raise ToolError(f"{page.url} is {kind or 'binary data'}, which has no text to show")
    return decoded(page.body, content_type), True


def _image(page: Page, kind: str, head: str) -> ToolResult:
    if not page.whole:
        raise ToolError(f"{page.url} is an image of more than {MOST_BYTES >> 20} MB")
    name = PurePosixPath(urlsplit(page.url).path).name or "image"
    digest = hashlib.sha256(page.body).hexdigest()
    image = Attachment(name, kind, len(page.body), digest, page.body)
    return ToolResult(f"{head}: an image, {len(page.body):,} bytes", attachments=(image,))
