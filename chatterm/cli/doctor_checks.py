"""What `chatterm doctor` looks at: one function a subject, each returning plain data for JSON.

A check doesn't raise for what it finds: what is wrong is a finding. Only where it can't be told
which file is meant is there nothing to look at.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatterm.errors import ChattermError, ConfigError

if TYPE_CHECKING:
    from chatterm.config import Config, ProviderConfig, Stream

Facts = dict[str, Any]

REACHING_S = 5.0
"""How long a provider may take to list its models, its key included."""
_UNASKED: Facts = {
    "reachable": None,
    "models": None,
    "kind": None,
    "problem": None,
    "hint": None,
}
_RICH = frozenset({"xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty", "ghostty"})
_TOOLS = {
    "rg": "searching files quickly",
    "bwrap": "the strongest sandbox on Linux",
    "git": "telling which files are ignored, and their changes",
    "wl-copy": "copying under Wayland",
    "xclip": "copying under X11",
    "xsel": "copying under X11",
    "pbcopy": "copying on macOS",
}


def versions() -> Facts:
    """Which chatterm runs, on what."""
    from chatterm import __version__

    return {
        "version": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def paths() -> Facts:
    """Where everything is. A path that can't be told is None."""
    from chatterm.config import config_path, data_dir
    from chatterm.config.paths import log_dir, workspace

    where, work = config_path(), None
    with suppress(ConfigError):  # a current directory that was removed
        work = workspace()
    return {
        "config": str(where.path),
        "config_source": where.source,
        "config_exists": where.path.exists(),
        "data": str(data_dir()),
        "log": str(log_dir() / "chatterm.log"),
        "workspace": None if work is None else str(work),
    }


def configuration() -> tuple[Config, list[Facts]]:
    """The configuration, or the defaults where it is broken, and everything that is wrong.

    A project's own configuration is looked at, too, and whether the model, the theme and the keys
    that are named exist.
    """
    from chatterm.config import Config, config_path, load_config
    from chatterm.config.load import load_project
    from chatterm.config.paths import project_config_path, workspace
    from chatterm.tui.checking import check_file

    problems: list[Facts] = []
    config = Config()
    try:
        where = config_path()
        try:
            config = load_config(where.path, required=where.explicit)
        finally:
            if where.path.is_file():  # a pipe is read only once
                check_file(where.path)  # tells all that the other tells, and more
    except ConfigError as error:
        problems += _problems(error)
    try:
        work = workspace()
        if work is not None:
            # Rules that allow are right in a file that is trusted; whether it is, isn't asked here.
            load_project(project_config_path(work), trusts=lambda _path, _digest: True)
    except ConfigError as error:
        problems += _problems(error)
    if config.model is not None:
        problems += _unknown_model(config)
    return config, problems


def _problems(error: ConfigError) -> list[Facts]:
    from chatterm.config.paths import ConfigFileError

    if not isinstance(error, ConfigFileError):
        return [_problem(error.message)]
    return [
        _problem(each.message, file=str(error.path), key=each.key, line=each.line)
        for each in error.problems
    ]


def _problem(
    message: str, *, file: str | None = None, key: str = "", line: int | None = None
) -> Facts:
    return {"file": file, "line": line, "key": key or None, "message": message}


def _unknown_model(config: Config) -> list[Facts]:
    from chatterm.config import config_path, resolve_model
    from chatterm.providers.registry import IMPLEMENTED

    try:
        resolve_model(None, config, os.environ, IMPLEMENTED)
    except ConfigError as error:
        return [_problem(error.message, file=str(config_path().path), key="model")]
    return []


async def providers(config: Config, environ: Mapping[str, str]) -> list[Facts]:
    """Every provider that is configured or has a key: where its key is from, whether it answers.

    All are asked at once for their models, with their keys: what lists them can be used.
    """
    from chatterm.cli.providers import row_of
    from chatterm.config import all_providers
    from chatterm.providers.listing import ready

    every, asked = all_providers(config), ready(config, environ)
    rows = await asyncio.to_thread(lambda: [row_of(name, each) for name, each in every.items()])
    reached = await asyncio.gather(
        *(_reached(name, every[name], config.stream) for name in asked),
    )
    told = dict(zip(asked, reached, strict=True))
    return [
        row | {"configured": row["name"] in asked} | told.get(row["name"], _UNASKED) for row in rows
    ]


