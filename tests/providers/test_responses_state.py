"""Going on from what a Responses server keeps, over real HTTP: never from anything else.

The server holds each request together with what it keeps of the response that the request goes on
from, and checks that every call and approval in the whole has its answer.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from chatterm.agent.calls import Answered, CallAnswer, CallEvent, NoTools
from chatterm.providers.base import ModelRequest, ToolSpec
from chatterm.providers.http import HttpProvider
from chatterm.providers.registry import wire_protocol
from chatterm.providers.responses_input import input_of
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint
from chatterm.session import Prompt, Session
from chatterm.steps import NoticeStep, ToolCallStep, UserInput
from chatterm.store import Store
from faultserver import Answer, FaultServer, Reset, sse
from responses_server import KeptResponses, call, message, thought


@pytest.fixture
def other() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


class Tools(NoTools):
    """Answers each call with its arguments."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return (ToolSpec("add", "Add two numbers.", {"type": "object", "properties": {}}),)

    async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        for each in calls:
            yield Answered(each, CallAnswer(f"result of {each.arguments}"))


def provider(server: FaultServer, name: str = "p", **settings: Any) -> HttpProvider:
    endpoint = Endpoint(name, server.url, **{"server_state": True} | settings)
    return HttpProvider(wire_protocol("responses"), endpoint, Transport())


async def say(session: Session, asked: HttpProvider, words: str, model: str = "gpt-5") -> list[Any]:
    """Run a turn; its notices."""
    prompt = Prompt(UserInput(words), asked, model, system="Be exact.")
    async for _ in session.run(prompt, calls=Tools()):
        pass
    return [step for step in session.turns[-1].steps if isinstance(step, NoticeStep)]


def users(body: dict[str, Any]) -> list[str]:
    return [item["content"] for item in body["input"] if item.get("role") == "user"]


async def test_only_what_the_server_does_not_hold_is_sent(server: FaultServer) -> None:
    kept = KeptResponses(
        [[thought("hm"), call("add", a=1), call("add", a=2)], [message("Three.")], [message("Ok.")]]
    )
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server)
    await say(session, asked, "add, please")
    await say(session, asked, "thanks")
    await asked.aclose()
    first, second, third = kept.asked
    assert "previous_response_id" not in first
    assert second["previous_response_id"] == "resp_1"
    assert [item["type"] for item in second["input"]] == ["function_call_output"] * 2
    assert third["previous_response_id"] == "resp_2"
    assert third["input"] == [{"role": "user", "content": "thanks"}]
    for body in kept.asked:
        assert body["store"] is True
        assert body["instructions"] == "Be exact."
        assert [tool["name"] for tool in body["tools"]] == ["add"]


async def test_what_the_server_holds_is_what_would_have_been_sent(server: FaultServer) -> None:
    kept = KeptResponses([[thought("hm"), call("add", a=1)], [message("One.")], [message("Ok.")]])
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server)
    for words in ("add, please", "thanks", "and now?"):
        await say(session, asked, words)
    await asked.aclose()
    whole = input_of(ModelRequest("gpt-5", session.turns), "p").items
    assert kept.kept["resp_4"] == whole


async def test_a_resumed_conversation_goes_on_from_the_server_s_answer(
    server: FaultServer, tmp_path: Path
) -> None:
    kept = KeptResponses([[message("One.")], [message("Two.")]])
    server.script(kept)
    with Store.open(tmp_path) as store:
        session, asked = Session(store, origin="app"), provider(server)
        await say(session, asked, "first")
        await asked.aclose()
        id_ = session.id
    with Store.open(tmp_path) as store:
        session, asked = Session.resume(store, store.find(id_)), provider(server)
        await say(session, asked, "second")
        await asked.aclose()
    assert kept.asked[1]["previous_response_id"] == "resp_1"
    assert users(kept.asked[1]) == ["second"]


async def test_a_branch_goes_on_from_the_answer_it_follows(server: FaultServer) -> None:
    kept = KeptResponses([[message("One.")], [message("Two.")], [message("Other.")]])
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server)
    await say(session, asked, "first")
    before = session.head
    await say(session, asked, "second")
    session.rewind(before)
    await say(session, asked, "second, otherwise")
    session.rewind(None)
    await say(session, asked, "first, otherwise")
    await asked.aclose()
    assert [body.get("previous_response_id") for body in kept.asked] == [
        None,
        "resp_1",
        "resp_1",
        None,
    ]
    assert users(kept.asked[2]) == ["second, otherwise"]


async def test_turns_with_another_provider_since_are_sent(
    server: FaultServer, other: FaultServer
) -> None:
    kept = KeptResponses([[message("One.")], [message("Three.")]])
    server.script(kept)
    other.script(KeptResponses([[message("Two.")]]))
    session, asked, elsewhere = Session(None, origin="app"), provider(server), provider(other, "q")
    await say(session, asked, "first")
    await say(session, elsewhere, "second")
    await say(session, asked, "third")
    await asked.aclose()
    await elsewhere.aclose()
    last = kept.asked[1]
    assert last["previous_response_id"] == "resp_1"
    assert users(last) == ["second", "third"]
    assert [item.get("role") for item in last["input"]] == ["user", "assistant", "user"]


