"""How the cost of strangers' input grows: four times the input may cost four times the work.

The work is counted twice: in calls of functions, which is the same each time, and, since the parts
written in C aren't seen there, in CPU time as a ratio within this run.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatterm.assembly import Clock, StepWriter
from chatterm.config import ConfigFileError, parse_config
from chatterm.errors import ProviderError
from chatterm.importing.base import derived_id
from chatterm.providers.base import ModelRequest
from chatterm.providers.body import Body
from chatterm.providers.partial_args import PartialArguments
from chatterm.providers.registry import wire_protocol
from chatterm.providers.wire import Endpoint
from chatterm.render.coloured import ColouredText
from chatterm.render.diffs import StreamingEdit, diff_lines
from chatterm.render.markdown import MarkdownStream
from chatterm.render.partial_json import PartialJson
from chatterm.render.sanitize import Sanitizer, escape_controls
from chatterm.render.wordwrap import WordWrap
from chatterm.transcripts.jsonl import read_jsonl
from fuzz.gate import worlds
from fuzz.streams import body_of

Work = Callable[[], object]
FACTOR = 4
CALLS_LIMIT = 1.6  # of FACTOR: the start and the end of the work count, too
TIME_LIMIT = 2.2  # of FACTOR: a square is 4


@dataclass(frozen=True)
class Growth:
    """Input that grows, and what is done with it.

    Attributes:
        name: What it is.
        work: The work on input of a size; making the input is not part of it.
        start: The smaller size in which calls are counted.
        most: The largest size there can be; the work on more is bounded by a limit.
    """

    name: str
    work: Callable[[int], Work]
    start: int = 300
    most: int = 10**7


def calls(work: Work) -> int:
    """How many functions, of Python or C, the work calls."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def calls_ratio(growth: Growth) -> float:
    """How many times the calls four times the input takes, less four times: 1 is linear."""
    growth.work(growth.start)()  # what is made once is made
    small = calls(growth.work(growth.start))
    large = calls(growth.work(FACTOR * growth.start))
    return large / max(small, 300) / FACTOR


def time_ratio(growth: Growth, least_s: float, tries: int = 3) -> float:
    """The same of CPU time, where the smaller work takes at least so long; the best of some tries."""
    size = growth.start
    while (took := _seconds(growth.work(size))) < least_s:
        larger = size * 2
        if larger * FACTOR > growth.most:
            break
        size = larger
    if took < least_s / 4:
        return 0.0  # it can't be made to take any time
    best = float("inf")
    for _ in range(tries):
        small = min(_seconds(growth.work(size)) for _ in range(2))
        large = _seconds(growth.work(FACTOR * size))
        best = min(best, large / small / FACTOR)
        if best < TIME_LIMIT:
            break
    return best


def _seconds(work: Work) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


# --- streams ----------------------------------------------------------------------------------

_ENDPOINT = Endpoint("p", "http://127.0.0.1")


def _reading(protocol: str, parts: list[bytes]) -> Work:
    def work() -> None:
        writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
        decoder = wire_protocol(protocol).decoder(ModelRequest("m", ()), _ENDPOINT, writer)
        body = Body(decoder, "p")
        failure = None
        try:
            for part in parts:
                body.feed(part)
                writer.take()
            body.finish()
        except ProviderError as error:
            failure = error.failure
        decoder.close(failure)
        writer.take()

    return work


def _repeated(protocol: str, *events: Any, form: str = "sse") -> Callable[[int], Work]:
    """Events again and again, `N` in them the number of the repetition, each in a chunk."""
    named = [event if isinstance(event, tuple) else (None, event) for event in events]
    text = body_of(named, form).decode()

    def make(size: int) -> Work:
        return _reading(protocol, [text.replace("N_", str(n)).encode() for n in range(size)])

    return make


