"""What servers say of the conversations they keep, in the shapes of all their versions."""

from __future__ import annotations

from typing import Any

import pytest

from chatterm.assembly import StepWriter
from chatterm.providers.keeper import Keeper
from chatterm.providers.kept import KeptConversation, KeptTurn
from chatterm.providers.lightspeed_request import LightspeedProtocol
from chatterm.providers.luxx_request import LuxxProtocol
from chatterm.providers.server_threads import Threads, kept_in
from chatterm.providers.wire import Endpoint, HttpRequest, KeepsConversations
from chatterm.steps import (
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    UserInput,
)

HERE = Endpoint("p", "http://h")


async def unasked(request: HttpRequest, doing: str) -> Any:
    raise AssertionError(f"{doing}: {request.url}")


def steps(protocol: Any, turn: KeptTurn) -> list[Step]:
    """The steps of a turn's answer."""
    keeper = Keeper(protocol, protocol, HERE, unasked)
    return keeper.answer(turn, StepWriter("t"))[0]


def texts(protocol: Any, turn: KeptTurn) -> list[tuple[str, str]]:
    """The kinds of the steps, and what they say."""
    found = []
    for step in steps(protocol, turn):
        match step:
            case ThinkingStep() | TextStep():
                found.append((step.kind, step.text))
            case ToolCallStep():
                found.append((f"{step.kind} {step.call_id}", step.arguments))
            case ToolResultStep():
                found.append((f"{step.kind} {step.call_id}", step.content))
    return found


# --- Lightspeed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "url"),
    [("http://h", "http://h/v1/conversations"), ("http://h/v1", "http://h/v1/conversations")],
)
def test_lightspeeds_addresses(base: str, url: str) -> None:
    protocol, where = LightspeedProtocol(), Endpoint("p", base, "key")
    assert isinstance(protocol, KeepsConversations)
    asked = protocol.conversations_request(where)
    assert (asked.method, asked.url) == ("GET", url)
    assert asked.headers["Authorization"] == "Bearer key"
    assert protocol.turns_request("a/../b?c", where).url == f"{url}/a%2F..%2Fb%3Fc"
    renaming = protocol.renaming_request("c", "New", where)
    assert (renaming.method, renaming.body) == ("PUT", {"topic_summary": "New"})
    assert protocol.deleting_request("c", where).method == "DELETE"


def test_lists_of_lightspeeds_versions() -> None:
    second = {
        "conversation_id": "b",
        "topic_summary": None,
        "last_message_timestamp": 1767603600.5,
    }
    first = {
        "conversation_id": "a",
        "created_at": "2026-01-05T08:00:00Z",
        "last_message_at": "2026-01-05T08:30:00+00:00",
        "message_count": 3,
        "last_used_model": "google/gemini",
        "last_used_provider": "google",
    }
    page = {"conversations": [first, second, "what", {"conversation_id": None}, first]}
    assert LightspeedProtocol().read_conversations([page]) == [
        KeptConversation("b", "", "", "2026-01-05T09:00:00.500Z"),
        KeptConversation(
            "a",
            "",
            "2026-01-05T08:00:00.000Z",
            "2026-01-05T08:30:00.000Z",
            3,
            "google/gemini",
        ),
    ]


@pytest.mark.parametrize("data", [None, [], {}, "no", {"conversations": {"a": 1}}, [[[]]]])
@pytest.mark.parametrize("protocol", [LightspeedProtocol(), LuxxProtocol()])
def test_what_is_no_list_is_an_empty_one(protocol: Any, data: Any) -> None:
    assert protocol.read_conversations([data]) == []
    assert protocol.read_turns([data]) == []