async def _reached(name: str, settings: ProviderConfig, limits: Stream) -> Facts:
    from chatterm.errors import ErrorKind
    from chatterm.providers.listing import listed

    try:
        async with asyncio.timeout(REACHING_S):
            found = await listed(name, settings, limits)
    except TimeoutError:
        problem = f"it doesn't answer within {REACHING_S:g} s"
        return _UNASKED | {"reachable": False, "kind": str(ErrorKind.TIMEOUT), "problem": problem}
    except ChattermError as error:
        return {
            "reachable": _is_reached(error),
            "models": None,
            "kind": str(error.kind),
            "problem": error.message,
            "hint": error.hint or None,
        }
    return _UNASKED | {"reachable": True, "models": len(found)}


def _is_reached(error: ChattermError) -> bool | None:
    """Whether somebody has answered; None where nobody was asked, as without a key."""
    from chatterm.errors import ErrorKind, ProviderError

    if not isinstance(error, ProviderError) or error.kind is ErrorKind.KEY_MISSING:
        return None
    nobody = {ErrorKind.NETWORK, ErrorKind.TIMEOUT, ErrorKind.TLS, ErrorKind.STREAM_CUT}
    return error.kind not in nobody


async def servers(config: Config) -> list[Facts]:
    """The model servers on this machine, and how to ask each."""
    from chatterm.providers.finding import find_servers

    told = []
    for found in await find_servers():
        provider = found.provider_in(config.providers)
        told.append(
            {
                "kind": found.kind,
                "url": found.url,
                "models": list(found.models),
                "provider": provider,
                "configuration": None if provider else found.table,
            }
        )
    return told


def keyring() -> Facts:
    """Whether the system keyring can be used."""
    from chatterm.config import keyring_state

    state = keyring_state()
    return {"usable": state.usable, "backend": state.backend, "reason": state.reason}


def sandbox() -> list[Facts]:
    """The levels of the cage, the strongest first: whether each holds here, tried out."""
    from chatterm.permissions.sandbox.probing import probe

    return [
        {
            "level": str(found.level),
            "works": found.works,
            "reason": found.reason,
            "remedy": found.remedy,
        }
        for found in probe().each
    ]


def terminal(environ: Mapping[str, str]) -> Facts:
    """What the terminal can do, as far as it tells."""
    from chatterm.cli.doctor_terminal import abilities, asked
    from chatterm.render.console import is_terminal

    streams = {"stdin": sys.stdin, "stdout": sys.stdout, "stderr": sys.stderr}
    size = shutil.get_terminal_size((0, 0))
    return {
        "term": environ.get("TERM") or None,
        "colours": colours(environ),
        "no_color": bool(environ.get("NO_COLOR")),
        "encoding": getattr(sys.stdout, "encoding", None),
        "columns": size.columns or None,
        "rows": size.lines or None,
        "terminals": [name for name, stream in streams.items() if is_terminal(stream)],
        "multiplexer": next((n.lower() for n in ("TMUX", "STY") if environ.get(n)), None),
        **abilities(environ, asked(environ)),
        "remote": any(environ.get(n) for n in ("SSH_CONNECTION", "SSH_TTY")),
    }


def colours(environ: Mapping[str, str]) -> int:
    """How many colours the terminal says it has: 0, 16, 256 or 16,777,216."""
    term = environ.get("TERM", "")
    if term in ("", "dumb"):
        return 0
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"} or "direct" in term:
        return 1 << 24
    if term in _RICH:
        return 1 << 24
    return 256 if "256" in term else 16


def store() -> Facts:
    """The health of the store, as far as a quick look shows."""
    from chatterm.config import data_dir
    from chatterm.store.health import health

    found = health(data_dir())
    return {
        "exists": found.exists,
        "bytes": found.bytes,
        "conversations": found.conversations,
        "problem": found.problem or None,
    }


def tools(environ: Mapping[str, str]) -> list[Facts]:
    """Programs that chatterm uses where they are installed, and the engine for local models."""
    from chatterm.providers.local.models import engine_is_here

    path = environ.get("PATH")
    found = [
        {"name": name, "for": use, "path": shutil.which(name, path=path)}
        for name, use in _TOOLS.items()
        if (name == "pbcopy") == (sys.platform == "darwin") or name in {"rg", "git"}
    ]
    engine = "installed" if engine_is_here() else None
    use = "running small models on this machine: pip install 'chatterm[local]'"
    return [*found, {"name": "xllamacpp", "for": use, "path": engine}]


def home_short(path: str) -> str:
    """A path as people write it: `~` for the home directory."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return path
    inside = home != os.sep and (path == home or path.startswith(home + os.sep))
    return f"~{path[len(home) :]}" if inside else path
