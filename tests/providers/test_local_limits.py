"""What a local model is asked: its replies have an end, and it is known when it reads."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from chatterm.assembly import StepWriter
from chatterm.events import Event
from chatterm.providers.base import ModelRequest, Provider, RoundEnd, Settings
from chatterm.providers.demo import DemoProvider
from chatterm.providers.local.provider import MOST_TOKENS, LocalProvider
from chatterm.providers.script import parse


class Heard:
    """Stands in for what asks the engine."""

    def __init__(self) -> None:
        self.limits: list[int | None] = []

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        self.limits.append(request.settings.max_output_tokens)
        async for item in DemoProvider("p", parse("text: Hello."), pace=0).stream(request, writer):
            yield item


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    heard = Heard()

    async def ready(*_: Any) -> Provider:
        return cast("Provider", heard)

    monkeypatch.setattr(LocalProvider, "_ready", ready)
    return heard


@pytest.mark.parametrize(("wished", "asked"), [(None, MOST_TOKENS), (50, 50), (4000, 4000)])
async def test_a_reply_has_an_end_unless_another_is_wished_for(
    heard: Heard, wished: int | None, asked: int
) -> None:
    provider = LocalProvider("local", lambda _url, _key: cast("Provider", heard))
    request = ModelRequest("smollm2", (), settings=Settings(max_output_tokens=wished))
    reading = [
        (getattr(item, "type", "end"), provider.reads)
        async for item in provider.stream(request, StepWriter("t"))
    ]
    assert heard.limits == [asked]
    assert not provider.reads
    assert ("step.started", False) in reading
