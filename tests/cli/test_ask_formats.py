"""The formats of `ask`, and what `--extract` and `--schema` make of an answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatterm.events import event_from_json, event_to_json
from faultserver import Answer, FaultServer, sse
from program import Program

ECHO = ("ask", "-m", "demo/echo", "-n")


def script(program: Program, text: str) -> None:
    """Make the demo play this, as model `s/x`."""
    (program.home / "a.demo").write_text(text, "utf-8")
    program.configure('model = "s/x"\n[providers.s]\nprotocol = "demo"\nscript = "a.demo"\n')


class TestJson:
    def test_one_object_when_the_turn_is_over(self, program: Program) -> None:
        script(
            program,
            "think: hm\ncall look: {}\nusage input=3 output=4\nround\ntext: seen\n"
            "cite https://a.example: A\nusage input=5 output=6",
        )
        done = program.run("ask", "-n", "hi", "--format", "json")
        data = json.loads(done.text)
        assert done.text.count("\n") == 1
        assert list(data) == [
            "conversation",
            "turn",
            "status",
            "text",
            "thinking",
            "tool_calls",
            "citations",
            "usage",
            "error",
        ]
        assert (data["status"], data["text"], data["thinking"]) == ("completed", "seen", "hm")
        assert (data["usage"]["input"], data["usage"]["output"]) == (8, 10)
        assert data["tool_calls"][0]["name"] == "look"
        assert data["error"] is None

    def test_every_event_a_line_and_each_round_trips(self, program: Program) -> None:
        done = program.run("ask", "-m", "demo/tour", "-n", "hi", "--format", "jsonl")
        types = [event["type"] for event in done.events]
        assert (types[0], types[-1]) == ("turn.started", "turn.finished")
        for event in done.events:
            assert event_to_json(event_from_json(event)) == event

    def test_deltas_add_up_to_the_finished_steps(self, program: Program) -> None:
        done = program.run("ask", "-m", "demo/tour", "-n", "hi", "--format", "jsonl")
        grown: dict[str, str] = {}
        for event in done.events:
            if event["type"] == "step.delta":
                grown[event["id"]] = grown.get(event["id"], "") + event["text"]
        for step in done.steps:
            text = step.get("text", step.get("arguments"))
            assert grown.get(step["id"], "") == (text or "")

    @pytest.mark.parametrize("form", ["json", "jsonl"])
    @pytest.mark.parametrize(
        ("arguments", "status"),
        [(("-m", "nobody/x", "hi"), 3), (("-m", "demo/echo"), 2), (("-m", "openai/x", "hi"), 3)],
    )
    def test_an_error_before_the_turn_begins_is_told_in_json_too(
        self, program: Program, form: str, arguments: tuple[str, ...], status: int
    ) -> None:
        done = program.run("ask", "-n", *arguments, "--format", form)
        data = json.loads(done.text)
        assert (done.status, data["status"]) == (status, "failed")
        assert data["error"]["message"] in done.stderr
        if form == "jsonl":
            assert data["type"] == "turn.finished"

    def test_a_lone_surrogate_is_kept_escaped_and_is_a_replacement_in_text(
        self, program: Program, server: FaultServer
    ) -> None:
        stream = sse(
            r'{"choices":[{"index":0,"delta":{"content":"a\ud83d"}}]}',
            r'{"choices":[{"index":0,"delta":{"content":"\ude00 b\ud83d"}}]}',
            '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
            "[DONE]",
        )
        server.script(Answer(stream))
        program.provider(server.url)
        done = program.run("ask", "-n", "hi", "--format", "jsonl")
        assert done.steps[0]["text"] == "a\U0001f600 b\ud83d"
        plain = program.run("ask", "-n", "hi")
        assert plain.text == "a\U0001f600 b\N{REPLACEMENT CHARACTER}\n"


class TestText:
    def test_several_texts_are_paragraphs(self, program: Program) -> None:
        script(program, "text: one\ncall look: {}\nround\ntext: two")
        assert program.run("ask", "-n", "hi").text == "one\n\ntwo\n"

    def test_thinking_goes_to_stderr_when_it_is_wanted(self, program: Program) -> None:
        script(program, "think: hm\ntext: yes")
        assert program.run("ask", "-n", "hi").stderr == ""
        done = program.run("ask", "-n", "hi", "--thinking")
        assert (done.text, done.stderr) == ("yes\n", "hm\n")

    def test_an_incomplete_answer_is_printed_and_its_status_says_so(self, program: Program) -> None:
        script(program, "text: cut\nfinish length")
        done = program.run("ask", "-n", "hi")
        assert (done.status, done.text) == (9, "cut\n")
        assert "token limit" in done.stderr

    def test_a_refusal_is_the_models_answer(self, program: Program) -> None:
        script(program, "refuse: I'd rather not.")
        done = program.run("ask", "-n", "hi")
        assert (done.status, done.text) == (9, "I'd rather not.\n")

    def test_the_round_limit_is_told(self, program: Program) -> None:
        script(program, "call look: {}\nround\ntext: never")
        done = program.run("ask", "-n", "hi", "--max-rounds", "1")
        assert (done.status, done.text) == (9, "")
        assert "1 round" in done.stderr

    def test_texts_that_stream_at_once_are_printed_one_after_the_other(
        self, program: Program, server: FaultServer
    ) -> None:
        delta = '{"type":"response.output_text.delta","output_index":%d,"delta":"%s"}'
        done = (
            '{"type":"response.output_item.done","output_index":%d,"item":{"type":"message",'
            '"content":[{"type":"output_text","text":"%s"}]}}'
        )
        stream = sse(
            delta % (0, "first "),
            delta % (1, "second "),
            delta % (0, "text"),
            delta % (1, "text"),
            done % (1, "second text"),
            done % (0, "first text"),
            '{"type":"response.completed","response":{"status":"completed"}}',
        )
        server.script(Answer(stream))
        program.provider(server.url, "responses")
        assert program.run("ask", "-n", "hi").text == "first text\n\nsecond text\n"
        told = json.loads(program.run("ask", "-n", "hi", "--format", "json").text)
        assert told["text"] == "first text\n\nsecond text"

    def test_an_unfinished_sequence_swallows_nothing_of_the_next_text(
        self, program: Program
    ) -> None:
        script(program, "text: a\x1b]0;\ncall look: {}\nround\ntext: visible\x07 b")
        assert program.run("ask", "-n", "hi", "--sanitize").text == "a0;\n\nvisible b\n"


class TestExtract:
    def test_of_a_reply_that_was_cut_off_only_a_whole_block(self, program: Program) -> None:
        script(program, "text:\n  ```sh\n  rm -rf build/x\n  rm -rf b\ncut")
        done = program.run("ask", "-n", "-x", "hi")
        assert (done.status, done.text) == (5, "")
        assert "rm -rf build/x" in done.stderr
        script(program, "text:\n  ```sh\n  ls\n  ```\n  and\ncut")
        done = program.run("ask", "-n", "-x", "hi")
        assert (done.status, done.text) == (5, "ls\n")

    def test_only_the_first_code_block(self, program: Program) -> None:
        done = program.run(*ECHO, "-x", "Run:\n```sh\necho 1\n```\nor\n```\n2\n```")
        assert (done.status, done.text) == (0, "echo 1\n")

    def test_without_one_nothing_is_printed_that_a_shell_could_run(self, program: Program) -> None:
        done = program.run(*ECHO, "-x", "rm is dangerous")
        assert (done.status, done.text) == (8, "")
        assert "no code block" in done.stderr


SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


class TestSchema:
    @pytest.fixture
    def schema(self, program: Program) -> Path:
        path = program.home / "schema.json"
        path.write_text(json.dumps(SCHEMA))
        return path

    def test_bare_json(self, program: Program, schema: Path) -> None:
        done = program.run(*ECHO, "--schema", str(schema), '```json\n{"age": 3}\n```')
        assert (done.status, done.text) == (0, '{"age": 3}\n')

    def test_a_reply_that_does_not_fit(self, program: Program, schema: Path) -> None:
        done = program.run(*ECHO, "--schema", str(schema), '{"age": "three"}')
        assert (done.status, done.text) == (8, "")
        assert "$.age" in done.stderr

    def test_the_schema_is_sent(self, program: Program, schema: Path, server: FaultServer) -> None:
        text = (
            '{"choices":[{"index":0,"delta":{"content":"{\\"age\\":1}"},"finish_reason":"stop"}]}'
        )
        server.script(Answer(sse(text, "[DONE]")))
        program.provider(server.url)
        assert program.run("ask", "-n", "hi", "--schema", str(schema)).text == '{"age":1}\n'
        sent = server.requests[0].json
        assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
        assert '"age"' in sent["messages"][0]["content"]

    @pytest.mark.parametrize(
        ("content", "words"),
        [("{", "not JSON"), ("[]", "not a JSON object"), ('{"type": 7}', "not a JSON Schema")],
    )
    def test_a_bad_schema_is_a_usage_error(
        self, program: Program, schema: Path, content: str, words: str
    ) -> None:
        schema.write_text(content)
        done = program.run(*ECHO, "hi", "--schema", str(schema))
        assert done.status == 2
        assert words in done.stderr

    @pytest.mark.parametrize(
        ("more", "reply", "words"),
        [
            ({"$ref": "#/nope"}, "{}", "isn't in it"),
            ({"$ref": "http://127.0.0.1:9/schema"}, "{}", "isn't in it"),
            ({}, '{"age": NaN}', "not JSON"),
        ],
    )
    def test_what_cannot_be_checked_does_not_fit(
        self, program: Program, schema: Path, more: dict[str, str], reply: str, words: str
    ) -> None:
        schema.write_text(json.dumps(SCHEMA | more))
        done = program.run(*ECHO, "--schema", str(schema), reply)
        assert (done.status, done.text) == (8, "")
        assert words in done.stderr

    def test_it_goes_with_no_other_form(self, program: Program, schema: Path) -> None:
        for more in (("-x",), ("--format", "jsonl")):
            assert program.run(*ECHO, "hi", "--schema", str(schema), *more).status == 2


class TestAttachments:
    def test_a_text_file_goes_in_a_labelled_block(
        self, program: Program, server: FaultServer
    ) -> None:
        (program.home / "note.txt").write_text("noted\n")
        text = '{"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}'
        server.script(Answer(sse(text, "[DONE]")))
        program.provider(server.url)
        program.run("ask", "-n", "read", "-a", "note.txt")
        assert server.requests[0].json["messages"][-1]["content"] == (
            '<file name="note.txt">\nnoted\n</file>\n\nread'
        )

    def test_an_image_goes_as_one_from_a_file_or_standard_input(
        self, program: Program, server: FaultServer
    ) -> None:
        image = b"\x89PNG\r\n\x1a\n" + bytes(8)
        (program.home / "a.png").write_bytes(image)
        text = '{"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}'
        server.script(Answer(sse(text, "[DONE]")))
        program.provider(server.url)
        program.run("ask", "look", "-a", "a.png", stdin=image)
        *pictures, words = server.requests[0].json["messages"][-1]["content"]
        assert words == {"type": "text", "text": "look"}
        urls = [picture["image_url"]["url"] for picture in pictures]
        assert len(urls) == 2
        assert all(url.startswith("data:image/png;base64,iVBOR") for url in urls)

    def test_other_binary_files_are_refused(self, program: Program) -> None:
        (program.home / "a.zip").write_bytes(b"PK\x03\x04\0\0")
        done = program.run(*ECHO, "hi", "-a", "a.zip")
        assert done.status == 2
        assert "neither text nor an image nor a PDF" in done.stderr


class TestCapture:
    def test_a_captured_turn_is_played_again(self, program: Program, server: FaultServer) -> None:
        text = '{"choices":[{"index":0,"delta":{"content":"recorded"},"finish_reason":"stop"}]}'
        server.script(Answer(sse(text, "[DONE]")))
        program.provider(server.url, api_key_env='"TEST_KEY"')
        key = "sk-0123456789abcdef0123"
        program.run("ask", "-n", "hi", "--capture", "bug", env={"TEST_KEY": key})
        files = sorted((program.home / "bug").iterdir())
        assert [path.name for path in files] == [
            "001-request.json",
            "001-response.body",
            "001-response.json",
        ]
        assert all(key.encode() not in path.read_bytes() for path in files)
        assert all(path.stat().st_mode & 0o077 == 0 for path in files)
        program.configure('model = "r/x"\n[providers.r]\nprotocol = "replay"\nfile = "bug"\n')
        assert program.run("ask", "-n", "hi").text == "recorded\n"

    def test_a_directory_that_cannot_be_made_is_named(
        self, program: Program, server: FaultServer
    ) -> None:
        program.provider(server.url)
        (program.home / "file").write_text("")
        done = program.run("ask", "-n", "hi", "--capture", "file/bug")
        assert done.status == 74
        assert "file/bug" in done.stderr
        assert server.requests == []
