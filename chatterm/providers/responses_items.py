"""The output items of the Responses protocol: which of them an event is about, and what is in them.

There are many kinds that a server runs itself, and more will come, so these are read by what they
have, not by a list: an item whose type ends in `_output` is a result, everything else is a call
named by its type.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from chatterm.assembly import OpenStep
from chatterm.providers.decoding import mapping, parse_arguments, sequence, text_of
from chatterm.steps import Citation, Outcome

# Where the kinds of calls keep what they were called with.
_INPUT_FIELDS = ("action", "operation", "arguments")
_CODE_FIELDS = ("code", "input")
APPROVAL = "mcp_approval_request"
_OUR_CALLS = ("function_call", "custom_tool_call")
_XAI_RUNS = "xs_call_"  # how the ids of xAI's own searches begin, though they look like our calls


@dataclass(slots=True)
class Part:
    """A streamed part of an item: the step it goes to, and what of it has come."""

    opened: OpenStep
    pieces: list[str] = field(default_factory=list)
    citations: dict[tuple[Any, ...], Citation] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Item:
    """An output item as far as it has come.

    Attributes:
        data: The item as the server last sent it; before it has, at most its type.
        index: Its `output_index`, when events gave one.
        parts: What it has streamed, by form and index.
        named: Whether the server has sent the item itself, not only what streams into it.
        final: Whether `data` is the finished item.
        done: Whether its steps are closed.
        again: It is done, and the server is sending all of it once more.
    """

    data: dict[str, Any] = field(default_factory=dict)
    index: int | None = None
    parts: dict[tuple[str, int], Part] = field(default_factory=dict)
    named: bool = False
    final: bool = False
    done: bool = False
    again: bool = False

    @property
    def kind(self) -> str:
        """The item's type; empty when the server never named it."""
        return text_of(self.data.get("type"))

    @property
    def is_call(self) -> bool:
        """Whether it is shown as a call: everything is that isn't prose or a result."""
        return self.kind not in ("", "message", "reasoning") and not self.is_result

    @property
    def is_result(self) -> bool:
        """Whether it is the result of a call that the server ran."""
        return self.kind.endswith("_output")


class ItemTable:
    """The items of a response, found by whatever an event gives to find them by.

    They are numbered by `output_index`, and their ids mean nothing, for behind some gateways every
    event brings a new one. Yet other servers send no index, or the same for all, and there the ids
    (of the item or of the call) tell items apart.

    Attributes:
        all: The items in the order in which they were first heard of.
    """

    def __init__(self) -> None:
        self.all: list[Item] = []
        self._by_index: dict[int, Item] = {}
        self._by_name: dict[str, Item] = {}

    def growing(self, data: dict[str, Any], kind: str = "") -> Item:
        """The open item that a delta goes to, a new one where there is none.

        Args:
            data: The event.
            kind: The type of item that has such events, when only one has.
        """
        item = self._streamed(data)
        if item is None or item.done:
            item = self._new(data)
        if kind and not item.data:
            item.data = {"type": kind}
        return item

    def settling(self, data: dict[str, Any], kind: str = "") -> Item | None:
        """The item that the final form of a part belongs to; None when that is closed already."""
        known = self._streamed(data)
        return None if known is not None and known.done else self.growing(data, kind)

    def added(self, data: dict[str, Any]) -> Item:
        """The item that the server begins: new, unless parts of it have come before."""
        content = mapping(data.get("item"))
        item = self._find(data, *_names(data))
        if item is None and self.all and self.all[-1].index is None:
            last = self.all[-1]
            item = last if last.kind in ("", content.get("type")) else None
        if item is None or item.done or (item.named and not _same(item.data, content)):
            item = self._new(data)
        return self._register(item, data, content)

    def finished(self, data: dict[str, Any]) -> Item:
        """The item that the server ends."""
        content = mapping(data.get("item"))
        item = self._find(data, *_names(data))
        if item is None and not isinstance(data.get("output_index"), int):
            item = _first_of_kind(content, [each for each in self.all if not each.done])
        if item is None or (item.done and not _same(item.data, content)):
            item = self._new(data)
        if not item.done:
            item.final = bool(content)
            self._register(item, data, content)
        return item

    def caught_up(self, output: list[Any]) -> list[Item]:
        """The items of the finished response that the stream left out or open."""
        rest = list(self.all)
        pairs: list[tuple[dict[str, Any], Item | None]] = []
        for content in map(mapping, output):
            found = (self._by_name.get(name) for name in _names({"item": content}))
            item = next((item for item in found if item in rest), None)
            pairs.append((content, item))
            if item is not None:
                rest.remove(item)
        late = []
        for content, known in pairs:
            item = known or _first_of_kind(content, rest)
            if item is None:
                item = self._new({})
            elif item in rest:
                rest.remove(item)
            if not item.done:
                item.final = True
                late.append(self._register(item, {}, content))
        return late

    def repeats(self, data: dict[str, Any]) -> bool:
        """Whether an event is of a call that is done and that the server sends once more.

        It is that call when both its ids and its place are the same: another one could not be
        answered apart from it. What streams into it then is what has come before.
        """
        content = mapping(data.get("item"))
        if not content:
            known = self._streamed(data)
            return known is not None and known.again
        names, index = _names({"item": content}), data.get("output_index")
        item = self._by_index.get(index) if isinstance(index, int) else None
        if item is None or not item.done or len(names) < 2 or _names({"item": item.data}) != names:
            return False
        item.again = True
        return True

    def _streamed(self, data: dict[str, Any]) -> Item | None:
        """The item that an event names; the last one when it names none."""
        name, index = data.get("item_id"), data.get("output_index")
        item = self._by_name.get(name) if isinstance(name, str) else None
        if isinstance(index, int):
            if item is None or (item.index != index and item.index is not None):
                return self._by_index.get(index)
        elif item is None and not name and self.all:
            return self.all[-1]
        return item

    def _find(self, data: dict[str, Any], *names: Any) -> Item | None:
        index = data.get("output_index")
        if not isinstance(index, int):
            index = None
        for name in names:
            item = self._by_name.get(name) if isinstance(name, str) else None
            if item is not None and (index is None or item.index in (None, index)):
                return item
        return None if index is None else self._by_index.get(index)

    def _new(self, data: dict[str, Any]) -> Item:
        item = Item()
        self.all.append(item)
        return self._register(item, data, {})

    def _register(self, item: Item, data: dict[str, Any], content: dict[str, Any]) -> Item:
        """Note what an item is found by from now on, and the item itself where it came."""
        if content:
            item.data, item.named = content, True
        index = data.get("output_index")
        if isinstance(index, int):
            item.index = index
            self._by_index[index] = item
        for name in _names({**data, "item": item.data}):
            self._by_name[name] = item
        return item


