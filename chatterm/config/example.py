"""Writes `config.example.toml` from the schema: every key, its default and its comment.

Comments for people begin with "# ". A line that begins with "#" and no space is a setting without a
default: taking the "#" away sets it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from chatterm.config.schema import Config, Example, ProviderConfig

_HEAD = """\
# chatterm's configuration. Every key is shown with its default and may be left out; a line that
# begins with "#" and no space shows one that is unset. `chatterm config path` says where this file
# belongs, `chatterm config check` what is wrong with it.
"""

_PROVIDERS_HEAD = """\
# Providers. The name after the dot is yours; several may share a protocol. One whose key is in its
# usual variable (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY …) needs no table here. For a
# name that chatterm knows, what a table leaves out is filled in.
"""

# The first table shows every key; these show what a table usually looks like.
_MORE_PROVIDERS = """\
#[providers.work]
#protocol = "chat"
#base_url = "https://models.example.com/v1"
#api_key_command = ["pass", "work/models"]
#headers = { "X-Team" = "tools" }
#models = ["large", "small"]

#[providers.box]
#protocol = "ollama"
#base_url = "http://192.168.1.20:11434"

#[providers.recording]
#protocol = "replay"
#file = "stream.sse"
#speed = "recorded"
"""

_WIDTH = 98


def example_toml(chosen: Config | None = None) -> str:
    """The text of `config.example.toml`. It loads as it is, and sets nothing but defaults.

    Args:
        chosen: Whose model, theme and providers to set instead.
    """
    chosen = chosen or Config()
    parts = [_HEAD, "\n".join(_settings(chosen))]
    for spec in fields(Config):
        value = getattr(Config(), spec.name)
        if spec.name == "aliases":
            parts.append("\n".join([*_comment(spec), "[aliases]", *_entries(_example(spec))]))
        elif spec.name == "providers":
            parts += [_PROVIDERS_HEAD.rstrip(), _provider(), _MORE_PROVIDERS.rstrip()]
            parts += [_provider_table(name, each) for name, each in chosen.providers.items()]
        elif is_dataclass(value):
            parts += _tables(spec.name, value)
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def toml_value(value: object) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | Path):
        # JSON's escapes are TOML's; beyond them, what doesn't print is escaped too: DEL has to be,
        # and a text with hidden characters shows them.
        text = json.dumps(str(value), ensure_ascii=False)
        return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
    if isinstance(value, int | float):
        return repr(value)
    if is_dataclass(value):
        value = {
            spec.name: given
            for spec in fields(value)
            if (given := getattr(value, spec.name)) not in (None, spec.default)
        }
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml_key(str(k))} = {toml_value(v)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def toml_key(key: str) -> str:
    """A key as TOML writes it, quoted where it has to be."""
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else toml_value(key)


def _tables(name: str, value: object) -> Iterator[str]:
    """A table and the tables in it, each with its comments."""
    doc = (type(value).__doc__ or "").strip()
    yield "\n".join([*_wrapped(doc), f"[{name}]", *_settings(value)])
    explained: set[type] = set()  # tables of one kind explain their keys once
    for spec in fields(value):  # type: ignore[arg-type]
        inner = getattr(value, spec.name)
        if is_dataclass(inner):
            lines = _settings(inner)
            if type(inner) in explained:
                lines = (line for line in lines if not line.startswith("# "))
            explained.add(type(inner))
            yield "\n".join([*_comment(spec), f"[{name}.{spec.name}]", *lines])
        elif isinstance(inner, Mapping):
            yield "\n".join([*_comment(spec), f"[{name}.{spec.name}]"])


def _settings(value: object) -> Iterator[str]:
    """The plain keys of a table, each under its comment."""
    for spec in fields(value):  # type: ignore[arg-type]
        inner = getattr(value, spec.name)
        if is_dataclass(inner) or isinstance(inner, Mapping):
            continue
        yield from _comment(spec)
        if inner is None:
            yield f"#{spec.name} = {toml_value(_example(spec))}"
        else:
            yield f"{spec.name} = {toml_value(inner)}"
            if inner == () and (example := _example(spec)) is not None:
                yield f"# for example: {toml_value(example)}"


def _provider() -> str:
    """A provider's table with every key, all of it commented out."""
    lines = ["#[providers.openai]"]
    for spec in fields(ProviderConfig):
        default = {} if spec.default is MISSING else spec.default
        shown = default if (example := _example(spec)) is None else example
        # What only another protocol takes, or what would replace the line above, stays a comment.
        aside = spec.name in {"file", "speed", "script", "api_key_command", "auth"}
        lines += _comment(spec)
        lines.append(f"{'# for example: ' if aside else '#'}{spec.name} = {toml_value(shown)}")
    return "\n".join(lines)


def _provider_table(name: str, provider: ProviderConfig) -> str:
    """A provider's table with what it sets."""
    usual = ProviderConfig(protocol=provider.protocol)
    lines = [f"[providers.{toml_key(name)}]"]
    for spec in fields(ProviderConfig):
        value = getattr(provider, spec.name)
        if spec.name == "protocol" or value != getattr(usual, spec.name):
            lines.append(f"{spec.name} = {toml_value(value)}")
    return "\n".join(lines)


def _entries(table: Mapping[str, object]) -> list[str]:
    return [f"#{toml_key(key)} = {toml_value(value)}" for key, value in table.items()]


def _comment(spec: Field[Any]) -> list[str]:
    kind, *notes = get_args(spec.type)
    text = " ".join(note for note in notes if isinstance(note, str))
    choices = _choices(kind)
    if not all(choice in text for choice in choices):
        text += f" Choices: {', '.join(choices)}."
    return _wrapped(text)


def _choices(kind: object) -> list[str]:
    """The words a setting is chosen from: its type is a Literal, or has one inside."""
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return list(inner)
    return [choice for one in inner for choice in _choices(one)]


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return [f"# {line}" for line in wrap(text, _WIDTH)]


def _example(spec: Field[Any]) -> Any:
    return next((n.value for n in get_args(spec.type)[1:] if isinstance(n, Example)), None)
