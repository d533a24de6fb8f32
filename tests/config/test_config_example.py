"""config.example.toml is the schema, written down; and importing the configuration is cheap."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args

import pytest

import chatterm.config
from chatterm.config import Config, parse_config
from chatterm.config.example import example_toml, toml_key, toml_value
from chatterm.config.schema import ProviderConfig

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def uncommented() -> str:
    return re.sub(r"^#(?=[^ \n])", "", example_toml(), flags=re.MULTILINE)


def test_the_file_in_the_repository_is_current():
    assert EXAMPLE.read_text(encoding="utf-8") == example_toml(), (
        "config.example.toml is out of date; `chatterm config init` writes it"
    )


def test_it_loads_as_it_is_and_sets_nothing_but_defaults():
    assert parse_config(example_toml(), EXAMPLE) == Config()


def test_it_loads_with_everything_uncommented():
    config = parse_config(uncommented(), EXAMPLE)
    assert config.model == "openai/gpt-5"
    assert config.aliases == {"fast": "anthropic/claude-haiku-4-5"}
    assert config.providers["openai"].api_key_env == "OPENAI_API_KEY"
    assert config.providers["work"].api_key_command == ("pass", "work/models")


def keys_of(table: object, name: str = "") -> set[str]:
    found = set()
    for spec in fields(table):
        value = getattr(table, spec.name)
        if is_dataclass(value):
            found |= keys_of(value, f"{name}{spec.name}.")
        elif (name, spec.name) != ("", "providers"):
            found.add(f"{name}{spec.name}")
    return found


def test_every_key_is_shown():
    document = tomllib.loads(uncommented())

    def has(key: str) -> bool:
        table = document
        for part in key.split("."):
            if not isinstance(table, dict) or part not in table:
                return False
            table = table[part]
        return True

    assert [key for key in keys_of(Config()) if not has(key)] == []
    text = example_toml()
    shown = text[text.index("#[providers.openai]") : text.index("#[providers.work]")]
    for spec in fields(ProviderConfig):
        assert re.search(rf"^#(?: for example: )?{spec.name} = ", shown, flags=re.MULTILINE), (
            spec.name
        )


def test_every_key_has_a_comment():
    def without(table: object) -> list[str]:
        bare = []
        for spec in fields(table):
            inner, *notes = get_args(spec.type)
            if is_dataclass(inner):
                bare += without(inner)
            if not (any(isinstance(note, str) and note for note in notes) or inner.__doc__):
                bare.append(spec.name)
        return bare

    assert without(Config) + without(ProviderConfig) == []
    lines = example_toml().splitlines()
    for key in ('theme = "auto"', "#temperature = 0.7", "fps = 30", "#base_url = "):
        at = next(n for n, line in enumerate(lines) if line.startswith(key))
        assert lines[at - 1].startswith("# ")


def test_a_comment_is_words_and_a_setting_that_is_unset_has_no_space_before_it():
    for line in example_toml().splitlines():
        assert not re.match(r"# [a-z_]+ = [\"\[]", line), line


def test_what_is_chosen_from_a_list_shows_the_list():
    text = " ".join(example_toml().replace("\n# ", " ").split())
    assert "Choices: responses, chat, anthropic, gemini, ollama, lightspeed, luxx" in text
    assert "Choices: none, minimal, low, medium, high, xhigh, max." in text


def test_lines_stay_readable():
    assert max(map(len, example_toml().splitlines())) <= 100


@pytest.mark.parametrize(
    "value",
    ["", "plain", 'a"b\\c', "tab\tline\n", "\x7f\x00\u202e\x85", "é 🎈", 1, -1.5, 1e300, True,
     [1, "a", [True]], {"a": {"b c": 1}, "": 2}, {}],
)  # fmt: skip
def test_values_are_written_as_toml_reads_them(value):
    written = toml_value(value)
    assert tomllib.loads(f"x = {written}") == {"x": value}
    assert written.isprintable()
    assert "\n" not in written


def test_keys_are_quoted_where_they_have_to_be():
    assert toml_key("a-b_1") == "a-b_1"
    assert toml_key("a b") == '"a b"'
    assert toml_key("é") == '"é"'
    assert toml_key("") == '""'


def test_the_exports_are_sorted_and_there():
    names = chatterm.config.__all__
    assert sorted(names, key=lambda n: (not n.isupper(), n[0].islower(), n)) == names
    assert all(hasattr(chatterm.config, name) for name in names)


def test_importing_the_configuration_loads_nothing_heavy():
    heavy = "typer httpx textual rich keyring platformdirs tomllib difflib subprocess asyncio json"
    code = (
        "import sys, chatterm.config; from chatterm.config import load_config, Config;"
        f"print(*[m for m in {heavy.split()} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
