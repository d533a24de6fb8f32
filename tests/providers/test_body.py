"""What a body with status 200 is, beside what the protocols' own tests show."""

from __future__ import annotations

import pytest

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, ProviderError
from chatterm.providers.body import Body
from chatterm.providers.chat import ChatDecoder
from chatterm.redaction import REDACTED, Redactor


class Noting(ChatDecoder):
    """Keeps the events that it was given."""

    def __init__(self) -> None:
        super().__init__(StepWriter("t"), "p")
        self.given: list[object] = []

    def event(self, name: str | None, data: object) -> None:
        self.given.append(data)


@pytest.mark.parametrize("said", ["upstream is away, try again", '""" is all there is'])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_text_that_is_no_stream_is_told_however_it_came(size: int, said: str) -> None:
    text = said.encode()
    body = Body(Noting(), "p")
    for at in range(0, len(text), size):
        body.feed(text[at : at + size])
    with pytest.raises(ProviderError) as raised:
        body.finish()
    message = f"p sent no event stream: it answered with text: {said}"
    assert raised.value.failure.message == message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_json_does_not_have_is_null(number: str) -> None:
    decoder = Noting()
    Body(decoder, "p").feed(f'data: {{"a": {number}, "b": [1.5, {number}]}}\n\n'.encode())
    assert decoder.given == [{"a": None, "b": [1.5, None]}]


@pytest.mark.parametrize("size", [1, 1000])
def test_events_without_the_blank_line_between_them_are_taken_apart(size: int) -> None:
    text = b'data: {"a": 1}\n\ndata: {"a": 2}\ndata: [DONE]\n\ndata: {"a": 3}\ndata: {"a"\n\n'
    decoder = Noting()
    body = Body(decoder, "p")
    for at in range(0, len(text), size):
        body.feed(text[at : at + size])
    assert decoder.given == [{"a": 1}, {"a": 2}, "[DONE]"]


def test_one_value_on_several_lines_is_one_event() -> None:
    decoder = Noting()
    Body(decoder, "p").feed(b'data: {"a":\ndata: {"b": 1}\ndata: }\n\n')
    assert decoder.given == [{"a": {"b": 1}}]


def test_an_error_event_in_plain_words_is_an_error() -> None:
    decoder = ChatDecoder(StepWriter("t"), "p")
    redactor = Redactor(["a-long-secret"])
    Body(decoder, "p", redactor=redactor).feed(b"event: error\ndata: gone with a-long-secret\n\n")
    failure = decoder.close().failure
    assert failure is not None
    assert failure.kind is ErrorKind.SERVER
    assert failure.message == f"p had an error of its own: gone with {REDACTED}"


def test_half_an_error_event_is_no_news() -> None:
    decoder = Noting()
    body = Body(decoder, "p")
    body.feed(b'event: error\ndata: {"error": {"mess')
    body.salvage()
    assert decoder.given == []