async def test_a_compacted_conversation_is_sent_anew(server: FaultServer) -> None:
    kept = KeptResponses([[message(f"{n}.")] for n in ("One", "Two", "A summary", "Three", "Four")])
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server)
    await say(session, asked, "first " * 400)
    await say(session, asked, "second")
    async for _ in session.compact(Prompt(UserInput(""), asked, "gpt-5")):
        pass
    await say(session, asked, "third")
    await say(session, asked, "fourth")
    await asked.aclose()
    third, fourth = kept.asked[3:]
    assert "previous_response_id" not in third
    assert "A summary." in users(third)[0]
    assert fourth["previous_response_id"] == "resp_4"
    assert users(fourth) == ["fourth"]


async def test_another_kind_of_model_is_sent_all(server: FaultServer) -> None:
    kept = KeptResponses([[thought("hm"), message("One.")], [message("Two.")]])
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server)
    await say(session, asked, "first")
    await say(session, asked, "second", model="gpt-4.1")
    await asked.aclose()
    assert "previous_response_id" not in kept.asked[1]
    assert all(item.get("type") != "reasoning" for item in kept.asked[1]["input"])


def refusal(status: int, **error: str) -> Answer:
    body = json.dumps({"error": {"type": "invalid_request_error", **error}}).encode()
    return Answer(body, status, {"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (None, "no longer has the answer"),
        (refusal(404, message="Not Found"), "no longer has the answer"),
        (
            refusal(400, message="llama.cpp does not support 'previous_response_id'."),
            "doesn't go on from its own answers",
        ),
        (
            refusal(
                400,
                message="Previous response cannot be used for this organization due to Zero Data "
                "Retention.",
            ),
            "doesn't go on from its own answers",
        ),
    ],
)
async def test_an_answer_that_is_gone_is_made_up_for_by_sending_everything(
    server: FaultServer, refused: Answer | None, words: str
) -> None:
    kept = KeptResponses([[message("One.")], [message("Two.")], [message("Three.")]])
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server)
    await say(session, asked, "first")
    if refused is None:
        kept.forget()
    kept.refuses = refused
    (notice,) = await say(session, asked, "second")
    assert notice.reason == "recovered"
    assert words in notice.text
    assert users(kept.asked[1]) == ["first", "second"]
    kept.refuses = None
    assert await say(session, asked, "third") == []
    await asked.aclose()
    forgetful = "own answers" in words
    assert ("previous_response_id" in kept.asked[2]) is not forgetful
    assert users(kept.asked[2]) == (["first", "second", "third"] if forgetful else ["third"])


async def test_an_unknown_model_is_said_to_be_one(server: FaultServer) -> None:
    kept = KeptResponses([[message("One.")]])
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server)
    await say(session, asked, "first")
    kept.refuses = refusal(404, message="The model `gpt-9` does not exist", code="model_not_found")
    assert await say(session, asked, "second", model="gpt-9") == []
    await asked.aclose()


async def test_an_answer_that_broke_off_is_not_gone_on_from(server: FaultServer) -> None:
    def cut(_: Any, data: bytes) -> list[Any]:
        if b"resp_2" not in data:
            return [data]
        return [data[: data.index(b"response.completed") - 40], Reset()]

    kept = KeptResponses([[message("One.")], [message("Two, cut")], [message("Three.")]], cut)
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server)
    await say(session, asked, "first")
    await say(session, asked, "second")
    await say(session, asked, "third")
    await asked.aclose()
    last = kept.asked[2]
    assert last["previous_response_id"] == "resp_1"
    assert users(last) == ["second", "third"]
    assert last["input"][1]["content"][0]["text"] == "Two, cut"


async def test_a_server_that_is_not_to_keep_anything_is_told_so(server: FaultServer) -> None:
    kept = KeptResponses([[message("One.")], [message("Two.")]])
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server, server_state=False)
    await say(session, asked, "first")
    await say(session, asked, "second")
    await asked.aclose()
    assert [body["store"] for body in kept.asked] == [False, False]
    assert users(kept.asked[1]) == ["first", "second"]
    assert all("response" not in (s.opaque or {}) for t in session.turns for s in t.steps)


async def test_the_configuration_s_tools_stand_beside_ours(server: FaultServer) -> None:
    shop = {"type": "mcp", "server_label": "shop", "server_url": "https://shop.example/mcp"}
    own = {"type": "function", "name": "add", "parameters": {}, "description": "their own"}
    kept = KeptResponses([[message("One.")]])
    server.script(kept)
    session, asked = Session(None, origin="app"), provider(server, body={"tools": [shop, own]})
    await say(session, asked, "first")
    await asked.aclose()
    assert kept.asked[0]["tools"] == [shop, own], "one of theirs replaces ours of that name"
    asked = provider(server, body={"tools": [shop]})
    await say(session, asked, "second")
    await asked.aclose()
    assert [tool.get("name", "shop") for tool in kept.asked[1]["tools"]] == ["add", "shop"]


async def test_a_server_without_ids_is_told_everything(server: FaultServer) -> None:
    delta = {"type": "response.output_text.delta", "output_index": 0, "delta": "Hello."}
    end = {"type": "response.completed", "response": {"status": "completed"}}
    server.script(Answer(sse(json.dumps(delta), json.dumps(end))))
    session, asked = Session(None, origin="app"), provider(server)
    await say(session, asked, "first")
    await say(session, asked, "second")
    await asked.aclose()
    assert users(server.requests[1].json) == ["first", "second"]
