"""Damage that any input may have: to JSON values, to bytes, to how they are cut."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

ODD_TEXTS = (
    *(
        "",
        " ",
        "\0",
        "a",
        "\n",
        "\r",
        "\u2028",
        "\x85",
        "\ud83d",
        "\ude00",
        "\ud800",
        "\udfff\ud800",
    ),
    *("\x1b[31m", "\u202e", "e\u0301", "日本", "😀", "👩\u200d👧", "{", "}", "{}", '{"a":1}', "[]"),
    *('{"a":', '"', "\\", "<think>", "</think>", "<th", "[DONE]", "null", "x" * 3000, "é" * 700),
    *("error", "length", "stop", "refusal", "content_filter", "tool_use", "-1", "__proto__"),
)
NUMBERS = (0, 1, -1, 2, 7, -(10**18), 2**63, 10**400, 0.5, -0.5, 1e308, -1e308, float("nan"))
NUMBERS += (float("inf"), float("-inf"))
SCALARS = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(ODD_TEXTS)
VALUES = st.recursive(
    SCALARS | st.text(st.characters(exclude_categories=()), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("a", "type", "text", "id", "name", "error", "")), inner,
                          max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip
CUTS = st.lists(st.integers(0, 2000), max_size=12)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value within a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        yield from places(inner, (*path, key))


def nested(depth: int, *, kind: str = "list") -> Any:
    """A value of so many levels."""
    value: Any = "deep"
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value}
    return value


def damaged(value: Any, changes: Sequence[tuple[str, int, Any]]) -> Any:
    """A copy of a JSON value with changes: what, to which of its places, and with what."""
    value = copy.deepcopy(value)
    for what, number, other in changes:
        found = list(places(value))[1:]
        if not found:
            break
        *above, last = found[number % len(found)]
        node = value
        for key in above:
            node = node[key]
        if what == "drop":
            del node[last]
        elif what == "wrap":
            node[last] = [node[last]]
        elif what == "twice" and isinstance(node, list):
            node.insert(last, copy.deepcopy(node[last]))
        elif what == "swap" and isinstance(node, list):
            there = (last + 1) % len(node)
            node[last], node[there] = node[there], node[last]
        elif what == "rename" and isinstance(node, dict):
            node[f"x_{last}"] = node.pop(last)
        elif what == "deep":
            node[last] = nested(150 + number % 100, kind="dict" if number % 2 else "list")
        else:
            node[last] = other
    return value


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(("put", "put", "put", "drop", "drop", "twice", "swap", "wrap", "rename",
                         "deep")),
        st.integers(0, 400),
        VALUES,
    ),
    max_size=4,
)  # fmt: skip

JUNK = (
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xf0\x9f",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"data: ",
    b"event: ",
)
JUNK += (b"{", b"}", b'"', b"\\", b"[" * 300, b"\xef\xbb\xbf", b": x\n", b"\xe2\x80\xa8", b"[DONE]")
JUNK += (b"\xed\xa0\xbd", b"\\ud83d", b"data: [DONE]\n\n", b"data: null\n\n", b"-", b"1e999")


def spoilt(body: bytes, seeds: Sequence[int]) -> bytes:
    """Bytes with a change for each seed: junk put in, a part dropped, doubled, moved or flipped."""
    for seed in seeds:
        dice = random.Random(seed)
        start = dice.randrange(len(body) + 1)
        end = min(len(body), start + dice.choice((1, 1, 3, 20, 200)))
        match dice.randrange(6):
            case 0:
                body = body[:start] + dice.choice(JUNK) + body[start:]
            case 1:
                body = body[:start] + body[end:]
            case 2:
                body = body[:end] + body[start:end] + body[end:]
            case 3:
                there = dice.randrange(len(body) + 1)
                part, rest = body[start:end], body[:start] + body[end:]
                body = rest[:there] + part + rest[there:]
            case 4 if body:
                at = min(start, len(body) - 1)
                body = body[:at] + bytes([body[at] ^ (1 << dice.randrange(8))]) + body[at + 1 :]
            case _:
                body = body[:start] + dice.choice(JUNK) + body[end:]
    return body


SEEDS = st.lists(st.integers(0, 2**32), max_size=4)


def pieces(whole: Any, cuts: Sequence[int]) -> list[Any]:
    """Text or bytes cut at these places (modulo the length); some pieces are empty."""
    bounds = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    return [whole[a:b] for a, b in pairwise(bounds)]


def as_json(value: Any) -> str:
    """The JSON of a value, lone surrogates escaped."""
    return json.dumps(value, ensure_ascii=not _encodable(value))


def _encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
