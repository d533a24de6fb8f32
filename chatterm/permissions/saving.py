"""The user's own rules in the configuration file: added and removed, the rest left as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatterm.config import ConfigFileError, Problem, parse_config
from chatterm.config.paths import read_config
from chatterm.config.schema import Rule
from chatterm.config.writing import changing, replace_file
from chatterm.permissions.rulewords import table_of

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def add_rule(path: Path, rule: Rule) -> None:
    """Add a rule to a configuration file, which is made where it is missing.

    Comments and layout stay. A rule that is there already isn't added twice.

    Raises:
        ConfigError: The file is wrong, or can't be written; it is as it was.
    """

    def add(document: TOMLDocument, rules: tuple[Rule, ...]) -> None:
        if rule not in rules:
            _append(document, rule, path)

    _change(path, add)


def remove_rule(path: Path, rule: Rule) -> None:
    """Remove a rule from a configuration file.

    Raises:
        ConfigError: The file is wrong, or can't be written; it is as it was.
    """

    def remove(document: TOMLDocument, rules: tuple[Rule, ...]) -> None:
        written: Any = document.get("permissions", {}).get("rules", [])
        for number in reversed(range(len(rules))):
            if rules[number] == rule:
                del written[number]

    _change(path, remove)


def _change(path: Path, change: Callable[[TOMLDocument, tuple[Rule, ...]], None]) -> None:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    with changing(path) as target:
        try:
            text = read_config(path).decode("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            text = ""
        rules = parse_config(text, path).permissions.rules
        try:
            mark = text[: text.startswith("\ufeff")]  # an editor's; no part of TOML
            document = tomlkit.parse(text.removeprefix(mark))
            change(document, rules)
            changed = mark + tomlkit.dumps(document)
        except (TOMLKitError, TypeError, AttributeError) as error:
            raise _unchangeable(path, str(error)) from error
        if changed == text:
            return
        parse_config(changed, path)  # what is written can be read
        replace_file(target, changed)


def _append(document: TOMLDocument, rule: Rule, path: Path) -> None:
    import tomlkit
    from tomlkit.items import AoT, Array

    if "permissions" not in document:
        document["permissions"] = tomlkit.table()
    permissions: Any = document["permissions"]
    if "rules" not in permissions:
        permissions["rules"] = tomlkit.array().multiline(True)  # noqa: FBT003 - its own way
    rules = permissions["rules"]
    if isinstance(rules, AoT):
        table = tomlkit.table()
        table.update(table_of(rule))
        rules.append(table)
    elif isinstance(rules, Array):
        inline = tomlkit.inline_table()
        inline.update(table_of(rule))
        rules.append(inline)
    else:
        raise _unchangeable(path, "permissions.rules isn't a list")


def _unchangeable(path: Path, why: str) -> ConfigFileError:
    problem = f"no rule can be changed in it: {why}; write it by hand"
    return ConfigFileError(path, [Problem("permissions.rules", problem)])
