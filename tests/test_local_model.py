"""A real language model on this machine: real streams over every endpoint of its engine."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from chatterm.config import Stream
from chatterm.config.schema import ProviderConfig
from chatterm.events import StepDelta, StepFinished, TurnFinished
from chatterm.providers.base import Settings
from chatterm.providers.local.engine import Engine
from chatterm.providers.local.provider import LocalProvider
from chatterm.providers.registry import IMPLEMENTED, open_named
from chatterm.session import Prompt, Session
from chatterm.steps import TurnStatus, UserInput
from local_model import WEIGHTS, needs_model, use_weights
from program import Program
from tui.app_driver import Place, place

__all__ = ["place"]
pytestmark = needs_model

ENDPOINTS = ("chat", "responses", "anthropic")


@pytest.fixture
def local(program: Program) -> Program:
    """The program with the weights in its data directory."""
    data = program.home / "data"
    program.env["CHATTERM_DATA_DIR"] = str(data)
    use_weights(data)
    program.configure("[generation]\ntemperature = 0\nmax_output_tokens = 40\n")
    return program


@pytest.fixture
def engine() -> Engine:
    return Engine(WEIGHTS)


def test_it_answers_as_a_stream(local: Program) -> None:
    done = local.run("ask", "-m", "local/smollm2", "--format", "jsonl", "Say hello.")
    assert done.status in (0, 9), done.stderr
    deltas = [event for event in done.events if event["type"] == "step.delta"]
    assert len(deltas) > 3
    (step,) = done.steps
    assert "".join(delta["text"] for delta in deltas) == step["text"]
    usage = done.events[-1]["usage"]
    assert usage["input"] > 10
    assert 0 < usage["output"] <= 40


def test_the_same_question_has_the_same_answer(local: Program) -> None:
    texts = {local.run("ask", "-m", "local", "--no-save", "Count to five.").text for _ in range(2)}
    assert len(texts) == 1
    assert texts != {""}


def test_a_tool_is_called_and_answered(local: Program, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "one.txt").write_text("1\n")
    arguments = ("-m", "local/smollm2", "--format", "jsonl", "-T", "list_files")
    # A tiny model calls a tool when it is told how, word by word.
    wish = (
        "Answer with this text and nothing else:\n<tool_call>\n"
        '{"name": "list_files", "arguments": {"path": "."}}\n</tool_call>'
    )
    done = local.run("ask", *arguments, "--max-rounds", "2", "--cwd", str(work), wish)
    kinds = [step["kind"] for step in done.steps]
    assert kinds[:2] == ["tool_call", "tool_result"], done.stderr
    call, result = done.steps[:2]
    assert call["name"] == "list_files"
    assert isinstance(call["input"], dict)
    assert result["call_id"] == call["call_id"]
    assert "one.txt" in result["content"]
    assert done.steps[-1]["round"] == 1


@pytest.mark.parametrize("protocol", ENDPOINTS)
async def test_every_endpoint_of_its_engine(engine: Engine, protocol: str) -> None:
    if protocol not in IMPLEMENTED:
        pytest.skip(f"this version doesn't speak {protocol}")
    await engine.start()
    settings = ProviderConfig(
        protocol=protocol,  # type: ignore[arg-type]
        base_url=f"{engine.url}/v1",
        api_key_env="ENGINE_KEY",
        auth="bearer",
    )
    provider = open_named("engine", settings, Stream(), environ={"ENGINE_KEY": engine.key})
    session = Session(None, origin="ask")
    try:
        # Without these a small model may go on until its context is full.
        limits = Settings(temperature=0, max_output_tokens=24)
        prompt = Prompt(UserInput("Say hello."), provider, "smollm2", settings=limits)
        events = [event async for event in session.run(prompt)]
    finally:
        await provider.aclose()
        await engine.stop()
    end = events[-1]
    assert isinstance(end, TurnFinished)
    assert end.status in (TurnStatus.COMPLETED, TurnStatus.INCOMPLETE), end.error
    assert end.error is None
    assert sum(isinstance(event, StepDelta) for event in events) > 2
    assert any(isinstance(event, StepFinished) for event in events)


async def test_when_its_engine_dies_the_conversation_goes_on(engine: Engine) -> None:
    await engine.start()
    first = engine.url
    process = engine._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert not engine.running
    await engine.start()
    assert engine.running
    assert engine.url != first
    await engine.stop()
    assert not engine.running


async def test_it_answers_in_the_app(place: Place) -> None:
    use_weights(place.data)
    place.config.write_text(
        "[generation]\ntemperature = 0\nmax_output_tokens = 24\n[tools]\nenabled = []\n"
    )
    async with place.app(model="local/smollm2") as app:
        chosen = app.chat.talk.chosen
        assert chosen is not None
        provider = chosen.provider
        assert isinstance(provider, LocalProvider)
        assert provider.loading
        await app.ask("Say hello.")
        assert not provider.loading
        (turn,) = app.chat.talk.session.turns
        assert turn.steps
        assert app.says("tokens")
        await asyncio.sleep(0)
