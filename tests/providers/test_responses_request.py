"""Encoding requests for OpenAI Responses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatterm.assembly import StepWriter
from chatterm.providers.base import ModelRequest, Settings, ToolSpec
from chatterm.providers.history import UNANSWERED
from chatterm.providers.responses import ResponsesDecoder
from chatterm.providers.responses_request import ResponsesProtocol
from chatterm.providers.wire import Endpoint, HttpRequest
from chatterm.steps import (
    Attachment,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    UserInput,
)

DONE = Status.DONE


def endpoint(name: str = "openai", **more: Any) -> Endpoint:
    return Endpoint(name, "https://api.openai.com/v1", **more)


def encode(*turns: Turn, name: str = "openai", model: str = "gpt-5", **more: Any) -> dict[str, Any]:
    """The body of a request, checked for its structure."""
    return checked(ResponsesProtocol().encode(ModelRequest(model, turns, **more), endpoint(name)))


def checked(request: HttpRequest) -> dict[str, Any]:
    body = json.loads(json.dumps(request.body))
    assert isinstance(body["model"], str)
    assert body["stream"] is True
    waiting: list[str] = []
    ids: list[str] = []
    items = body["input"]
    for item, following in zip(items, [*items[1:], {"role": "user"}], strict=True):
        ids += [item["id"]] if item.get("id") else []
        match item.get("type", "message"):
            case "message":
                assert item["role"] in ("user", "assistant")
                assert item["role"] == "assistant" or not waiting
            case "reasoning":
                assert following.get("role") != "user"
                assert not following.get("type", "").endswith("_output")
            case "function_call":
                assert item["name"]
                assert isinstance(item["arguments"], str)
                waiting.append(item["call_id"])
            case "custom_tool_call":
                assert isinstance(item["input"], str)
                waiting.append(item["call_id"])
            case "function_call_output" | "custom_tool_call_output":
                assert isinstance(item["output"], str | list)
                waiting.remove(item["call_id"])
    assert not waiting
    assert len(set(ids)) == len(ids)
    return dict(body)


def items(*steps: Step, **more: Any) -> list[dict[str, Any]]:
    """What of a turn's steps is sent, after the question."""
    asked = Turn("t", UserInput("hello"), "openai/gpt-5", steps)
    [question, *rest] = encode(asked, **more)["input"]
    assert question == {"role": "user", "content": "hello"}
    return rest


def reasoning(index: int, round_: int, item: dict[str, Any] | None, **more: Any) -> ThinkingStep:
    opaque = None if item is None else {"item": item}
    return ThinkingStep(
        id=f"t.{index}", index=index, round=round_, opaque=opaque, **{"status": DONE} | more
    )


def text(index: int, round_: int, words: str, **more: Any) -> TextStep:
    return TextStep(
        id=f"t.{index}", index=index, round=round_, text=words, **{"status": DONE} | more
    )


def call(index: int, round_: int, call_id: str, **more: Any) -> ToolCallStep:
    values = {"call_id": call_id, "name": "f", "arguments": "{}", "input": {}, "status": DONE}
    return ToolCallStep(id=f"t.{index}", index=index, round=round_, **values | more)


def result(index: int, round_: int, call_id: str, content: str, **more: Any) -> ToolResultStep:
    return ToolResultStep(
        id=f"t.{index}",
        index=index,
        round=round_,
        status=DONE,
        call_id=call_id,
        content=content,
        **more,
    )


