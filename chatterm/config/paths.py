"""Where chatterm's files are, which directory it works in, and how a configuration file is read.

Reading ends with the parsed TOML; what its values mean is `load.py`'s. A problem in a file is found
again by its key path: a small scan of the text, done only when there is something to report, gives
the line.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatterm.config.keys import redact
from chatterm.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

APP_NAME = "chatterm"
CONFIG_VARIABLE = "CHATTERM_CONFIG"
DATA_DIR_VARIABLE = "CHATTERM_DATA_DIR"
PROJECT_DIR = ".chatterm"
MAX_CONFIG_BYTES = 1_048_576

KeyPath = tuple[str | int, ...]

_BARE_KEY = r"[A-Za-z0-9_-]+"
_KEY = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DOTTED = rf"\s*{_KEY}(?:\s*\.\s*{_KEY})*\s*"
_HEADER = rf"\s*(\[\[?)({_DOTTED})\]\]?\s*(?:#.*)?"
_ASSIGNMENT = rf"({_DOTTED})="
# The parser's work on a key grows with the square of its parts: a file full of them took an hour.
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_.-]){_KEY}(?:[ \t]*+\.[ \t]*+{_KEY}){{32}}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a configuration file.

    Attributes:
        key: The key path, as TOML writes it; empty for the file as a whole.
        message: What is wrong, and what to do where that helps.
        line: The line in the file, or None where it isn't known.
    """

    key: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        return ": ".join(filter(None, (line, self.key, self.message)))


class ConfigFileError(ConfigError):
    """A configuration file is wrong.

    Attributes:
        path: The file.
        problems: Everything that is wrong in it.
    """

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        # A path is a stranger's text too: nothing in it may reach a terminal as a control.
        name = str(path) if str(path).isprintable() else ascii(str(path))
        lines = [str(problem) for problem in self.problems]
        if len(lines) == 1:
            message = f"{name}: {lines[0]}"
        else:
            message = "\n  ".join([f"{name}: {len(lines)} problems", *lines])
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class ConfigPath:
    """Where the configuration file is.

    Attributes:
        path: The file; it need not exist.
        source: What named it: `--config`, `CHATTERM_CONFIG` or `default`.
    """

    path: Path
    source: str

    @property
    def explicit(self) -> bool:
        """Whether the user named the file, so that it has to exist."""
        return self.source != "default"


_by_option: list[str] = []
"""What `--config` gave, to be told from what was in the environment before."""


def use_config(option: str) -> None:
    """Have this process, and those that it starts, use the configuration file of `--config`."""
    _by_option[:] = [str(Path(option).absolute())]  # before any --cwd
    os.environ[CONFIG_VARIABLE] = _by_option[0]


def config_path(
    option: str | Path | None = None, environ: Mapping[str, str] | None = None
) -> ConfigPath:
    """The configuration file: `--config`, else CHATTERM_CONFIG, else the platform's place."""
    environ = os.environ if environ is None else environ
    if option is not None:
        return ConfigPath(_expanded(option), "--config")
    if named := environ.get(CONFIG_VARIABLE):
        source = "--config" if named in _by_option else CONFIG_VARIABLE
        return ConfigPath(_expanded(named), source)
    from platformdirs import user_config_path  # 10 ms, not needed when the file is named

    return ConfigPath(user_config_path(APP_NAME, appauthor=False) / "config.toml", "default")