def test_messages_of_old_lightspeeds_come_in_parts() -> None:
    row = {
        "messages": [
            {"content": "Be brief.", "type": "system"},
            {"content": [{"type": "text", "text": "Hello"}, "there"], "type": "user"},
            {"content": {"type": "text", "text": "Hi."}, "type": "assistant"},
        ],
        "started_at": "2026-01-05T08:00:00.250000+01:00",
        "completed_at": "2026-01-05T07:00:09Z",
    }
    (turn,) = LightspeedProtocol().read_turns([{"chat_history": [row, {}, 7]}])
    assert (turn.asked, turn.model) == ("Hello\n\nthere", "")
    assert (turn.at, turn.ended_at) == ("2026-01-05T07:00:00.250Z", "2026-01-05T07:00:09.000Z")
    assert texts(LightspeedProtocol(), turn) == [("text", "Hi.")]


def test_calls_are_told_in_the_servers_rounds() -> None:
    row = {
        "messages": [{"content": "q", "type": "user"}, {"content": "a", "type": "assistant"}],
        "tool_calls": [{"id": name, "name": "look", "args": {}} for name in "abc"],
        "tool_results": [
            {"id": "a", "status": "success", "content": "1", "round": 1},
            {"id": "c", "status": "success", "content": "3", "round": 2},
        ],
    }
    (turn,) = LightspeedProtocol().read_turns([{"chat_history": [row]}])
    found = [(step.kind, getattr(step, "call_id", ""), step.round) for step in steps(
        LightspeedProtocol(), turn
    )]  # fmt: skip
    assert found == [
        ("tool_call", "a", 0),
        ("tool_call", "b", 0),
        ("tool_result", "a", 0),
        ("tool_call", "c", 1),
        ("tool_result", "c", 1),
        ("text", "", 2),
    ]


@pytest.mark.parametrize(
    ("answer", "undone"),
    [
        ({"success": True, "response": "Conversation deleted successfully"}, False),
        ({"success": True, "response": "Conversation cannot be deleted"}, True),
        ({"success": True, "response": "Conversation can not be deleted"}, True),
        ({"success": False}, True),
        (None, False),
    ],
)
def test_a_good_status_may_still_say_no(answer: Any, undone: bool) -> None:
    assert bool(LightspeedProtocol().undone(answer)) == undone


# --- Luxx -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        {"code": 0, "data": [{"id": 7, "title": "T"}]},
        {"code": 0, "data": {"items": [{"id": 7, "title": "T"}], "total": 1}},
        {"data": {"conversations": [{"conversation_id": "7", "name": "T"}]}},
        [{"id": "7", "title": "T"}],
    ],
)
def test_lists_of_luxxs_versions(page: Any) -> None:
    (found,) = LuxxProtocol().read_conversations([page])
    assert (found.id, found.title) == ("7", "T")


def test_the_next_page_is_asked_for_as_long_as_there_is_one() -> None:
    protocol = LuxxProtocol()
    asked = protocol.conversations_request(HERE)
    rows = [{"id": 1}, {"id": 2}]
    page = {"code": 0, "data": {"items": rows, "total": 5, "page": 1, "page_size": 2}}
    following = protocol.next_conversations(page, asked)
    assert following is not None
    assert following.url == "http://h/conversations?page=2"
    last = {"code": 0, "data": {"items": rows[:1], "total": 5, "page": 3, "page_size": 2}}
    for end in (last, {"data": rows}, {"data": {"items": [], "total": 9, "page": 1}}, None):
        assert protocol.next_conversations(end, asked) is None


async def test_a_server_that_knows_no_pages_is_asked_but_twice() -> None:
    page = {"data": {"items": [{"id": 1}], "total": 9, "page": 1, "page_size": 1}}
    asked = []

    async def same(request: HttpRequest, doing: str) -> Any:
        asked.append(request.url)
        return page

    protocol = LuxxProtocol()
    found = await Keeper(protocol, protocol, HERE, same).conversations()
    assert ([each.id for each in found], len(asked)) == (["1"], 2)


