"""What a body with status 200 turns out to be: an event stream, JSON, a web page, or only text."""

from __future__ import annotations

import codecs
import logging
import re
from contextlib import suppress
from typing import Any

from chatterm.errors import ErrorKind, Failure, ProviderError
from chatterm.providers.decoding import Decoder, TextReader, parse_json
from chatterm.providers.error_words import page_words, plain_words, shortened
from chatterm.providers.failures import error_in, failure_of_error
from chatterm.providers.sse import (
    Framed,
    Framer,
    JsonFramer,
    Shape,
    SseFramer,
    shape_of,
    text_shape_of,
)
from chatterm.redaction import Redactor

log = logging.getLogger("chatterm.providers")

PAGE_LIMIT = 64 * 1024  # of a web page no more is read
_TOLD = 4096  # bytes of a text that is no reply, of which the beginning is told
_DEEPEST = 200  # levels of JSON


class Body:
    """Finds out what a body with status 200 is, and feeds a decoder with its events.

    Args:
        decoder: Reads the events.
        provider: The user's name for the provider, for messages.
        status: The HTTP status.
        redactor: Takes the secrets out of what is told of errors.
    """

    def __init__(
        self,
        decoder: Decoder,
        provider: str,
        status: int = 200,
        redactor: Redactor | None = None,
    ) -> None:
        self.provider = provider
        self._decoder = decoder
        self._status = status
        self._redact = redactor or Redactor()
        self._start = b""
        self._shape: Shape | None = None
        self._framer: Framer = SseFramer()
        self._first = True
        self._passed_over = False
        self._text = _TextFeed(decoder) if isinstance(decoder, TextReader) else None

    def feed(self, chunk: bytes) -> bool:
        """Read a piece of the body; whether there was a sign of life in it.

        Raises:
            ProviderError: The body isn't a reply.
        """
        if self._text is not None and self._shape is Shape.TEXT:
            self._text.feed(chunk)
            return bool(chunk)
        begins = self._shape is None or self._shape is Shape.PAGE
        if begins:
            self._start += chunk
            self._shape = self._shape_of(self._start)
            if self._shape is None and len(self._start) < _TOLD:
                return False
            if self._shape is Shape.PAGE:
                if len(self._start) > PAGE_LIMIT:
                    raise ProviderError(self._no_stream())
                return False
            if self._shape is Shape.JSON:
                self._framer = JsonFramer()
            self._shape = self._shape or Shape.EVENTS
            chunk = self._start
            if self._shape is Shape.TEXT:
                return self.feed(chunk)
        framer = self._framer
        signs = framer.signs
        if not signs and not begins and len(self._start) < _TOLD:
            self._start += chunk
        self._decode(framer.feed(chunk))
        return framer.signs != signs

    def finish(self) -> None:
        """The body is whole.

        Raises:
            ProviderError: It wasn't a reply.
        """
        if self._shape is Shape.PAGE:
            raise ProviderError(self._no_stream())
        if self._text is not None and self._shape is Shape.TEXT:
            self._text.feed(b"", final=True)
            return
        if self._text is not None and self._shape is None:
            if self._start.decode(
                "utf-8-sig", "replace"
            ).strip():  # so short that it could still have become a field's name
                self._text.feed(self._start, final=True)
            return
        self._decode(self._framer.finish())
        if self._shape is Shape.EVENTS and not self._framer.signs:
            raise ProviderError(self._no_stream())

    def salvage(self) -> None:
        """The body was cut off: read what of it can be."""
        if self._text is not None and self._shape is Shape.TEXT:
            return
        self._passed_over = True  # half an event is no news
        with suppress(ProviderError):
            self._decode(self._framer.finish())

    def _shape_of(self, start: bytes) -> Shape | None:
        if self._text is None:
            return shape_of(start)
        return Shape.TEXT if self._text.asked_for else text_shape_of(start)

    def _decode(self, framed: list[Framed]) -> None:
        decoder = self._decoder
        for name, text in framed:
            if decoder.ended:
                return
            if not text or text.isspace():
                continue
            if text == "[DONE]" or text.strip() == "[DONE]":
                decoder.event(name, "[DONE]")
                continue
            try:
                data = parse_json(text)
            except (ValueError, RecursionError):
                self._decode_other(name, text)
                continue
            if nested_too_deeply(text):
                self._pass_over(len(text))
                continue
            if self._redact.finds(text):
                data = self._without_secrets(name, data)
            if self._shape is Shape.JSON:
                self._decode_json(data)
            else:
                decoder.event(name, data)

    def _decode_other(self, name: str | None, text: str) -> None:
        # What isn't JSON as a whole may still be an error in plain words, or events between which
        # the server left out the blank line (often the one before [DONE]).
        lines = text.split("\n")
        if name == "error" and not text.lstrip().startswith(("{", "[")):
            self._decoder.event(name, {"message": self._redact(text)})
        elif len(lines) > 1 and all(map(_is_event, lines)):
            self._decode([(name, line) for line in lines])
        else:
            self._pass_over(len(text))

    def _decode_json(self, data: Any) -> None:
        # Not an event stream: lines of JSON, or all there is in one value, which may be an error.
        # A whole response of the Responses protocol says itself how it failed.
        whole = isinstance(data, dict) and data.get("object") == "response"
        error = error_in(data) if self._first and not whole else None
        self._first = False
        if error is not None:
            failure = failure_of_error(error, status=self._status, provider=self.provider)
            raise ProviderError(failure)
        for value in data if isinstance(data, list) else [data]:
            if not self._decoder.ended:
                self._decoder.event(None, value)

    def _without_secrets(self, name: str | None, data: Any) -> Any:
        # Only what is an error, and before anybody shortens it: the reply itself stays as it is.
        if isinstance(data, list):
            return [self._without_secrets(name, item) for item in data]
        if not isinstance(data, dict):
            return data
        words = (name, data.get("type"), data.get("event"))
        if error_in(data) or any(isinstance(w, str) and w.endswith("error") for w in words):
            return self._redact.value(data)
        return {key: self._without_secrets(key, value) for key, value in data.items()}

    def _pass_over(self, length: int) -> None:
        level = logging.DEBUG if self._passed_over else logging.WARNING
        self._passed_over = True
        log.log(level, "%s: passed over an event of %d characters", self.provider, length)

    def _no_stream(self) -> Failure:
        text = self._redact.partial(self._start.decode("utf-8", "replace"))
        what = page_words(text)
        if self._shape is not Shape.PAGE:
            what = f"it answered with text: {shortened(plain_words(text), 200)}"
        return Failure(
            ErrorKind.STREAM_INVALID,
            f"{self.provider} sent no event stream: {what}",
            self._status,
            hint="check base_url: it may lack a path such as /v1",
        )


class _TextFeed:
    """Feeds a decoder with a body that is the answer as it is."""

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")("replace")

    @property
    def asked_for(self) -> bool:
        return self._reader.plain

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        if text := self._utf8.decode(chunk, final):
            self._reader.text(text)


def _is_event(line: str) -> bool:
    """Whether a line of data is an event by itself."""
    if line.strip() in ("", "[DONE]"):
        return True
    try:
        return isinstance(parse_json(line), dict)
    except (ValueError, RecursionError):
        return False


def nested_too_deeply(text: str) -> bool:
    """Whether JSON is nested deeper than any protocol's is.

    What can just be parsed can't be walked or written again within the interpreter's limit.
    """
    if text.count("{") + text.count("[") <= _DEEPEST:
        return False
    depth = 0
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[][{}]', text):
        sign = match.group()
        depth += (sign in "{[") - (sign in "}]")
        if depth > _DEEPEST:
            return True
    return False