def data_dir(option: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The directory of the store: `--data-dir`, else CHATTERM_DATA_DIR, else the platform's."""
    environ = os.environ if environ is None else environ
    if named := option or environ.get(DATA_DIR_VARIABLE):
        return _expanded(named)
    from platformdirs import user_data_path

    return user_data_path(APP_NAME, appauthor=False)


def own_places(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Where chatterm's own configuration and store are: no tool is let near them unasked."""
    found = config_path(environ=environ)
    # A file that the user named may lie anywhere, among files that are not ours.
    ours = found.path if found.explicit else found.path.parent
    return (ours, data_dir(environ=environ))


def log_dir() -> Path:
    """The directory of the log files."""
    from platformdirs import user_log_path

    return user_log_path(APP_NAME, appauthor=False)


def workspace(directory: Path | None = None, *, home: Path | None = None) -> Path | None:
    """The directory that tools work in.

    It is the nearest directory at or above the current one that holds `.git` or `.chatterm`, else
    the current one. It is never the home directory or one above it, whatever they hold: that would
    open everything the user owns.

    Args:
        directory: Where to begin; None is the current directory.
        home: The home directory; None is the user's.

    Returns:
        The real path of the workspace, or None in the home directory and above it.
    """
    start = (directory or _current()).resolve()
    home = (home or _home() or Path("/nonexistent")).resolve()
    closed = {home, *home.parents}
    for candidate in (start, *start.parents):
        if candidate in closed:
            break
        if _exists(candidate / ".git") or _exists(candidate / PROJECT_DIR):
            return candidate
    return None if start in closed else start


def project_config_path(workspace_dir: Path) -> Path:
    """The configuration a project brings along; it may only tighten permissions."""
    return workspace_dir / PROJECT_DIR / "config.toml"


def read_config(path: Path) -> bytes:
    """The content of a configuration file.

    Raises:
        FileNotFoundError: There is no such file; NotADirectoryError: nor could there be one.
        ConfigFileError: It can't be read.
    """
    try:
        # A pipe is welcome (`--config <(…)`); a file without an end is not.
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):  # /dev/null is some accounts' home
        raise
    except IsADirectoryError:
        raise ConfigFileError(path, [Problem("", "is a directory, not a file")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name holds a zero byte"
        raise ConfigFileError(path, [Problem("", f"can't be read: {reason.lower()}")]) from None
    if len(data) > MAX_CONFIG_BYTES:
        raise ConfigFileError(path, [Problem("", "is larger than 1 MiB")])
    return data


def parse_toml(data: bytes | str, path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a configuration file, and the table it holds.

    Raises:
        ConfigFileError: It isn't UTF-8 or isn't TOML.
    """
    import tomllib

    try:
        text = data if isinstance(data, str) else data.decode()
        if long := _LONG_KEY.search(text):
            line = text.count("\n", 0, long.start()) + 1
            raise ConfigFileError(path, [Problem("", "is nested too deeply", line)])
        # An editor's byte order mark is no part of TOML, and no reason to fail.
        return text, tomllib.loads(text.removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigFileError(path, [Problem("", "isn't UTF-8", line)]) from None
    except RecursionError:
        raise ConfigFileError(path, [Problem("", "is nested too deeply")]) from None
    except ValueError as error:
        from chatterm.config.toml_words import told

        what, line = told(str(error), text)
        raise ConfigFileError(path, [Problem("", what, line)]) from None


def dotted(where: KeyPath) -> str:
    """The key path as TOML writes it, safe to print: `providers.openai.models[2]`."""
    shown = ""
    for part in where:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            bare = part if re.fullmatch(_BARE_KEY, part) else ascii(part)
            shown += f".{bare}" if shown else bare
    return redact(shown)


def line_of(lines: Mapping[KeyPath, int], where: KeyPath) -> int | None:
    """The line of a key, or of the nearest table or list around it that is known."""
    return next((lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines), None)


def lines_of_keys(text: str) -> dict[KeyPath, int]:
    """The line of every key that has one to itself (those in inline tables don't)."""
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    inside: str | None = None  # the quotes of a string over several lines
    for number, line in enumerate(text.split("\n"), 1):
        if inside is None and (header := re.fullmatch(_HEADER, line)):
            table = _keys(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines.setdefault(table, number)
        elif inside is None and (assignment := re.match(_ASSIGNMENT, line)):
            lines.setdefault(table + _keys(assignment[1]), number)
        for quotes in ('"""', "'''"):
            if inside in {None, quotes} and line.count(quotes) % 2:
                inside = None if inside else quotes
    return lines


def _keys(dotted: str) -> KeyPath:
    return tuple(key.strip().strip("\"'") for key in re.findall(_KEY, dotted))


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"the ~ in {str(path)!a} stands for no home directory") from None


def _current() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError("the current directory no longer exists") from None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a directory that may be passed through but not looked into
        return False


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None