def _bytewise(protocol: str, piece: bytes, start: bytes = b"") -> Callable[[int], Work]:
    def make(size: int) -> Work:
        whole = start + piece * size
        return _reading(protocol, [whole[n : n + 1] for n in range(len(whole))])

    return make


def _delta(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


def _call(**fields: Any) -> dict[str, Any]:
    return _delta(tool_calls=[fields])


def _typed(kind: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return kind, {"type": kind, **fields}


def _r(kind: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return _typed(f"response.{kind}", **fields)


def _part(**part: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [part]}}]}


_CITED = {"type": "url_citation", "url": "http://N_", "title": "t"}
_BLOCK = {"type": "text", "text": ""}
_TEXT_DELTA = {"type": "text_delta", "text": "a"}
_STREAMS: dict[str, Callable[[int], Work]] = {
    "chat text": _repeated("chat", _delta(content="a")),
    "chat half a tag": _repeated("chat", _delta(content="<th")),
    "chat tags": _repeated("chat", _delta(content="<think>a</think>")),
    "chat thinking and text in turn": _repeated(
        "chat", _delta(reasoning="a"), _delta(content="b")
    ),
    "chat arguments": _repeated("chat", _call(index=0, id="c", function={"name": "f",
                                                                         "arguments": "{}"})),
    "chat arguments of one long string": _repeated(
        "chat", _call(index=0, function={"name": "f", "arguments": '{"a":"'})
    ),
    "chat calls by id": _repeated(
        "chat", _call(id="cN_", function={"name": "f", "arguments": "{}"})
    ),
    "chat calls by index": _repeated(
        "chat", _call(index="N_", id="cN_", function={"name": "fN_", "arguments": "{}"})
    ),
    "chat calls without anything": _repeated(
        "chat", _call(function={"name": "fN_", "arguments": "{}"})
    ),
    "chat annotations": _repeated("chat", _delta(content="a", annotations=[
        {"type": "url_citation", "url_citation": {"url": "http://N_", "title": "t"}}])),
    "chat citations": _repeated("chat", {**_delta(content="a"), "citations": ["http://N_"]}),
    "chat details": _repeated("chat", _delta(reasoning_details=[
        {"type": "reasoning.text", "text": "a", "index": 0}])),
    "chat encrypted details": _repeated("chat", _delta(reasoning_details=[
        {"type": "reasoning.encrypted", "data": "a", "id": "N_"}])),
    "chat tools that were run": _repeated("chat", _delta(executed_tools=[
        {"index": "N_", "type": "x", "arguments": "{}", "output": "o"}])),
    "responses text": _repeated("responses", _r("output_text.delta", output_index=0,
                                                content_index=0, delta="a")),
    "responses arguments": _repeated("responses", _r("function_call_arguments.delta",
                                                     output_index=0, delta="a")),
    "responses annotations": _repeated("responses", _r(
        "output_text.annotation.added", output_index=0, content_index=0, annotation=_CITED)),
    "responses items": _repeated("responses", _r("output_item.done", item={
        "type": "function_call", "id": "fN_", "call_id": "cN_", "name": "f", "arguments": "{}"})),
    "responses items of one id": _repeated("responses", _r("output_item.done", item={
        "type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": "{}"})),
    "responses items that stay open": _repeated("responses", _r("output_item.added", item={
        "type": "message", "id": "mN_"})),
    "responses parts of a summary": _repeated("responses", _r(
        "reasoning_summary_text.delta", output_index=0, summary_index="N_", delta="a")),
    "anthropic text": _repeated("anthropic", _typed("content_block_delta", index=0,
                                                    delta=_TEXT_DELTA)),
    "anthropic blocks": _repeated(
        "anthropic", _typed("content_block_start", index="N_", content_block=_BLOCK),
        _typed("content_block_delta", index="N_", delta=_TEXT_DELTA),
        _typed("content_block_stop", index="N_")),
    "anthropic calls": _repeated(
        "anthropic", _typed("content_block_start", index="N_", content_block={
            "type": "tool_use", "id": "t", "name": "f"}),
        _typed("content_block_stop", index="N_")),
    "anthropic messages": _repeated("anthropic", _typed("message_start", message={})),
    "gemini text": _repeated("gemini", _part(text="a"), form="crlf"),
    "gemini calls": _repeated("gemini", _part(functionCall={"name": "f", "args": {}})),
    "gemini arguments in part": _repeated("gemini", _part(functionCall={
        "name": "f", "willContinue": True, "partialArgs": [
            {"jsonPath": "$.a", "stringValue": "a", "willContinue": True}]})),
    "gemini arguments by name": _repeated("gemini", _part(functionCall={
        "willContinue": True, "name": "f", "partialArgs": [
            {"jsonPath": "$.aN_", "numberValue": 1}]})),
    "gemini sources": _repeated("gemini", {"candidates": [
        {"content": {"parts": [{"text": "a"}]},
         "groundingMetadata": {"groundingChunks": [{"web": {"uri": "http://N_"}}]}}]}),
    "ollama text": _repeated("ollama", {"message": {"content": "a"}}, form="lines"),
    "ollama calls": _repeated("ollama", {"message": {"tool_calls": [
        {"function": {"name": "f", "arguments": {}}}]}}, form="lines"),
    "lightspeed tokens": _repeated("lightspeed", {"event": "token", "data": {"token": "a"}}),
    "lightspeed calls": _repeated(
        "lightspeed", {"event": "tool_call", "data": {"id": "N_", "name": "f", "args": {}}},
        {"event": "tool_result", "data": {"id": "N_", "status": "success", "content": "o"}}),
    "luxx steps": _repeated("luxx", ("process_step", {"step": {
        "id": "N_", "type": "text", "content": "a"}})),
    "luxx steps and calls": _repeated(
        "luxx", ("process_step", {"step": {"id": "aN_", "type": "tool_call", "id_ref": "cN_",
                                           "name": "f", "arguments": "{}"}}),
        ("tool_result", {"id_ref": "cN_", "name": "f", "content": "o"})),
    "luxx old messages": _repeated("luxx", ("message", {"content": "a"})),
    "enclava text": _repeated("enclava", ("response.output_text.delta", {"item_id": "m",
                                                                         "delta": "a"})),
    "enclava arguments": _repeated("enclava", ("response.function_call_arguments.delta", {
        "call_id": "c", "delta": "a"})),
    "enclava calls": _repeated("enclava", ("response.output_item.added", {"item": {
        "type": "function_call", "call_id": "cN_", "name": "f", "arguments": "{}"}})),
    "an event stream byte by byte": _bytewise("chat", b'data: {"a":1}\n\n'),
    "an event without an end": _bytewise("chat", b"a", b"data: "),
    "lines without data": _bytewise("chat", b"id: 1\n"),
    "comments": _bytewise("chat", b": a\r\n"),
    "carriage returns": _bytewise("chat", b"\r", b"data: {}"),
    "JSON lines byte by byte": _bytewise("ollama", b'{"a":1}\n'),
    "a JSON value over many lines": _bytewise("ollama", b'"a":\n', b"{"),
    "an array byte by byte": _bytewise("gemini", b'{"a":1},', b"["),
    "a string in an array": _bytewise("gemini", b"a\\\\", b'[{"a":"'),
    "an array in an array": _bytewise("gemini", b"[", b"["),
    "text that is the answer": _bytewise("lightspeed", b"a "),
}  # fmt: skip