def test_steps_of_several_messages_are_told_apart() -> None:
    step = {"id": "step-0", "index": 0, "type": "text"}
    messages = [
        {"role": "user", "content": "q", "created_at": 1767603600000},
        {"role": "assistant", "process_steps": [step | {"content": "one"}]},
        {"role": "assistant", "steps": '[{"id":"step-0","index":0,"type":"text","content":"2"}]'},
    ]
    (turn,) = LuxxProtocol().read_turns([{"data": messages}])
    assert (turn.asked, turn.at) == ("q", "2026-01-05T09:00:00.000Z")
    assert texts(LuxxProtocol(), turn) == [("text", "one"), ("text", "2")]


def test_text_and_steps_may_be_packed_into_the_content() -> None:
    packed = '{"text": "shown", "steps": [{"type": "thinking", "content": "hm"}]}'
    messages = [
        {"role": "user", "content": '{"text": "asked", "attachments": []}'},
        {"role": "assistant", "content": packed},
        {"role": "user", "content": '{"no": "packing"}'},
    ]
    first, second = LuxxProtocol().read_turns([messages])
    assert first.asked == "asked"
    assert texts(LuxxProtocol(), first) == [("thinking", "hm"), ("text", "shown")]
    assert second == KeptTurn('{"no": "packing"}')


def test_older_servers_have_fields_for_each_thing() -> None:
    call = {"id": "t1", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "text": "q"},
        {"role": "assistant", "thinking": "hm", "content": "I look.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t1", "content": "found"},
        {"role": "assistant", "content": "There.", "model": "glm-5", "token_count": 4},
    ]
    (turn,) = LuxxProtocol().read_turns([{"messages": messages}])
    assert (turn.asked, turn.model) == ("q", "glm-5")
    assert texts(LuxxProtocol(), turn) == [
        ("thinking", "hm"),
        ("text", "I look."),
        ("tool_call t1", "{}"),
        ("tool_result t1", "found"),
        ("text", "There."),
    ]


def test_messages_may_come_the_newest_first() -> None:
    messages = [
        {"role": "assistant", "content": "a", "created_at": "2026-01-05 09:00:05"},
        {"role": "user", "content": "q", "created_at": "2026-01-05 09:00:00"},
    ]
    (turn,) = LuxxProtocol().read_turns([{"data": messages}])
    assert (turn.asked, bool(turn.events)) == ("q", True)


def test_an_answer_without_a_question_is_a_turn_too() -> None:
    (turn,) = LuxxProtocol().read_turns([[{"role": "assistant", "content": "Welcome."}]])
    assert turn.asked == ""
    assert texts(LuxxProtocol(), turn) == [("text", "Welcome.")]


# --- going on ---------------------------------------------------------------------------------


def kept_turn(id_: str, opaque: dict[str, Any] | None = None, model: str = "p/m") -> Turn:
    steps = (ThinkingStep(id=f"{id_}.0", index=0, round=0, status=Status.DONE, opaque=opaque),)
    return Turn(id_, UserInput(id_), model, steps if opaque else ())


def test_a_turn_that_was_fetched_since_is_no_branch() -> None:
    threads = Threads("lightspeed")
    asked = kept_turn("t1")
    asked = kept_turn("t1", threads.record("c", asked))
    fetched = kept_turn("t2", LightspeedProtocol().kept_record("c"))
    assert threads.thread((asked, fetched, kept_turn("t3")), "p").conversation == "c"
    threads.record("c", kept_turn("t3"))
    # From beside the last question the server's conversation doesn't go on.
    assert threads.thread((asked, fetched, kept_turn("t4")), "p").conversation is None


def test_a_fetched_conversation_of_luxxs_goes_on_with_its_model() -> None:
    threads = Threads("luxx")
    fetched = kept_turn("t1", LuxxProtocol().kept_record("7"))
    assert threads.thread((fetched, kept_turn("t2")), "p", "made").conversation == "7"
    other = kept_turn("t2", model="p/other")
    assert threads.thread((fetched, other), "p", "made").conversation is None


def test_where_a_turn_is_kept() -> None:
    assert kept_in(kept_turn("t", LuxxProtocol().kept_record("7"))) == ("p", "7")
    assert kept_in(kept_turn("t", {"responses": {"conversation": "7"}})) is None
    assert kept_in(kept_turn("t")) is None
