"""What a body with status 200 is, beside what the protocols' own tests show."""

from __future__ import annotations

import pytest

from chatterm.assembly import StepWriter
from chatterm.errors import ProviderError
from chatterm.providers.body import Body
from chatterm.providers.chat import ChatDecoder


class Noting(ChatDecoder):
    """Keeps the events that it was given."""

    def __init__(self) -> None:
        super().__init__(StepWriter("t"), "p")
        self.given: list[object] = []

    def event(self, name: str | None, data: object) -> None:
        self.given.append(data)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_text_that_is_no_stream_is_told_however_it_came(size: int) -> None:
    text = b"upstream is away, try again"
    body = Body(Noting(), "p")
    for at in range(0, len(text), size):
        body.feed(text[at : at + size])
    with pytest.raises(ProviderError) as raised:
        body.finish()
    message = "p sent no event stream: it answered with text: upstream is away, try again"
    assert raised.value.failure.message == message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_json_does_not_have_is_null(number: str) -> None:
    decoder = Noting()
    Body(decoder, "p").feed(f'data: {{"a": {number}, "b": [1.5, {number}]}}\n\n'.encode())
    assert decoder.given == [{"a": None, "b": [1.5, None]}]