# --- text -------------------------------------------------------------------------------------


def _fed(
    make: Callable[[], Any], piece: str, start: str = "", size: int = 4
) -> Callable[[int], Work]:
    """A text fed in pieces of some characters."""

    def work_on(count: int) -> Work:
        whole = start + piece * count
        parts = [whole[n : n + size] for n in range(0, len(whole), size)]

        def work() -> None:
            taker = make()
            for part in parts:
                taker.feed(part)
            if finish := getattr(taker, "finish", None):
                finish()

        return work

    return work_on


class _Rendered:
    """A Markdown stream that is drawn with each piece."""

    def __init__(self) -> None:
        self._stream = MarkdownStream(80)

    def feed(self, text: str) -> None:
        self._stream.feed(text)
        self._stream.flush()

    def finish(self) -> None:
        self._stream.finish()


class _Coloured(ColouredText):
    """Coloured output that is looked at once it is whole."""

    def finish(self) -> None:
        self.counts(80)
        for number in range(len(self)):
            self.rows(number, 80)


def _partial_args() -> Any:
    class Taker(PartialArguments):
        def feed(self, text: str) -> None:
            self.add([{"jsonPath": text, "stringValue": "a"}])

    return Taker()


_OPENERS = (
    "\x1b",
    "\x1b[",
    "\x1b[1",
    "\x1b]",
    "\x9d",
    "\x1bP",
    "\r",
    "\t",
    "\u202e",
    "\u200b",
    "日",
)
_MARKS = ("[", "![", "*", "**", "_", "`", "``` ", "<", "<a ", "<!--", "> ", ">", "- ", "1. ", "#", "~~",
          "|", "| a ", "\\", "&", "$", "(", "[a](", "[a]: ", "a ", "日本", "\n", "\n\n", "a\n", "- a\n",
          "> a\n", "| a | b |\n", "1. a\n\n", "# a\n", "a\n===\n", "```\na\n", "    a\n", "<b>\n", "*a **b ",
          "`a", "[r]\n", "[^1]: a\n", "a  \n", "http://a.b ", "<http://a>", "~~~\n", "- - ")  # fmt: skip
