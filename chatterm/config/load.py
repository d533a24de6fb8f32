"""TOML to `Config`, with every problem of a file reported at once.

The reader walks the annotations of `schema.py`. A problem names the key path, its line, what is
wrong, and for an unknown name the nearest valid one. No message quotes a value that may be a key.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

from chatterm.config.keys import looks_like_key, redact
from chatterm.config.known import check_name, fill_in, misfits
from chatterm.config.paths import (
    ConfigFileError,
    KeyPath,
    Problem,
    dotted,
    line_of,
    lines_of_keys,
    parse_toml,
    read_config,
)
from chatterm.config.schema import Config, Mode, Permissions, ProviderConfig, Rule

T = TypeVar("T")

_NAME_OF_A_KEY = r"(?i:(?:.*[_-])?(?:key|apikey|token|secret|password))"
_KEYS_GO = "keys never go in the file; use api_key_env, api_key_command or `chatterm key set NAME`"
_BAD = object()
_TYPE_NAMES: Mapping[type, str] = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}
# What a rule may be about, by tool. Elsewhere it would never match, and a deny rule do nothing.
_FILE_TOOLS = ("read_file", "list_files", "search", "write_file", "edit_file")
_RULE_KEYS = {
    "argv": ("shell",),
    "prefix": ("shell",),
    "host": ("fetch_url",),
    "remote": ("mcp",),
    "path": _FILE_TOOLS,
}


@dataclass(frozen=True, slots=True)
class Project:
    """What a project's own configuration adds to the user's.

    Attributes:
        path: The file's real path.
        sha256: The hash of its content, in hexadecimal; trust is given to path and hash.
        mode: The permission mode it asks for, or None.
        rules: Its permission rules.
    """

    path: Path
    sha256: str
    mode: Mode | None
    rules: tuple[Rule, ...]


def load_config(path: Path, *, required: bool = False) -> Config:
    """Read a configuration file.

    Args:
        path: The file.
        required: Whether it has to exist, as one does that was named by `--config`. Without it a
            missing file is an empty one.

    Raises:
        ConfigFileError: The file can't be read, or something in it is wrong.
    """
    try:
        data = read_config(path)
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise ConfigFileError(path, [Problem("", "there is no such file")]) from None
        return Config()
    return parse_config(data, path)


def parse_config(data: bytes | str, path: Path) -> Config:
    """Read a configuration from its text; `path` is for messages and relative file names.

    Raises:
        ConfigFileError: Something in it is wrong.
    """
    text, document = parse_toml(data, path)
    reader = _Reader(path.parent)
    config = reader.table(Config, document, ())
    if isinstance(config, Config):
        reader.check_names(config)
    reader.raise_problems(text, path)
    return cast("Config", config)


def parse_table(base: type[T], data: bytes | str, path: Path) -> T:
    """Read a file of ours that holds no configuration, by the same rules.

    Args:
        base: The dataclass that its table is read as.
        data: Its text.
        path: For messages.

    Raises:
        ConfigFileError: Something in it is wrong.
    """
    text, document = parse_toml(data, path)
    reader = _Reader(path.parent)
    made = reader.table(base, document, ())
    reader.raise_problems(text, path)
    return cast("T", made)


def load_project(
    path: Path, *, trusts: Callable[[Path, str], bool] | None = None
) -> Project | None:
    """Read a project's `.chatterm/config.toml`.

    It may hold `permissions.mode` as plan or confirm, and `permissions.rules` that ask or deny. A
    trusted one may also hold rules that allow.

    Args:
        path: The file.
        trusts: Given the file's real path and the hash of what was read, whether the user trusts
            it. None: nothing is trusted.

    Returns:
        What it says, or None when there is no such file.

    Raises:
        ConfigFileError: It can't be read, something in it is wrong, or it does more than tighten.
    """
    import hashlib

    path = path.resolve()
    try:
        if path.exists() and not path.is_file():
            raise ConfigFileError(path, [Problem("", "isn't a regular file")])
        data = read_config(path)
    except FileNotFoundError:
        return None
    digest = hashlib.sha256(data).hexdigest()
    text, document = parse_toml(data, path)
    reader = _Reader(path.parent)
    table = document.get("permissions", {})
    permissions = reader.table(Permissions, table, ("permissions",))
    reader.check_tightens(document, trusted=trusts is not None and trusts(path, digest))
    reader.raise_problems(text, path)
    made = cast("Permissions", permissions)
    return Project(path, digest, made.mode if "mode" in table else None, made.rules)


def tighten(permissions: Permissions, project: Project) -> Permissions:
    """The user's permissions with a project's added.

    Rules are put together: deny comes before ask and ask before allow, so theirs can't loosen ours.
    Of the two modes the stricter counts: plan, then confirm, then any other.
    """
    mode = stricter(permissions.mode, project.mode)
    return Permissions(mode=mode, rules=permissions.rules + project.rules)


def stricter(mode: Mode, project: Mode | None) -> Mode:
    """The mode that counts where a project asks for one: plan, then confirm, then any other."""
    asked = project == "plan" or (project == "confirm" and mode != "plan")
    return project if project is not None and asked else mode


class _Reader:
    """Turns TOML values into the schema's, and collects what is wrong on the way."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.found: list[tuple[KeyPath, str]] = []

    def problem(self, where: KeyPath, message: str) -> object:
        self.found.append((where, message))
        return _BAD

    def raise_problems(self, text: str, path: Path) -> None:
        if self.found:
            lines = lines_of_keys(text)
            problems = (
                Problem(dotted(key), redact(what), line_of(lines, key)) for key, what in self.found
            )
            raise ConfigFileError(path, sorted(problems, key=lambda one: one.line or 0))

    def table(self, base: object, data: object, where: KeyPath) -> object:
        """A dataclass from a TOML table; `base` is the class, or an instance with the defaults."""
        if not isinstance(data, dict):
            return self.problem(where, f"must be a table, not {_named(data)}")
        cls = base if isinstance(base, type) else type(base)
        specs: dict[str, Field[Any]] = {spec.name: spec for spec in fields(cast("Any", cls))}
        given: dict[str, Any] = {}
        for name, raw in data.items():
            if name in specs:
                default = specs[name].default if cls is base else getattr(base, name)
                given[name] = self.value(specs[name].type, raw, (*where, name), default)
            else:
                given[name] = self._unknown((*where, name), raw, specs)
        for name, spec in specs.items():
            if name not in given and spec.default is spec.default_factory is MISSING:
                given[name] = self.problem((*where, name), "is missing")
        if _BAD in given.values():
            return _BAD
        if cls is not base:
            return replace(cast("Any", base), **given)
        return cast("Callable[..., object]", cls)(**given)

    def value(self, annotation: object, raw: object, where: KeyPath, default: object) -> object:
        """One value, converted to what its annotation says and checked."""
        checks: list[Callable[[Any], str | None]] = []
        if get_origin(annotation) is Annotated:
            annotation, *notes = get_args(annotation)
            checks = [note for note in notes if callable(note)]
        if get_origin(annotation) in {Union, types.UnionType}:
            annotation = next(one for one in get_args(annotation) if one is not types.NoneType)
        if _misplaced_key(where, raw):
            return self.problem(where, f"holds what looks like a key; {_KEYS_GO}")
        value = self._converted(annotation, raw, where, default)
        if value is not _BAD:
            for wrong in filter(None, (check(value) for check in checks)):
                return self.problem(where, wrong)
        return value

    def _converted(self, kind: object, raw: object, where: KeyPath, default: object) -> object:
        origin, arguments = get_origin(kind), get_args(kind)
        if kind is Any:
            return raw
        if origin is Literal:
            return self._choice(arguments, raw, where)
        if origin is tuple:
            return self._list(arguments[0], raw, where)
        if origin is Mapping:
            return self._mapping(arguments[1], raw, where)
        if kind is ProviderConfig:
            return self._provider(raw, where)
        if kind is Rule:
            return self._rule(raw, where)
        if is_dataclass(kind):
            return self.table(default if is_dataclass(default) else kind, raw, where)
        return self._scalar(cast("type", kind), raw, where)

    def _choice(self, choices: tuple[str, ...], raw: object, where: KeyPath) -> object:
        if not isinstance(raw, str):
            return self.problem(where, f"must be a string, not {_named(raw)}")
        if raw in choices:
            return raw
        said = f"{raw[:40]!a}{nearest(raw, choices)}"
        return self.problem(where, f"must be one of {', '.join(choices)}, not {said}")

    def _list(self, item: object, raw: object, where: KeyPath) -> object:
        if not isinstance(raw, list):
            return self.problem(where, f"must be a list, not {_named(raw)}")
        values = tuple(self.value(item, one, (*where, n), None) for n, one in enumerate(raw))
        return _BAD if _BAD in values else values

    def _mapping(self, item: object, raw: object, where: KeyPath) -> object:
        if not isinstance(raw, dict):
            return self.problem(where, f"must be a table, not {_named(raw)}")
        values = {name: self.value(item, one, (*where, name), None) for name, one in raw.items()}
        return _BAD if _BAD in values.values() else values

    def _scalar(self, kind: type, raw: object, where: KeyPath) -> object:
        if kind is Path and isinstance(raw, str):
            return self._path(raw, where)
        if kind is float and type(raw) is int and abs(raw) < 2**53:
            raw = float(raw)
        if type(raw) is not kind:
            wanted = _TYPE_NAMES.get(kind, "a path (a string)")
            return self.problem(where, f"must be {wanted}, not {_named(raw)}")
        if isinstance(raw, float) and not math.isfinite(raw):
            return self.problem(where, "must be a finite number")
        return raw

    def _path(self, raw: str, where: KeyPath) -> object:
        """A file's path; a relative one is relative to the configuration file."""
        if not raw or "\0" in raw:
            return self.problem(where, "must be the path of a file")
        try:
            return self.directory / Path(raw).expanduser()
        except RuntimeError:
            return self.problem(where, "begins with a ~ that stands for no home directory")

    def _provider(self, raw: object, where: KeyPath) -> object:
        name = str(where[-1])
        if not name.isprintable() or not name or "/" in name or " " in name:
            return self.problem(where, "must have a name without spaces or slashes")
        if not isinstance(raw, dict):
            return self.table(ProviderConfig, raw, where)
        made = self.table(ProviderConfig, fill_in(name, raw), where)
        if not isinstance(made, ProviderConfig):
            return made
        wrong = misfits(made, raw)
        for key, message in wrong:
            self.problem((*where, key), message)
        if wrong:
            return _BAD
        return replace(made, base_url=made.base_url.rstrip("/")) if made.base_url else made

    def _rule(self, raw: object, where: KeyPath) -> object:
        made = self.table(Rule, raw, where)
        if not isinstance(made, Rule) or not isinstance(raw, dict):
            return made
        for key, tools in _RULE_KEYS.items():
            if key in raw and made.tool not in tools:
                return self.problem((*where, key), f"is only for {', '.join(tools)}")
        if made.prefix and made.argv is None:
            return self.problem((*where, "prefix"), "needs an argv to be the beginning of")
        return made

    def _unknown(self, where: KeyPath, raw: object, valid: Iterable[str]) -> object:
        name = str(where[-1])
        in_provider = where[0] == "providers" and re.fullmatch(_NAME_OF_A_KEY, name)
        if in_provider or (isinstance(raw, str) and looks_like_key(raw)):
            return self.problem(where, f"is not a setting: {_KEYS_GO}")
        near = nearest(name, valid) or f"; there are {', '.join(valid)}"
        return self.problem(where, f"is not a setting{near}")

    def check_names(self, config: Config) -> None:
        """Report a model or an alias that stands for nothing."""
        names: dict[KeyPath, str] = {("aliases", name): to for name, to in config.aliases.items()}
        if config.model is not None and config.model not in config.aliases:
            names["model",] = config.model
        if config.titles.model not in {"same", "off", *config.aliases}:
            names["titles", "model"] = config.titles.model
        for where, target in names.items():
            if (error := check_name(target, config)) is not None:
                self.problem(where, f"{error.message}; {error.hint}")

    def check_tightens(self, document: Mapping[str, Any], *, trusted: bool) -> None:
        """Report what a project's file may not say."""
        for name in document.keys() - {"permissions"}:
            what = "is not for a project's file: it may only tighten [permissions]"
            if name == "generation":
                what += "; a project's system prompt goes into .chatterm/system.md"
            self.problem((name,), what)
        table = document.get("permissions")
        if not isinstance(table, dict):
            return
        if table.get("mode", "plan") not in ("plan", "confirm"):
            self.problem(("permissions", "mode"), "may only be plan or confirm in a project's file")
        rules = table.get("rules")
        for n, rule in enumerate(rules if isinstance(rules, list) and not trusted else ()):
            if isinstance(rule, dict) and rule.get("decision") == "allow":
                where = ("permissions", "rules", n, "decision")
                self.problem(where, "may not be allow until the directory is trusted")


def _misplaced_key(where: KeyPath, raw: object) -> bool:
    """Whether a provider's setting holds a key. Headers and body may: some want a second one."""
    if not isinstance(raw, str) or where[0] != "providers" or len(where) < 3:
        return False
    return where[2] not in {"headers", "body"} and looks_like_key(raw)


def _named(raw: object) -> str:
    return _TYPE_NAMES.get(type(raw), "a date or time")


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of a message about an unknown name: the valid one that it resembles, if any."""
    from collections import Counter
    from difflib import SequenceMatcher, get_close_matches

    def likeness(each: str) -> float:
        # Letters that changed places count little: `modles` is meant as model rather than mode.
        shared = (Counter(name) & Counter(each)).total()
        return SequenceMatcher(None, name, each).ratio() + 2 * shared / (len(name) + len(each))

    near = get_close_matches(name, list(valid))
    return f"; did you mean {max(near, key=likeness)}?" if near else ""
