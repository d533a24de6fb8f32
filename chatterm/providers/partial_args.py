"""Folding arguments that come value by value, each under its JSON path (Gemini's `partialArgs`)."""

from __future__ import annotations

import re
from typing import Any

from chatterm.providers.decoding import mapping, sequence, text_of

# `.name`, `[0]`, `['a name']` or `["a name"]`
_KEY = re.compile(
    r"""\.([^.\[\]]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]"""
)
_SKIPPED = 1000  # array places that may be left out before an index is taken for nonsense

Path = tuple[str | int, ...]


def path_of(text: str) -> Path | None:
    """The keys of a JSON path such as `$.items[0].name`; None when it isn't one."""
    keys: list[str | int] = []
    at = int(text.startswith("$"))
    while at < len(text):
        match = _KEY.match(text, at)
        if match is None:
            return None
        name, index, *quoted = match.groups()
        if index is not None:
            keys.append(int(index))
        else:
            keys.append(name or re.sub(r"\\(.)", r"\1", quoted[0] or quoted[1] or ""))
        at = match.end()
    return tuple(keys) or None


class PartialArguments:
    """The arguments of one call as far as they have come.

    Attributes:
        damaged: Something came that can't be folded: the arguments aren't to be relied on.
    """

    def __init__(self) -> None:
        self.damaged = False
        self._value: dict[str, Any] = {}
        self._path: Path | None = None  # of the string that is growing
        self._pieces: list[str] = []

    @property
    def mid_string(self) -> bool:
        """Whether the end of a string hasn't come."""
        return self._path is not None

    def add(self, entries: Any) -> None:
        """Fold the entries of a `partialArgs`."""
        for entry in sequence(entries):
            if not self._add(mapping(entry)):
                self.damaged = True

    def whole(self) -> dict[str, Any]:
        """All that has come."""
        self._settle()
        return self._value

    def _add(self, entry: dict[str, Any]) -> bool:
        path = path_of(text_of(entry.get("jsonPath")))
        if path is None:
            return False
        goes_on = entry.get("willContinue") is True
        if isinstance(entry.get("stringValue"), str) or (goes_on and not _valued(entry)):
            return self._add_string(path, text_of(entry.get("stringValue")), goes_on=goes_on)
        self._settle()
        if not _valued(entry):
            return True  # only says that a string is over
        return self._put(path, entry.get("numberValue", entry.get("boolValue")))

    def _add_string(self, path: Path, text: str, *, goes_on: bool) -> bool:
        if path != self._path:
            self._settle()
            self._path = path
        self._pieces.append(text)
        return goes_on or self._settle()

    def _settle(self) -> bool:
        path, self._path = self._path, None
        text = "".join(self._pieces)
        self._pieces.clear()
        if path is None or self._put(path, text):
            return True
        self.damaged = True
        return False

    def _put(self, path: Path, value: Any) -> bool:
        """Put a value in its place; whether there is such a place."""
        node: Any = self._value
        for key, following in zip(path, (*path[1:], None), strict=True):
            last = following is None
            if isinstance(node, dict) and isinstance(key, str):
                fresh = last or key not in node
            elif isinstance(node, list) and isinstance(key, int):
                if key > len(node) + _SKIPPED:
                    return False
                fresh = last or key >= len(node) or node[key] is None
                node.extend([None] * (key + 1 - len(node)))
            else:
                return False
            if fresh:
                node[key] = value if last else _container(following)
            node = node[key]
        return True


def _valued(entry: dict[str, Any]) -> bool:
    """Whether an entry has a value that isn't a string."""
    return bool(entry.keys() & {"numberValue", "boolValue", "nullValue"})


def _container(key: str | int | None) -> dict[str, Any] | list[Any]:
    return [] if isinstance(key, int) else {}
