"""Plain words of the command line taken as what they are, without loading a validator for them.

From 0.29 on typer hands each word to pydantic, and loading that takes a third of a short command's
time. A text, a readable path, a choice or a count that is plainly right needs no validator; what
else there is goes to typer, with its checks and its messages. Earlier versions of typer need no
stand-in, and get none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

_UNCLEAR = object()  # typer has to say what this is


def take_plainly(command: Any) -> None:
    """Let a command and those under it take plain words as they are."""
    known = command.get_params

    def get_params(ctx: Any) -> Any:
        params = known(ctx)  # with `--help`, which is made only here
        for param in params:
            if param.param_type_name == "argument":  # PROMPT, not PROMPT <list[str]>
                param.display_type_rich = _no_type
            made = getattr(param, "get_runtime_param", None)
            if made is not None and not isinstance(made, _StandIn):
                param.get_runtime_param = _StandIn(param.type_descriptor, made)
        return params

    command.get_params = get_params
    for each in getattr(command, "commands", {}).values():
        take_plainly(each)


def _no_type(ctx: Any) -> str:  # noqa: ARG001 - the signature of typer's own
    return ""


@dataclass(frozen=True, slots=True)
class _StandIn:
    """Stands in for what typer makes of a parameter's type, and makes that only when it must.

    Attributes:
        declared: The parameter's type, as typer describes it.
        validator: Makes typer's own.
    """

    declared: Any
    validator: Callable[[], Any]

    def __call__(self) -> _StandIn:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        taken = self._all(value) if several else self._one(value, self.declared.annotation)
        if taken is _UNCLEAR:
            return self.validator().coerce(value, param=param, ctx=ctx)
        return taken

    def _all(self, value: Any) -> Any:
        kind = self.declared.annotation
        if get_origin(kind) is not list or not isinstance(value, list | tuple):
            return _UNCLEAR
        taken = [self._one(each, get_args(kind)[0]) for each in value]
        return _UNCLEAR if any(each is _UNCLEAR for each in taken) else taken

    def _one(self, word: Any, kind: Any) -> Any:
        if kind is int and type(word) is int:
            return word  # a default
        if not isinstance(word, str) or not isinstance(kind, type):
            return _UNCLEAR
        if kind is str:
            return word
        if kind is Path:
            return Path(word) if _may_be_read(word) else _UNCLEAR
        if kind is int:
            return self._count(word)
        if issubclass(kind, Enum):
            return next((each for each in kind if each.value == word), _UNCLEAR)
        return _UNCLEAR

    def _count(self, word: str) -> Any:
        """A number of few digits that is in no doubt about its limits."""
        least, most = self.declared.parameter_info.min, self.declared.parameter_info.max
        if len(word) > 9 or not (word.isascii() and word.isdigit()) or most is not None:
            return _UNCLEAR
        return int(word) if least is None or int(word) >= least else _UNCLEAR


def _may_be_read(word: str) -> bool:
    """Whether a path is there to be read, or isn't there, which its command tells."""
    try:
        os.stat(word)  # noqa: PTH116 - what typer does
    except OSError:
        return True
    except ValueError:  # a zero byte
        return False
    return os.access(word, os.R_OK)
