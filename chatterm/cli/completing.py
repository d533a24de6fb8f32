"""What a shell may complete a word to, beyond the options themselves.

A completion asks no network and starts no program: it tells what is known here already. What it
tells is typed into a shell, and zsh evaluates it, so names that strangers made (a server's models,
a conversation's title) are told only as far as they are plain words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]*")
_NOT_PLAIN_WORDS = re.compile(r"[^\w .,-]+")
_MOST = 200
_SHOWN_OF_TITLE = 60  # characters
_SHOWN_OF_ID = 8

Completions = list[tuple[str, str]]


def _quietly(
    complete: Callable[[str], Iterable[tuple[str, str]]],
) -> Callable[[str], Completions]:
    """A completion that has nothing to say where something is wrong: nobody could read it."""

    def completed(incomplete: str) -> Completions:
        found: Completions = []
        try:
            for word, told in complete(incomplete):
                if word.startswith(incomplete) and _PLAIN_NAME.fullmatch(word):
                    found.append((word, " ".join(_NOT_PLAIN_WORDS.sub(" ", told).split())))
                if len(found) == _MOST:
                    break
        except Exception:  # noqa: BLE001 - a broken configuration is told when a command runs
            return found
        return found

    return completed


@_quietly
def models(_: str) -> Iterator[tuple[str, str]]:
    """Aliases, and what the ready providers have listed before, by `provider/model`."""
    import os

    from chatterm.config import config_path, data_dir, load_config
    from chatterm.config.known import KNOWN
    from chatterm.providers.list_cache import list_key, read_lists
    from chatterm.providers.listing import merged, ready

    where = config_path()
    config = load_config(where.path)
    yield from config.aliases.items()
    kept = read_lists(data_dir())
    usual = {each.name: each.default_model for each in KNOWN}
    for name, settings in ready(config, os.environ).items():
        listed = kept.get(list_key(name, settings))
        models = merged(settings.models, listed.models if listed else ())
        if not models and (default := usual.get(name)):
            yield f"{name}/{default}", ""
        for model in models:
            yield f"{name}/{model.id}", model.name


@_quietly
def providers(_: str) -> Iterator[tuple[str, str]]:
    """The providers that there are, by name."""
    from chatterm.config import all_providers, config_path, load_config

    for name, settings in all_providers(load_config(config_path().path)).items():
        yield name, settings.protocol


@_quietly
def conversations(incomplete: str) -> Iterator[tuple[str, str]]:
    """The newest conversations, by the beginning of their ids, with their titles."""
    from chatterm.config import data_dir
    from chatterm.store import Store

    if not data_dir().exists():
        return
    with Store.open(data_dir()) as store:
        for row in store.list(limit=_MOST):
            length = max(_SHOWN_OF_ID, len(incomplete))
            yield row.conversation.id[:length], row.conversation.title[:_SHOWN_OF_TITLE]


@_quietly
def tools(_: str) -> Iterator[tuple[str, str]]:
    """What a model may be given."""
    from chatterm.config.schema import TOOLS

    yield "all", "those that are enabled"
    for name in TOOLS:
        yield name, ""


@_quietly
def efforts(_: str) -> Iterator[tuple[str, str]]:
    """How hard a model may be asked to think."""
    from chatterm.config.schema import EFFORTS

    for name in EFFORTS:
        yield name, ""


@_quietly
def sandboxes(_: str) -> Iterator[tuple[str, str]]:
    """The kinds of cage."""
    for name in ("auto", "bubblewrap", "landlock", "sandbox-exec", "none"):
        yield name, ""


@_quietly
def modes(_: str) -> Iterator[tuple[str, str]]:
    """The permission modes."""
    from chatterm.config.schema import MODES

    for name in MODES:
        yield name, ""