_HEADS = {
    "a fence": "```py\n",
    "a table": "| a | b |\n|---|---|\n",
    "a list": "- a\n",
    "a quote": "> ",
}


def _texts() -> Iterator[tuple[str, Callable[[int], Work]]]:
    for each in _OPENERS:
        yield f"sanitiser {each!a}", _fed(Sanitizer, each)
        yield f"coloured {each!a}", _fed(_Coloured, each, size=16)
    yield "coloured line", _fed(_Coloured, "a", size=16)
    yield "coloured colours", _fed(_Coloured, "\x1b[31ma", size=16)
    yield "coloured lines", _fed(_Coloured, "\x1b[31ma\n", size=16)
    yield "coloured parameters", _fed(_Coloured, "1;", "\x1b[", size=16)
    yield "escaping", lambda n: lambda: escape_controls("\\" * n + "\r\\x" * n)
    yield "wrapped word", _fed(lambda: WordWrap(80), "a")
    yield "wrapped blanks", _fed(lambda: WordWrap(80), " ")
    for each in _MARKS:
        # Long ones: a short paragraph is another matter.
        yield f"markdown {each!a}", _fed(_Rendered, each * 5, size=600)
        yield f"markdown whole {each!a}", _fed(_Rendered, each * 5, size=10**9)
    for name, head in _HEADS.items():
        for line in ("a", "a = 'b'\n", "'''\n", "日"):
            yield f"markdown {name} of {line!a}", _fed(_Rendered, line, head, size=100)
    for each in ('{"', "[", "{", '{"a":', '{"a":1,', "\\", "\\u", "\\ud83d", '"', "a"):
        yield f"partial json {each}", _fed(PartialJson, each)
        yield f"partial json string {each}", _fed(PartialJson, each, '{"a":"')
    yield "edit of one line", _fed(StreamingEdit, "a", '{"path":"p","old":"')
    yield "edit of lines", _fed(StreamingEdit, "a\\n", '{"path":"p","new":"')
    yield "edit of paths", _fed(StreamingEdit, "a", '{"path":"')
    yield "partial arguments", _fed(_partial_args, "$.a[0].b", size=8)
    for line in ("+a b c\n", "-a b\n+a c\n", " a\n", "@@ -1 +1 @@\n", "\\ a\n", "-a\n", "-a b"):
        yield f"diff {line!a}", lambda n, line=line: lambda: diff_lines(line * n)


