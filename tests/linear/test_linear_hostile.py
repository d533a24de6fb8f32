"""Strangers' text in the linear mode: it is read, and never obeyed; and the log is the app's."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from chatterm.render.sanitize import sanitize
from faultserver import Answer, FaultServer, sse
from hostile import DROPPED_WHOLE, FORBIDDEN, OVERLONG, REWRITTEN
from linear.speaking import Ear, Place

CORPUS = [*DROPPED_WHOLE.values(), *(text for text, _ in REWRITTEN.values())]
SAID = "\n\n".join(f"n{number:03} {text} ok" for number, text in enumerate(CORPUS))


def chunk(**delta: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


def ending(reason: str) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})


def call(name: str, arguments: dict[str, Any], number: int) -> str:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return chunk(
        tool_calls=[{"index": number, "id": f"c{number}", "type": "function", "function": function}]
    )


def clean(ear: Ear) -> None:
    """Nothing came that a terminal would obey, or that changes how the rest reads."""
    text = ear.seen.decode("utf-8", "strict")
    assert not (FORBIDDEN - {"\r", "\x08"}) & set(text)
    assert "\x1b" not in text


def test_hostile_answers_thoughts_and_calls(place: Place, server: FaultServer) -> None:
    place.program.provider(server.url, tables='[titles]\nmodel = "off"')
    command = "echo \x1b]0;owned\x07 \u202e; true"
    server.script(
        Answer(
            sse(
                chunk(reasoning_content=SAID),
                chunk(content=SAID),
                call("shell", {"command": command}, 0),
                call("no\x1b[2Jsuch", {"a": SAID[:500]}, 1),
                ending("tool_calls"),
                "[DONE]",
            )
        ),
        Answer(sse(chunk(content="done with it"), ending("stop"), "[DONE]")),
    )
    with place.start() as ear:
        ear.says("/thinking on")
        ear.says("/output on")
        ear.says("go")
        question = ear.asked("y")
        for name in re.findall(r"n\d{3}", sanitize(SAID)):
            assert question.count(name) >= 2  # thought, and said
        assert "command: echo \\x1b]0;owned\\x07 \\u202e; true\n" in question
        ear.hears("done with it")
        ear.says("/open")
        ear.says("/read all")
        ear.says("/find ok")
        assert ear.quits() == 0
        clean(ear)
    (listed,) = place.runs("history", "list", "--json").text.splitlines()
    assert place.runs("history", "title", json.loads(listed)["id"], "\u202etitle").status == 0
    with place.start("-c") as ear:
        assert "Going on with: ⟨U+202E⟩title\n" in ear.hears("you: ")
        ear.says("/resume")
        ear.says("", "conversation, Enter is none: ")
        assert ear.quits() == 0
        clean(ear)


def test_what_is_longer_than_any_sequence(place: Place, server: FaultServer) -> None:
    place.program.provider(server.url, tables='[titles]\nmodel = "off"')
    said = "\n".join(text for text, _ in OVERLONG.values())
    pieces = [chunk(content=said[at : at + 1000]) for at in range(0, len(said), 1000)]
    server.script(Answer(sse(*pieces, chunk(content=" the end"), ending("stop"), "[DONE]")))
    with place.start() as ear:
        ear.says("go")
        ear.hears("the end")
        assert ear.quits() == 0
        clean(ear)


def test_hostile_output_of_ones_own_command(place: Place) -> None:
    (place.work / "hostile").write_bytes(SAID.encode("utf-8", "replace"))
    with place.start() as ear:
        ear.says("!cat hostile")
        ear.hears("command ended: exit status 0")
        assert ear.quits() == 0
        clean(ear)


def test_a_hostile_error_of_a_server(place: Place, server: FaultServer) -> None:
    place.program.provider(server.url, tables='[titles]\nmodel = "off"\n[stream]\nretries = 0')
    body = json.dumps({"error": {"message": SAID[:2000]}}).encode()
    server.script(Answer(body, status=400, headers={"content-type": "application/json"}))
    with place.start() as ear:
        ear.says("go")
        ear.hears("error: ")
        assert ear.quits() == 0
        clean(ear)


WITHOUT = ("id", "call_id", "conversation", "turn", "at", "started_at", "duration_ms", "content")
SCRIPT = (
    "think: Somebody asks.\ntext: Looking.\ncall list_files: {}\nround\n"
    "text: That is all.\ncite https://example.org: Example\nusage input=10 output=3\n"
)


def same(value: Any) -> Any:
    """What doesn't depend on when it was."""
    if isinstance(value, dict):
        return {key: same(each) for key, each in value.items() if key not in WITHOUT}
    if isinstance(value, list):
        return [same(each) for each in value]
    return value


def newest(place: Place) -> list[Any]:
    """The events of the newest conversation, once its turn has its end."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        rows = place.runs("history", "list", "--json").text.splitlines()
        if rows:
            id_ = json.loads(rows[0])["id"]
            text = place.runs("history", "export", id_, "--format", "jsonl").text
            events = [json.loads(line) for line in text.splitlines()]
            if any(event["type"] == "turn.finished" for event in events):
                return [same(event) for event in events if event["type"] != "conversation"]
        time.sleep(0.2)
    raise AssertionError("no turn has come to its end")


def test_what_is_kept_is_what_the_app_keeps(place: Place) -> None:
    place.answers(SCRIPT)
    with place.start("--no-plain", "go", plain=False) as app:
        of_app = newest(place)
        app.type("\x04")
        assert app.wait() == 0
    with place.start("go") as ear:
        ear.hears("assistant: That is all.\r\nsource 1: Example  https://example.org\r\n")
        assert ear.quits() == 0
    assert newest(place) == of_app
    listed = place.runs("history", "list", "--json").text.splitlines()
    assert [json.loads(row)["origin"] for row in listed] == ["app", "app"]
