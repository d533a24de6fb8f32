"""The user's own rules in the configuration file: added and removed, the rest left as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatterm.config.editing import edit_config
from chatterm.config.schema import Rule
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
            _append(document, rule)

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
    edit_config(
        path,
        lambda document, config: change(document, config.permissions.rules),
        "permissions.rules",
        "no rule can be changed in it",
    )


def _append(document: TOMLDocument, rule: Rule) -> None:
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
        raise TypeError("permissions.rules isn't a list")