def _names(data: dict[str, Any]) -> list[str]:
    """The names by which an event's item may be known."""
    item = mapping(data.get("item"))
    names = (data.get("item_id"), item.get("id"), item.get("call_id"))
    return [name for name in names if isinstance(name, str) and name]


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two forms of an item are of the same item."""
    if any(one.get(key) and one.get(key) == other.get(key) for key in ("id", "call_id")):
        return True
    return {**one, "id": None} == {**other, "id": None}


def _first_of_kind(content: dict[str, Any], items: list[Item]) -> Item | None:
    kind = content.get("type")
    return next((item for item in items if item.kind in ("", kind)), None)


# --- items that the server runs itself --------------------------------------------------------


def is_ours(item: dict[str, Any]) -> bool:
    """Whether an item is a call that chatterm is to run."""
    theirs = text_of(item.get("call_id")).startswith(_XAI_RUNS)
    return item.get("type") in _OUR_CALLS and not theirs


def hosted_name(item: dict[str, Any]) -> str:
    """What a hosted call is shown as: its type, with the tool's name where it has one."""
    kind = text_of(item.get("type")) or "item"
    name = text_of(item.get("name"))
    if name and kind in _OUR_CALLS:
        return name
    return f"{kind}:{name}" if name else kind


def hosted_call_id(item: dict[str, Any]) -> str:
    """The id by which a hosted call and its result belong together."""
    return text_of(item.get("call_id")) or text_of(item.get("id"))


def hosted_arguments(item: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """What a hosted call was called with, as text and, where it is an object, parsed."""
    for key in _INPUT_FIELDS:
        value = item.get(key)
        if isinstance(value, dict) and value:
            return json.dumps(value, ensure_ascii=False), value
        if isinstance(value, str) and value:
            return value, _parsed(value)
    for key in _CODE_FIELDS:
        if code := text_of(item.get(key)):
            return code, _parsed(code) if key == "input" else None
    if queries := sequence(item.get("queries")):
        values = {"queries": queries}
        return json.dumps(values, ensure_ascii=False), values
    return "", None


def hosted_result(item: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of the result step that a finished hosted item holds, or None for none."""
    error = item.get("error")
    if error:
        message = text_of(mapping(error).get("message"))
        if not message and (parts := sequence(mapping(error).get("content"))):
            message = _result(parts)["content"]  # what an MCP tool says of its own failure
        message = message or _as_text(error)
        return {"content": message, "ok": False, "outcome": Outcome.FAILED}
    for key in ("output", "outputs", "results"):
        value = item.get(key)
        if value not in (None, [], ""):
            return _result(value)
    if picture := text_of(item.get("result")):
        kind = text_of(item.get("output_format")) or "image"
        return {"content": f"[{kind} image, {len(picture) * 3 // 4} bytes]"}
    if item.get("status") == "failed":
        return {"content": "", "ok": False, "outcome": Outcome.FAILED}
    return None


def read_annotation(annotation: dict[str, Any]) -> Citation | None:
    """A citation from an annotation of any of the known types, or None."""
    nested = mapping(annotation.get(text_of(annotation.get("type"))))
    data = nested or annotation
    url = text_of(data.get("url"))
    title = text_of(data.get("title")) or text_of(data.get("filename"))
    title = title or text_of(data.get("file_id"))
    if not url and not title:
        return None
    start, end = data.get("start_index"), data.get("end_index")
    return Citation(
        title,
        url,
        start if isinstance(start, int) else None,
        end if isinstance(end, int) else None,
    )


def _result(value: Any) -> dict[str, Any]:
    entries = value if isinstance(value, list) else [value]
    codes = [
        code
        for entry in entries
        if isinstance(code := mapping(mapping(entry).get("outcome")).get("exit_code"), int)
    ]
    fields: dict[str, Any] = {
        "content": "\n".join(text for entry in entries if (text := _entry_text(entry)))
    }
    if codes:
        failing = next((code for code in codes if code), 0)
        fields["exit_code"] = failing
        if failing:
            fields |= {"ok": False, "outcome": Outcome.FAILED}
    return fields


def _entry_text(entry: Any) -> str:
    """An output as text; pictures by name, never their base64."""
    data = mapping(entry)
    if "stdout" in data or "stderr" in data:
        return (text_of(data.get("stdout")) + text_of(data.get("stderr"))).rstrip("\n")
    if data.get("type") in ("image", "output_image", "input_image") or "image_url" in data:
        return "[image]"
    for key in ("logs", "text", "filename"):
        if text := text_of(data.get(key)):
            return text
    return _as_text(entry)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        value = parse_arguments(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
