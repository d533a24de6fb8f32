"""The configuration reference, from the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from chatterm.config.example import toml_value
from chatterm.config.schema import Config, Example, ProviderConfig, Rule, ToolConfig
from markdown import code, table

_HEAD = """\
# Configuration

The file is TOML. `chatterm config path` says where it belongs. `chatterm config init` opens the
setup, which writes a commented one at its end; with `--defaults` it does so without asking.
`chatterm config check` tells what is wrong in it, and `chatterm config show` what counts. Another
file is named with `--config FILE` or `CHATTERM_CONFIG`. Every key may be left out.

An unknown key, a wrong type or a bad value is an error that names the file, the line or the key,
and the nearest valid name. Keys never stand in the file: they come from the environment,
a command or the system's keyring.

A project's own `.chatterm/config.toml` may only tighten what tools may do, until the directory is
trusted (see [permissions.md](permissions.md)); it never adds providers, keys or commands.

*This page is made from the code.*
"""

_NAMES = {str: "text", bool: "true or false", int: "whole number", float: "number", Any: "anything"}


def page() -> str:
    """The page, as Markdown."""
    config = Config()
    parts = [_HEAD, "## At the top", table(_HEADINGS, _rows(config))]
    for spec in fields(Config):
        value = getattr(config, spec.name)
        if spec.name == "providers":
            parts += ["## [providers.NAME]", _said(ProviderConfig), table(_HEADINGS, _provider())]
        elif is_dataclass(value):
            parts += [f"## [{spec.name}]", _said(type(value)), table(_HEADINGS, _rows(value))]
            parts += _below(spec.name, value)
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


_HEADINGS = ("key", "default", "type", "")


def _below(name: str, value: Any) -> Iterator[str]:
    """Tables that lie in a table, and lists of tables."""
    inner = [spec.name for spec in fields(value) if is_dataclass(getattr(value, spec.name))]
    if inner:
        yield f"### [{name}.TOOL]"
        yield f"For each of {', '.join(map(code, inner))}: the limits of one tool."
        yield table(_HEADINGS, _rows(ToolConfig()))
        told = [
            f"{code(f'{each.name} = {toml_value(mine)}')} for {code(tool)}"
            for tool in inner
            for each in fields(ToolConfig)
            if (mine := getattr(getattr(value, tool), each.name)) != each.default
        ]
        if told:
            yield f"Other defaults: {', '.join(told)}."
    if name == "permissions":
        yield "### permissions.rules"
        yield f"{_said(Rule)} [permissions.md](permissions.md) tells how they are matched."
        yield table(_HEADINGS, [_row(spec, _default(spec)) for spec in fields(Rule)])


def _said(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")


def _rows(value: Any) -> list[tuple[str, ...]]:
    return [
        _row(spec, getattr(value, spec.name))
        for spec in fields(value)
        if not is_dataclass(getattr(value, spec.name)) and spec.name != "providers"
    ]


def _provider() -> list[tuple[str, ...]]:
    return [_row(spec, _default(spec)) for spec in fields(ProviderConfig)]


def _default(spec: Field[Any]) -> Any:
    if spec.default is not MISSING:
        return spec.default
    return spec.default_factory() if spec.default_factory is not MISSING else None


def _row(spec: Field[Any], default: Any) -> tuple[str, ...]:
    kind, *notes = get_args(spec.type) if get_origin(spec.type) is Annotated else (spec.type,)
    text = next((note for note in notes if isinstance(note, str)), "")
    example = next((note.value for note in notes if isinstance(note, Example)), None)
    if default in (None, (), {}) and example is not None:
        text = f"{text} For example {code(toml_value(example))}."
    shown = "" if default is None else code(toml_value(default))
    return code(spec.name), shown, _type(kind), text.strip()


def _type(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type(inner[0])
    if origin in (Union, UnionType):
        return _type(next(each for each in inner if each is not NoneType))
    if origin is Literal:
        return ", ".join(map(code, inner))
    if origin is tuple:
        each = inner[0]
        if is_dataclass(each):
            return "list of tables"
        names = _type(each)
        return "list of texts" if each is str else f"list of {names}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"table of {'texts' if inner[1] is str else 'values'}"
    return _NAMES.get(kind, "path")