# --- lines, files -----------------------------------------------------------------------------

_SHELL = ("(", "((", "$(", "`", "{ ", "[ ", "[[ ", "'", '"', "\\", "$", "${", "| ", "a | ", "a ; ",
          "a && ", "a || ", "! ", "<", "<<E\n", ">", "a\n", "a ", "-a ", "* ", "**", "[a", "~", "env ",
          "xargs ", "eval ", "sh -c ", "find -exec ", "-exec ", "find . -exec a ; ", "eval 'eval ",
          "bash -c 'a ", "cd a;", "cat a.txt ", "if a; then ", "case a in ", "\u202e", "日", "#", "a=",
          "command ", "sudo env ", "su ", "watch ", "timeout 1 ", "ls;", "git -c a ", "s/a/b/;",
          "env -Sa ", "su -c ")  # fmt: skip


def _judging(piece: str, start: str = "") -> Callable[[int], Work]:
    def make(size: int) -> Work:
        world = worlds()[1]
        line = (start + piece * size)[:9900]
        return lambda: world.judge(line)

    return make


def _toml(piece: str, start: str = "", end: str = "") -> Callable[[int], Work]:
    def make(size: int) -> Work:
        text = start + "".join(piece.replace("N_", str(n)) for n in range(size)) + end

        def work() -> None:
            with suppress(ConfigFileError):
                parse_config(text, Path("/nowhere/config.toml"))

        return work

    return make


def _own_lines(size: int) -> Work:
    at = "2026-03-04T05:06:07.890Z"
    named = {"id": "c", "title": "t", "title_from": "model", "directory": None, "origin": "app",
             "head": None, "created_at": at, "updated_at": at}  # fmt: skip
    begun = {"type": "turn.started", "conversation": "c", "input": {"text": "a", "attachments": []},
             "system": None, "model": "m", "settings": {}, "at": at}  # fmt: skip
    lines: list[Any] = [{"type": "conversation", "conversation": named}]
    lines += [
        {**begun, "turn": derived_id(str(n)), "parent": derived_id(str(n - 1))} for n in range(size)
    ]
    data = [json.dumps(line).encode() for line in lines]
    return lambda: list(read_jsonl(data, lambda _: None))


def _others() -> Iterator[Growth]:
    for each in _SHELL:
        size = max(40, 9900 // len(each) // FACTOR)
        yield Growth(f"gate {each!a}", _judging(each), min(150, size), 9900 // len(each))
        yield Growth(
            f"gate find {each!a}", _judging(each, "find "), min(150, size), 9900 // len(each)
        )
    for piece in ("[", "[a]\n", "[[a]]\n", "a = 1\n", "aN_ = 1\n", "a.", "[aN_]\n", '"', "'''", "#\n",
                  "x = {", "x = [", "\n", "é", "[providers.N_]\nprotocol='x'\n", "[aliases.N_]\n",
                  "a. ", "[ a .", "a . b . "):  # fmt: skip
        yield Growth(f"config {piece!a}", _toml(piece), most=40_000)
    rule = "{tool='shell',decision='allow',argv=['aN_']},"
    yield Growth("config rules", _toml(rule, "permissions.rules = [", "]"), 100, 8000)
    yield Growth("own export", _own_lines)


def _start(name: str) -> int:
    # Of Markdown so many that the text is longer than a short paragraph, which is another matter.
    length = len(name.rpartition("'")[0].rpartition("'")[2]) or 1
    return max(60, 1600 // (5 * length)) if name.startswith("markdown") else 300


GROWTHS = [
    *(Growth(name, make, 100) for name, make in _STREAMS.items()),
    *(Growth(name, make, _start(name)) for name, make in _texts()),
    *_others(),
]
