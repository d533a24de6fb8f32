"""What the user has decided about single directories: trust, and rules for one project.

It is kept among chatterm's own data, never in the project, which strangers write. Trust is given to
a directory by its real path, together with the content that its configuration had then: a changed
one asks again.
"""

# The annotations are what the reader goes by, so they stay objects here.
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from chatterm.config import ConfigFileError, Problem, parse_table, project_config_path
from chatterm.config.example import toml_key, toml_value
from chatterm.config.paths import read_config
from chatterm.config.schema import Rule
from chatterm.config.writing import changing, replace_file
from chatterm.permissions.rulewords import table_of

FILE_NAME = "permissions.toml"
_HEAD = (
    "# Which directories are trusted, and the rules for single projects.\n"
    "# `chatterm permissions` changes this file.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is remembered of one directory.

    Attributes:
        trusted: The hash of its configuration when it was trusted, `none` where it had none; None
            where it isn't trusted.
        rules: The user's rules for it.
    """

    trusted: Annotated[str | None, "The hash of what was trusted."] = None
    rules: Annotated[tuple[Rule, ...], "The rules for this project."] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Everything:
    projects: Annotated[Mapping[str, Remembered], "By real path."] = None  # type: ignore[assignment]


class Memory:
    """What is remembered of all directories, in one file.

    Args:
        data_dir: The directory of chatterm's own data.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME

    def of(self, workspace: Path) -> Remembered:
        """What is remembered of a directory, given by its real path.

        Raises:
            ConfigFileError: The file is damaged; it says where.
        """
        return self._read().get(str(workspace), Remembered())

    def trusts(self, workspace: Path) -> bool:
        """Whether a directory is trusted as it is now.

        Raises:
            ConfigFileError: The file, or the project's, can't be read.
        """
        trusted = self.of(workspace).trusted
        return trusted is not None and trusted == content_of(workspace)

    def trust(self, workspace: Path) -> None:
        """Trust a directory as it is now.

        Raises:
            ConfigError: It can't be written down.
        """
        content = content_of(workspace)
        self._change(workspace, lambda before: replace(before, trusted=content))

    def distrust(self, workspace: Path) -> None:
        """Trust a directory no longer.

        Raises:
            ConfigError: It can't be written down.
        """
        self._change(workspace, lambda before: replace(before, trusted=None))

    def add(self, workspace: Path, rule: Rule) -> None:
        """Keep a rule for a project.

        Raises:
            ConfigError: It can't be written down.
        """
        self._change(workspace, lambda before: replace(before, rules=_with(before.rules, rule)))

    def remove(self, workspace: Path, rule: Rule) -> None:
        """Forget a rule for a project.

        Raises:
            ConfigError: It can't be written down.
        """
        self._change(
            workspace,
            lambda before: replace(before, rules=tuple(r for r in before.rules if r != rule)),
        )

    def _read(self) -> dict[str, Remembered]:
        try:
            data = read_config(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return dict(parse_table(_Everything, data, self.path).projects or {})

    def _change(self, workspace: Path, change: Callable[[Remembered], Remembered]) -> None:
        name = str(workspace)
        if not name.isprintable():
            raise ConfigFileError(self.path, [Problem("", f"can't hold the path {name!a}")])
        with changing(self.path) as target:
            projects = self._read()
            projects[name] = change(projects.get(name, Remembered()))
            text = _text(projects)
            parse_table(_Everything, text, self.path)  # what is written can be read
            replace_file(target, text)


def content_of(workspace: Path) -> str:
    """What trust in a directory is given to, beside its path: the hash of its configuration.

    Raises:
        ConfigFileError: It can't be read.
    """
    try:
        data = read_config(project_config_path(workspace))
    except (FileNotFoundError, NotADirectoryError):
        return "none"
    return hashlib.sha256(data).hexdigest()


def _with(rules: tuple[Rule, ...], rule: Rule) -> tuple[Rule, ...]:
    return rules if rule in rules else (*rules, rule)


def _text(projects: Mapping[str, Remembered]) -> str:
    lines = [_HEAD]
    for path, found in projects.items():
        if found == Remembered():
            continue
        lines.append(f"[projects.{toml_key(path)}]")
        if found.trusted is not None:
            lines.append(f"trusted = {toml_value(found.trusted)}")
        rules = [f"    {toml_value(table_of(rule))},\n" for rule in found.rules]
        if rules:
            lines.append(f"rules = [\n{''.join(rules)}]")
        lines.append("")
    return "\n".join(lines)
