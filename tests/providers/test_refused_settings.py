"""A setting that a model refuses is left out, once and for all, and the user is told.

The servers here refuse a request for as long as it has the field that they don't take, in the words
that the real ones have for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind
from chatterm.events import StepFinished
from chatterm.providers.base import ModelRequest, RoundEnd, Settings
from chatterm.providers.http import HttpProvider
from chatterm.providers.registry import wire_protocol
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint
from chatterm.steps import NoticeStep, TextStep, Turn, UserInput
from faultserver import Answer, FaultServer, Received
from wire_replies import turn

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
ALL = Settings(temperature=0.5, effort="high", schema=SCHEMA)


def openai(message: str) -> Any:
    return {"error": {"message": message, "type": "invalid_request_error", "code": None}}


def anthropic(message: str) -> Any:
    error = {"type": "invalid_request_error", "message": message}
    return {"type": "error", "error": error, "request_id": "req_1"}


def gemini(message: str) -> Any:
    return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


def xai(message: str) -> Any:
    return {"code": "Client specified an invalid argument", "error": message}


def ollama(message: str) -> Any:
    return {"error": message}


def fastapi(loc: str) -> Any:
    row = {"type": "extra_forbidden", "loc": ["body", loc], "msg": "Extra inputs are not permitted"}
    return {"detail": [row]}


THINKING = "generationConfig.thinkingConfig"
# protocol, model, the shape of errors, the words, the field that isn't taken, what it is called
REFUSALS: list[tuple[str, str, Callable[[str], Any], str, str, str]] = [
    (
        "chat",
        "gpt-5-mini",
        openai,
        (
            "Unsupported value: 'temperature' does not support 0.5 with this model. "
            "Only the default (1) value is supported."
        ),
        "temperature",
        "temperature",
    ),
    (
        "chat",
        "gpt-4o",
        openai,
        "Unrecognized request argument supplied: reasoning_effort",
        "reasoning_effort",
        "effort",
    ),
    (
        "chat",
        "kimi-thinking",
        openai,
        "Model kimi-thinking: response format `json_schema` is not supported",
        "response_format",
        "schema for the reply",
    ),
    (
        "chat",
        "grok-4",
        xai,
        "Model grok-4 does not support parameter reasoningEffort.",
        "reasoning_effort",
        "effort",
    ),
    ("chat", "m", fastapi, "reasoning_effort", "reasoning_effort", "effort"),
    (
        "responses",
        "o3-mini",
        openai,
        "Unsupported parameter: 'temperature' is not supported with this model.",
        "temperature",
        "temperature",
    ),
    (
        "responses",
        "m",
        openai,
        "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
        "reasoning.effort",
        "effort",
    ),
    (
        "responses",
        "m",
        openai,
        "Encrypted content is not supported with this model.",
        "include",
        "thinking",
    ),
    (
        "responses",
        "m",
        openai,
        "Invalid parameter: 'text.format' of type 'json_schema' is not supported with this model.",
        "text.format",
        "schema for the reply",
    ),
    (
        "anthropic",
        "claude-haiku-4-7",
        anthropic,
        "This model does not support the effort parameter.",
        "output_config.effort",
        "effort",
    ),
    (
        "anthropic",
        "claude-haiku-4-7",
        anthropic,
        "adaptive thinking is not supported on this model",
        "thinking",
        "thinking",
    ),
    (
        "anthropic",
        "claude-haiku-4-7",
        anthropic,
        (
            "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected "
            "tags: 'disabled', 'enabled'"
        ),
        "thinking",
        "thinking",
    ),
    (
        "anthropic",
        "claude-haiku-4-7",
        anthropic,
        "output_config.format: structured outputs are not supported on this model",
        "output_config.format",
        "schema for the reply",
    ),
    (
        "gemini",
        "gemini-3-nano",
        gemini,
        "Thinking level is not supported for this model.",
        f"{THINKING}.thinkingLevel",
        "effort",
    ),
    (
        "gemini",
        "gemini-2.5-flash",
        gemini,
        "The thinking budget (24576) is invalid.",
        f"{THINKING}.thinkingBudget",
        "effort",
    ),
    (
        "gemini",
        "gemini-2.5-tiny",
        gemini,
        "Unable to submit request because thinking is not supported by this model.",
        THINKING,
        "thinking",
    ),
    (
        "gemini",
        "gemini-2.5-tiny",
        gemini,
        "JSON mode is not enabled for models/gemini-2.5-tiny",
        "generationConfig.responseMimeType",
        "schema for the reply",
    ),
    ("ollama", "llama3.2", ollama, '"llama3.2" does not support thinking', "think", "thinking"),
    (
        "ollama",
        "gpt-oss",
        ollama,
        'think value "high" is not supported for this model',
        "think",
        "thinking",
    ),
    (
        "ollama",
        "llama3.2",
        ollama,
        "invalid JSON schema in format: failed to parse grammar",
        "format",
        "schema for the reply",
    ),
]


def value(body: Any, field: str) -> Any:
    """What a request has in a field; None where it has nothing."""
    return reduce(lambda part, name: (part or {}).get(name), field.split("."), body)


class Asking:
    """A provider that is open, and what it was asked."""

    def __init__(self, server: FaultServer, protocol: str) -> None:
        self.server = server
        self.protocol = protocol
        self.provider = HttpProvider(
            wire_protocol(protocol), Endpoint("acme", server.url), Transport()
        )
        self.steps: list[Any] = []

    async def ask(self, model: str, settings: Settings = ALL) -> RoundEnd:
        asked = Turn("t", UserInput("hello"), f"acme/{model}")
        request = ModelRequest(model, (asked,), settings=settings)
        items = [i async for i in self.provider.stream(request, StepWriter("t"))]
        self.steps = [item.step for item in items if isinstance(item, StepFinished)]
        assert isinstance(items[-1], RoundEnd)
        return items[-1]

    def refuse(self, status: int = 400, **errors: Any) -> None:
        """Answer with an error for as long as a request has its field (with __ for dots)."""
        [good] = turn(self.protocol)

        def answer(request: Received) -> Answer:
            for field, error in errors.items():
                if value(request.json, field.replace("__", ".")) is not None:
                    return Answer(json.dumps(error).encode(), status=status)
            return Answer(good)

        self.server.script(answer)

    @property
    def bodies(self) -> list[Any]:
        return [request.json for request in self.server.requests]

    @property
    def notices(self) -> list[tuple[str, str | None]]:
        return [(s.reason, s.text) for s in self.steps if isinstance(s, NoticeStep)]

    @property
    def text(self) -> str:
        return "".join(step.text for step in self.steps if isinstance(step, TextStep))


@asynccontextmanager
async def asking(server: FaultServer, protocol: str):
    asked = Asking(server, protocol)
    try:
        yield asked
    finally:
        await asked.provider.aclose()


@pytest.mark.parametrize(("protocol", "model", "shape", "words", "field", "name"), REFUSALS)
async def test_a_setting_that_is_refused_is_left_out(
    server: FaultServer,
    protocol: str,
    model: str,
    shape: Callable[[str], Any],
    words: str,
    field: str,
    name: str,
) -> None:
    settings = ALL if protocol != "gemini" or "schema" in name else replace(ALL, schema=None)
    async with asking(server, protocol) as asked:
        asked.refuse(422 if shape is fastapi else 400, **{field.replace(".", "__"): shape(words)})
        end = await asked.ask(model, settings)
        assert end.failure is None
        assert asked.text == "Done."
        [(reason, told)] = asked.notices
        assert reason == "recovered"
        assert told is not None
        assert words in told
        assert told.endswith(f"trying again without the {name}")
        first, second = asked.bodies
        assert value(first, field) is not None
        assert value(second, field) is None
        # It is remembered, without another word.
        assert (await asked.ask(model, settings)).failure is None
        assert asked.bodies[2:] == [second]
        assert asked.notices == []


async def test_each_setting_is_left_out_once(server: FaultServer) -> None:
    async with asking(server, "chat") as asked:
        asked.refuse(
            temperature=openai("Unsupported parameter: 'temperature'"),
            reasoning_effort=openai("Unsupported parameter: 'reasoning_effort'"),
        )
        assert (await asked.ask("m")).failure is None
        assert len(asked.bodies) == 3
        assert len(asked.notices) == 2
        assert "response_format" in asked.bodies[-1]


async def test_another_model_is_asked_with_all_of_them(server: FaultServer) -> None:
    async with asking(server, "chat") as asked:
        asked.refuse(temperature=openai("Unsupported parameter: 'temperature'"))
        await asked.ask("m")
        await asked.ask("n")
        assert [body.get("temperature") for body in asked.bodies] == [0.5, None, 0.5, None]


@pytest.mark.parametrize(
    ("protocol", "error"),
    [
        ("chat", openai("Invalid 'temperature': it's too cold here")),  # whatever is sent
        ("chat", openai("Unsupported parameter: 'parallel_tool_calls'")),
        ("chat", openai("Invalid schema for function 'a': invalid JSON schema")),
        ("chat", openai("The reasoning_content in the thinking mode must be passed back")),
        ("anthropic", anthropic("messages.1.content.0: Invalid `signature` in `thinking` block")),
        ("anthropic", anthropic("tools.0.custom.input_schema: JSON schema is invalid")),
        ("gemini", gemini("Function call is missing a thought_signature in thinking mode")),
        ("ollama", ollama('"thinking" does not support tools')),
    ],
)
async def test_what_is_no_refusal_of_a_setting_stays_an_error(
    server: FaultServer, protocol: str, error: Any
) -> None:
    async with asking(server, protocol) as asked:
        asked.refuse(model=error, contents=error, messages=error)
        end = await asked.ask("thinking")
        assert end.failure is not None
        assert end.failure.kind is ErrorKind.BAD_REQUEST
        tries = 2 if "temperature" in json.dumps(error) else 1
        assert len(asked.bodies) == tries
        assert len(asked.notices) == tries - 1


async def test_other_errors_that_name_a_setting_are_no_refusals(server: FaultServer) -> None:
    async with asking(server, "chat") as asked:
        asked.refuse(401, model=openai("Invalid key: temperature is not allowed"))
        end = await asked.ask("m")
        assert end.failure is not None
        assert end.failure.kind is ErrorKind.KEY_REJECTED
        assert len(asked.bodies) == 1
