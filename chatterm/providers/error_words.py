"""Reading what an error says: its words, codes and ids, wherever a provider put them. Pure.

Words are shortened here, so that secrets have to be taken out before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from chatterm.providers.decoding import mapping, sequence, text_of

MAX_WORDS = 1000  # characters of the provider's own words in a message

_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id", "x-generation-id")
_CODE_FIELDS = ("code", "type", "status", "error_type", "reason", "error_code")
_STATUS_FIELDS = ("status_code", "http_status", "http_status_code", "status", "code")


class Said:
    """What could be read from an error, wherever it stood."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.codes: set[str] = set()
        self.status: int | None = None
        self.request_id: str | None = None
        self.retry_delay = ""
        self.quotas = ""

    @property
    def message(self) -> str:
        """All its words, cut to a bearable length."""
        return shortened("; ".join(self.words))


def read_body(body: bytes) -> Said:
    """What a body says, of any content type and as much of it as there is."""
    said = Said()
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    event = re.match(_EVENT_DATA, text)
    if event:  # some servers frame their errors too
        text = event[1]
    try:
        _read_error(json.loads(text), said)
    except (ValueError, RecursionError):
        _add_words(said, text)
    return said


def read_error(data: Any) -> Said:
    """What an error object, or only a text, says."""
    said = Said()
    _read_error(data, said)
    return said


def _read_error(data: Any, said: Said, depth: int = 0) -> None:
    """Read an error object, and those it wraps, into `said`."""
    if isinstance(data, str):
        _read_text(data, said, depth)
        return
    if depth > 4:
        return
    if isinstance(data, list):
        for item in data[:5]:
            _read_error(item, said, depth + 1)
    if not isinstance(data, dict):
        return
    _read_codes(data, said)
    if isinstance(data.get("msg"), str) and isinstance(data.get("loc"), list):  # FastAPI
        where = ".".join(str(part) for part in data["loc"])
        _add_words(said, f"{where}: {data['msg']}")
        return
    for name in ("error", "message", "msg", "detail", "response", "cause", "error_description"):
        _read_error(data.get(name), said, depth + 1)
    if not said.words:
        for name in ("errors", "content", "description", "title"):
            _read_error(data.get(name), said, depth + 1)
    _read_metadata(data, said, depth)
    _read_details(sequence(data.get("details")), said)


def _read_text(text: str, said: Said, depth: int) -> None:
    # Some gateways pass the error they got on as a text: JSON in a string.
    if text.lstrip()[:1] in ("{", "[") and depth <= 4:
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, dict | list):
            before = len(said.words)
            _read_error(inner, said, depth + 1)
            if len(said.words) > before:
                return
    _add_words(said, text)


def _add_words(said: Said, text: str) -> None:
    words = plain_words(text)
    if words and not any(words in other for other in said.words):
        said.words.append(words)


def _read_codes(data: Mapping[str, Any], said: Said) -> None:
    for name in _CODE_FIELDS:
        value = data.get(name)
        if isinstance(value, str) and value:
            said.codes.add(re.sub(r"[\s-]+", "_", value.strip().lower()))
    for name in _STATUS_FIELDS:
        value = data.get(name)
        if isinstance(value, str) and value.isdecimal() and len(value) == 3:
            value = int(value)
        if said.status is None and type(value) is int and 400 <= value <= 599:
            said.status = value
    ids = [data.get("request_id")]
    if "message" in data and "error" not in data and "code" not in data:
        ids.append(data.get("id"))  # Cohere's
    said.request_id = said.request_id or next((i for i in ids if isinstance(i, str) and i), None)


def _read_metadata(data: Mapping[str, Any], said: Said, depth: int) -> None:
    metadata = mapping(data.get("metadata"))
    for name in ("raw", "reasons"):  # OpenRouter: what the provider behind it said
        _read_error(metadata.get(name), said, depth + 1)
    _read_codes({"error_type": metadata.get("error_type")}, said)
    behind = text_of(metadata.get("provider_name"))
    if behind and said.words and metadata.get("raw"):
        said.words[-1] = f"{behind}: {said.words[-1]}"
    generation = text_of(data.get("failed_generation"))
    if generation:  # Groq: what the model wrote that wasn't a valid call
        _add_words(said, f"the model had written: {shortened(' '.join(generation.split()), 400)}")


def _read_details(details: list[Any], said: Said) -> None:
    for detail in details:
        row = mapping(detail)
        said.retry_delay = said.retry_delay or text_of(row.get("retryDelay"))
        if text_of(row.get("reason")):
            said.codes.add(row["reason"].lower())
        for violation in sequence(row.get("violations")):
            said.quotas += " " + text_of(mapping(violation).get("quotaId"))


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """The id that a provider gave the request, by which it can be asked about it."""
    lower = lower_names(headers)
    return next((lower[name] for name in _REQUEST_ID_HEADERS if lower.get(name)), None)


_EVENT_DATA = r"\s*(?:event:[^\r\n]*[\r\n]+)?data:([^\r\n]*)"


def plain_words(text: str) -> str:
    """A text of a provider's as one bounded line; of a web page only its title.

    Bytes that were no text are named as that.
    """
    start = text[:4000]
    if (start.count("\0") + start.count("\ufffd")) * 4 > len(start):
        return _NO_TEXT
    if says(_MARKUP, text[:4000]):
        return page_words(text)
    return shortened(" ".join(text[: MAX_WORDS * 2].split()))


def page_words(page: str) -> str:
    """What to say of an answer that is a web page: its title where it has one."""
    import html  # rarely needed

    found = re.search(_TITLE, page[:20_000], re.IGNORECASE)
    title = " ".join(html.unescape(found[1]).split()) if found else ""
    plain = title and not says(_MARKUP, title)
    return f"it answered with a web page ({shortened(title, 200)})" if plain else _A_PAGE


def shortened(text: str, limit: int = MAX_WORDS) -> str:
    """The text, cut to a number of characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


_NO_TEXT = "it answered with something that isn't text"
_A_PAGE = "it answered with a web page"
_TITLE = r"<title[^>]{0,200}>([^<]{1,1000})"
_MARKUP = (
    r"<(!doctype|\?xml|/?(html|head|body|title|center|h[1-6]|div|script|style|meta|p|br|hr)\b)"
)


def says(pattern: str, words: str) -> bool:
    """Whether the words match a pattern."""
    return re.search(pattern, words, re.IGNORECASE | re.DOTALL) is not None


def lower_names(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}