def sealed(name: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": name, "summary": [], "encrypted_content": f"b64 {name}"}


def called(call_id: str, **more: Any) -> dict[str, Any]:
    item = {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"}
    return item | more


def answered(call_id: str, output: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def message(words: str, **more: Any) -> dict[str, Any]:
    content = {"type": "output_text", "text": words, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [content], **more}


# --- the whole ---


def test_the_least() -> None:
    asked = Turn("t", UserInput("hello"), "openai/gpt-5")
    request = ResponsesProtocol().encode(ModelRequest("gpt-5", (asked,)), endpoint(key="k"))
    assert (request.method, request.url) == ("POST", "https://api.openai.com/v1/responses")
    assert request.headers["Authorization"] == "Bearer k"
    assert request.body == {
        "model": "gpt-5",
        "stream": True,
        "store": False,
        "input": [{"role": "user", "content": "hello"}],
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
    }


def test_headers_and_fields_of_the_configuration_win() -> None:
    place = endpoint(
        key="k",
        headers={"OpenAI-Project": "p", "authorization": "Basic x"},
        body={"store": True, "reasoning": {"effort": "high"}},
    )
    asked = ModelRequest("gpt-5", (Turn("t", UserInput("x"), "openai/gpt-5"),))
    request = ResponsesProtocol().encode(asked, place)
    assert request.headers["OpenAI-Project"] == "p"
    assert "Bearer k" not in request.headers.values()
    assert request.body is not None
    assert (request.body["store"], request.body["reasoning"]) == (True, {"effort": "high"})


def test_tools_settings_and_the_system_text() -> None:
    asked = Turn("t", UserInput("hello"), "openai/gpt-5")
    body = encode(
        asked,
        system="be kind",
        tools=(ToolSpec("f", "does f", {"type": "object"}),),
        settings=Settings(
            temperature=0.5,
            max_output_tokens=9,
            effort="low",
            thinking=False,
            schema={"type": "object"},
        ),
    )
    assert body["instructions"] == "be kind"
    assert body["tools"] == [
        {
            "type": "function",
            "name": "f",
            "description": "does f",
            "parameters": {"type": "object"},
            "strict": False,
        }
    ]
    assert (body["temperature"], body["max_output_tokens"]) == (0.5, 9)
    assert body["reasoning"] == {"effort": "low"}
    assert body["text"]["format"]["schema"] == {"type": "object"}


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "chatgpt-4o-latest", "gpt-5-chat"])
def test_a_model_that_does_not_reason_is_not_asked_to(model: str) -> None:
    body = encode(Turn("t", UserInput("x"), f"openai/{model}"), model=model)
    assert not {"reasoning", "include"} & body.keys()


@pytest.mark.parametrize("model", ["gpt-5", "o4-mini", "openai/gpt-oss-20b", "qwen3"])
def test_a_model_that_may_reason_is_asked_for_a_summary(model: str) -> None:
    body = encode(Turn("t", UserInput("x"), f"p/{model}"), model=model)
    assert body["reasoning"] == {"summary": "auto"}


def test_three_rounds_with_reasoning_and_parallel_calls() -> None:
    first = called("a", id="fc_1", status="completed")
    assert items(
        reasoning(0, 0, sealed("rs_1")),
        call(1, 0, "a", opaque={"item": first}),
        call(2, 0, "b"),
        result(3, 0, "b", "B"),
        result(4, 0, "a", "A"),
        reasoning(5, 1, sealed("rs_2")),
        call(6, 1, "a"),
        result(7, 1, "a", "A again"),
        call(8, 1, "c"),
        reasoning(9, 2, sealed("rs_3")),
        text(10, 2, "Found it.", opaque={"message": {"id": "msg_1", "phase": "final_answer"}}),
    ) == [
        sealed("rs_1"),
        first,
        called("b"),
        answered("a", "A"),
        answered("b", "B"),
        sealed("rs_2"),
        called("a"),
        called("c"),
        answered("a", "A again"),
        answered("c", UNANSWERED),
        sealed("rs_3"),
        message("Found it.", id="msg_1", status="completed", phase="final_answer"),
    ]


def test_a_picture_goes_with_the_result_it_belongs_to() -> None:
    picture = Attachment("p.png", "image/png", 1, "00", b"\x89")
    gone = Attachment("q.png", "image/png", 1, "01")
    more = {"attachments": (picture, gone)}
    [_, sent] = items(call(0, 0, "a"), result(1, 0, "a", "p.png, a picture", **more))
    assert sent["output"] == [
        {"type": "input_text", "text": "p.png, a picture"},
        {"type": "input_image", "image_url": "data:image/png;base64,iQ=="},
    ]


def test_opaque_data_stays_with_its_provider() -> None:
    steps = [
        reasoning(0, 0, sealed("rs_1"), text="hm"),
        call(1, 0, "a", opaque={"item": called("a", id="fc_1")}),
        result(2, 0, "a", "A"),
        call(3, 1, "w", hosted=True, opaque={"item": {"type": "web_search_call", "id": "ws_1"}}),
        text(4, 1, "So", opaque={"message": {"id": "msg_1"}}),
    ]
    assert items(*steps, name="azure") == [called("a"), answered("a", "A"), message("So")]


def test_a_model_that_does_not_reason_gets_no_reasoning_and_no_ids_that_hang_on_it() -> None:
    steps = [
        reasoning(0, 0, sealed("rs_1")),
        text(1, 0, "So", opaque={"message": {"id": "msg_1"}}),
    ]
    assert items(*steps, model="gpt-4o") == [message("So")]


def test_what_must_not_be_sent_again_is_left_out() -> None:
    cut = Status.INTERRUPTED
    assert (
        items(
            reasoning(0, 0, sealed("rs_1"), status=cut),
            text(1, 0, "taken back", withdrawn=True),
            call(2, 0, "a", arguments='{"x"', input=None, status=cut),
        )
        == []
    )


def test_reasoning_whose_call_was_cut_off_stays_behind_too() -> None:
    assert items(
        text(0, 0, "Let me look."),
        reasoning(1, 0, sealed("rs_1")),
        call(2, 0, "a", status=Status.INTERRUPTED),
    ) == [message("Let me look.")]


def test_half_an_answer_goes_back_without_its_id() -> None:
    half = text(0, 0, "So it", status=Status.INTERRUPTED, opaque={"message": {"id": "msg_1"}})
    assert items(half) == [message("So it")]


def test_two_parts_of_one_message_share_its_id_once() -> None:
    own = {"message": {"id": "msg_1"}}
    refusal = RefusalStep(id="t.1", index=1, round=0, status=DONE, text="no", opaque=own)
    assert items(text(0, 0, "one", opaque=own), refusal) == [
        message("one", id="msg_1", status="completed"),
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "no"}],
        },
    ]


@pytest.mark.parametrize("odd", [None, 5, ["rs"], {"a": 1}, ""])
def test_items_that_a_server_repeats_or_names_oddly_go_back_once(odd: Any) -> None:
    sent = items(
        reasoning(0, 0, sealed("rs_1")),
        reasoning(1, 0, sealed("rs_1")),
        reasoning(2, 0, sealed("rs_2") | {"id": odd}),
        text(3, 0, "Hi", opaque={"provider": "openai", "message": {"id": odd}}),
        reasoning(4, 1, sealed("rs_3")),
        text(5, 1, "Ho"),
    )
    assert sent == [sealed("rs_1"), message("Hi"), sealed("rs_3"), message("Ho")]


def test_commentary_stays_commentary() -> None:
    step = text(0, 0, "Looking…", opaque={"message": {"phase": "commentary"}})
    assert items(step) == [message("Looking…", phase="commentary")]


def test_a_calls_item_is_completed_by_what_was_streamed() -> None:
    item = {"type": "function_call", "id": "fc_1", "name": "f", "arguments": ""}
    step = call(0, 0, "call_0", arguments='{"x":1}', opaque={"item": item})
    assert items(step)[0] == called("call_0", id="fc_1", arguments='{"x":1}')


def test_a_custom_tools_call_and_its_answer() -> None:
    step = call(0, 0, "a", arguments="SELECT 1", input=None, opaque={"custom": True})
    assert items(step, result(1, 0, "a", "1")) == [
        {"type": "custom_tool_call", "call_id": "a", "name": "f", "input": "SELECT 1"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "1"},
    ]


def test_hosted_calls_and_their_results_go_back_as_they_came() -> None:
    shell = {"type": "shell_call", "id": "sh_1", "call_id": "a", "action": {}}
    output = {"type": "shell_call_output", "id": "sho_1", "call_id": "a", "output": []}
    assert items(
        call(0, 0, "a", hosted=True, opaque={"item": shell}),
        result(1, 0, "a", "out", opaque={"item": output}),
        result(2, 0, "a", "shown, but no item of its own"),
        text(3, 0, "So"),
    ) == [shell, output, message("So")]


@pytest.mark.parametrize("approve", [True, False, None], ids=["yes", "no", "never answered"])
def test_a_call_that_wanted_approval_has_its_answer(approve: bool | None) -> None:
    asked = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "delete", "arguments": "{}"}
    steps: list[Step] = [call(0, 0, "mcpr_1", hosted=True, opaque={"item": asked})]
    if approve is not None:
        steps.append(result(1, 0, "mcpr_1", "", opaque={"approve": approve}))
    assert items(*steps) == [
        asked,
        {
            "type": "mcp_approval_response",
            "approval_request_id": "mcpr_1",
            "approve": bool(approve),
        },
    ]


def test_files() -> None:
    sent = UserInput(
        "compare",
        (
            Attachment("p.png", "image/png", 1, "00", b"\x89"),
            Attachment("d.pdf", "application/pdf", 1, "00", b"%"),
            Attachment("a.txt", "text/plain", 1, "00", b"x"),
        ),
    )
    [question] = encode(Turn("t", sent, "openai/gpt-5"))["input"]
    assert question["content"] == [
        {"type": "input_image", "image_url": "data:image/png;base64,iQ=="},
        {
            "type": "input_file",
            "filename": "d.pdf",
            "file_data": "data:application/pdf;base64,JQ==",
        },
        {"type": "input_text", "text": '<file name="a.txt">\nx\n</file>\n\ncompare'},
    ]


# --- the rest of the protocol ---


def test_what_was_read_can_be_sent_back() -> None:
    writer = StepWriter("t")
    asked = ModelRequest("gpt-5", (), settings=Settings(max_output_tokens=5))
    decoder = ResponsesProtocol().decoder(asked, endpoint(), writer)
    assert isinstance(decoder, ResponsesDecoder)
    output = [
        sealed("rs_1"),
        message("Let me look.", id="msg_1", status="completed"),
        called("a", id="fc_1", status="completed"),
    ]
    for index, item in enumerate(output):
        decoder.event(
            None, {"type": "response.output_item.done", "output_index": index, "item": item}
        )
    decoder.event(None, {"type": "response.completed", "response": {"output": output}})
    decoder.close()
    steps = [event.step for event in writer.take() if event.type == "step.finished"]  # type: ignore[union-attr]
    assert items(*steps, result(3, 0, "a", "A")) == [*output, answered("a", "A")]


def test_models() -> None:
    request = ResponsesProtocol().models_request(endpoint())
    assert (request.method, request.url) == ("GET", "https://api.openai.com/v1/models")
    assert [m.id for m in ResponsesProtocol().read_models({"data": [{"id": "gpt-5"}]})] == ["gpt-5"]
