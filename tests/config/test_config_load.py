"""A configuration file is read to the letter, and everything wrong in it is said at once."""

from __future__ import annotations

import string
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.config import Config, ConfigFileError, Rule, load_config, parse_config
from chatterm.config.example import toml_value
from chatterm.errors import ConfigError, ExitStatus

HERE = Path("/etc/chatterm/config.toml")
KEY = "sk-proj-0123456789abcdefghijklmnop"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        parse_config(text, HERE)
    assert KEY not in str(caught.value)
    return [str(problem) for problem in caught.value.problems]


def problem(text: str) -> str:
    (only,) = problems(text)
    return only


def test_an_empty_file_gives_the_defaults():
    assert parse_config("", HERE) == Config()


def test_the_documented_defaults():
    config = Config()
    assert config.model is None
    assert config.theme == "auto"
    assert config.permissions.mode == "confirm"
    assert (config.limits.max_rounds, config.limits.max_parallel_tools) == (50, 4)
    assert config.limits.max_cost_usd is None
    assert (config.store.save_ask, config.store.keep_days) == (True, 0)
    assert (config.stream.connect_timeout_s, config.stream.retries) == (10, 2)
    assert (config.stream.persist_interval_ms, config.stream.persist_min_chars) == (200, 1024)


def test_every_kind_of_value_is_read():
    config = parse_config(
        """
        model = "fast"
        aliases.fast = "openai/gpt-5"
        [generation]
        temperature = 1
        effort = "high"
        [tools]
        enabled = ["shell"]
        shell.timeout_s = 5
        [ui.keys]
        quit = "ctrl+q"
        [[permissions.rules]]
        tool = "shell"
        argv = ["git", "status"]
        decision = "allow"
        """,
        HERE,
    )
    assert config.aliases == {"fast": "openai/gpt-5"}
    assert config.generation.temperature == 1.0
    assert isinstance(config.generation.temperature, float)
    assert config.tools.enabled == ("shell",)
    assert config.tools.shell.timeout_s == 5
    assert config.tools.shell.max_output_bytes == Config().tools.shell.max_output_bytes
    assert config.ui.keys == {"quit": "ctrl+q"}
    assert config.permissions.rules == (
        Rule(tool="shell", argv=("git", "status"), decision="allow"),
    )


# What is wrong, and how it is said.


def test_an_unknown_key_is_named_with_the_nearest_one():
    assert problem('modle = "x"') == "line 1: modle: is not a setting; did you mean model?"
    assert problem("[stream]\nretrys = 1").endswith("did you mean retries?")
    assert problem('[[permissions.rules]]\ntool="shell"\ndecision="ask"\nargs=["a"]') == (
        "line 4: permissions.rules[0].args: is not a setting; did you mean argv?"
    )


def test_an_unknown_key_near_nothing_lists_what_there_is():
    assert problem("[store]\nzzz = 1").endswith("is not a setting; there are save_ask, keep_days")


def test_a_value_that_is_not_a_choice_names_the_choices_and_the_nearest():
    said = problem('[permissions]\nmode = "acept-edits"')
    assert said.startswith("line 2: permissions.mode: must be one of confirm, caged, accept-edits")
    assert said.endswith("not 'acept-edits'; did you mean accept-edits?")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = 1", "must be a string, not a whole number"),
        ("theme = []", "must be a string, not a list"),
        ("stream = 1", "must be a table, not a whole number"),
        ("providers.openai = 1", "must be a table, not a whole number"),
        ("permissions.rules = {}", "must be a list, not a table"),
        ("permissions.mode = {}", "must be a string, not a table"),
        ("aliases = []", "must be a table, not a list"),
        ("ui.fps = true", "must be a whole number, not true or false"),
        ("ui.fps = 30.0", "must be a whole number, not a number"),
        ("ui.mouse = 1", "must be true or false, not a whole number"),
        ("stream.idle_timeout_s = 1979-05-27", "must be a number, not a date or time"),
        ("generation.temperature = nan", "must be a finite number"),
        ("stream.idle_timeout_s = -1", "must be at least 0.1, not -1"),
        ("stream.connect_timeout_s = 0", "must be at least 0.1, not 0"),
        ("stream.total_timeout_s = -0.5", "must be at least 0, not -0.5"),
        ("stream.retries = 3", "must be at most 2, not 3"),
        ("limits.max_rounds = 0", "must be at least 1, not 0"),
        ("limits.max_cost_usd = -1", "must be at least 0, not -1"),
        ("store.keep_days = -1", "must be at least 0, not -1"),
        ("ui.fps = 0", "must be at least 1, not 0"),
        ('model = ""', "must not be empty"),
    ],
)
def test_types_and_bounds_are_checked(text, said):
    assert problem(text).endswith(said)


def test_every_problem_of_a_file_is_reported_in_the_order_of_its_lines():
    text = "colour = 1\n[stream]\nretries = -1\n[ui]\nfps = 'x'\nmarks = 'emoji'"
    assert [said.partition(":")[0] for said in problems(text)] == [
        "line 1",
        "line 3",
        "line 5",
        "line 6",
    ]
    with pytest.raises(ConfigError) as caught:
        parse_config(text, HERE)
    assert caught.value.message.startswith(f"{HERE}: 4 problems\n  line 1: colour: ")
    assert caught.value.exit_status is ExitStatus.CONFIG


def test_one_problem_is_one_line():
    with pytest.raises(ConfigFileError) as caught:
        parse_config("[ui]\nfps = 0", HERE)
    assert caught.value.message == f"{HERE}: line 2: ui.fps: must be at least 1, not 0"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[ui]\n\n# a comment\n  fps = 0", 4),
        ("ui.fps = 0", 1),
        ("[ui]\n'fps' = 0", 2),
        ("ui = { fps = 0 }", 1),
        ('[generation]\nsystem = """\n[ui]\nfps = 1\n"""\n[ui]\nfps = 0', 7),
        ("[generation]\nsystem = '\u2028'\n[ui]\nfps = 0", 4),
        ("permissions.rules = [\n  {tool='shell', decision='no'},\n]", 1),
        ("[[permissions.rules]]\ntool='shell'\ndecision='ask'\n" * 2 + "prefx=1", 7),
    ],
)  # fmt: skip
def test_the_line_is_that_of_the_key_or_of_what_holds_it(text, line):
    assert problem(text).startswith(f"line {line}: ")


def test_keys_that_are_not_plain_are_escaped():
    assert problem('"a\\u001b[2Jb\\u202e" = 1').startswith("'a\\x1b[2Jb\\u202e': ")


# The file itself.


def test_a_syntax_error_names_line_and_column():
    assert problem("model = 'x'\ntheme = = 1").startswith("line 2: isn't TOML: invalid value")
    assert "(column 9)" in problem("model = 'x'\ntheme = = 1")
    assert problem("model = ").startswith("line 1: isn't TOML: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[aliases]\nfast = 'a/b'\n\n[aliases]\nx = 'c/d'",
            "line 4: [aliases] is there already, at line 1: put the lines there",
        ),
        ("[ui.keys]\n[ui]\n[ ui.keys ]", "line 3: [ui.keys] is there already, at line 1: put"),
        ("ui.fps = 3\n[ui]", "line 2: [ui] is there already, in another form"),
        ("theme = 'a'\nfps = 1\ntheme = 'b'", "line 3: theme is set already, at line 1"),
        ('theme = "dark\nmodel = "x"', "line 1: isn't TOML: a text isn't closed"),
        ("theme = 'dark", "line 1: isn't TOML: a text isn't closed"),
        ("theme = auto", 'line 1: isn\'t TOML: texts stand in quotes, as in "auto" (column 9)'),
    ],
)
def test_what_is_usually_wrong_is_told_in_plain_words(text, said):
    assert problem(text).startswith(said)


@pytest.mark.parametrize("text", ["x = " + "[" * 50_000, "x = " + "9" * 5_000])
def test_toml_that_breaks_the_parser_is_a_problem_like_any_other(text):
    problem(text)


def test_a_file_that_is_not_utf8(tmp_path):
    (tmp_path / "c.toml").write_bytes(b"theme = 'auto'\nmodel = '\xff'")
    with pytest.raises(ConfigFileError, match=r"line 2: isn't UTF-8"):
        load_config(tmp_path / "c.toml")


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem(tmp_path):
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbftheme = 'x'\r\n[ui]\r\nfps = 10\r\n")
    assert load_config(tmp_path / "c.toml").ui.fps == 10


def test_a_directory_instead_of_a_file(tmp_path):
    with pytest.raises(ConfigFileError, match="is a directory, not a file"):
        load_config(tmp_path)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigFileError, match="can't be read: its name holds a zero byte"):
        load_config(tmp_path / "a\0b.toml")


def test_below_what_is_no_directory_there_is_no_file(tmp_path):
    (tmp_path / "plain").touch()  # as with HOME=/dev/null
    assert load_config(tmp_path / "plain" / "c.toml") == Config()
    with pytest.raises(ConfigFileError, match="there is no such file"):
        load_config(tmp_path / "plain" / "c.toml", required=True)


def test_a_file_without_end(tmp_path):
    (tmp_path / "c.toml").write_bytes(b"#" * 1_048_577)
    with pytest.raises(ConfigFileError, match="is larger than 1 MiB"):
        load_config(tmp_path / "c.toml")


def test_a_missing_file_is_an_error_only_when_it_was_named(tmp_path):
    assert load_config(tmp_path / "none.toml") == Config()
    with pytest.raises(ConfigFileError, match="there is no such file"):
        load_config(tmp_path / "none.toml", required=True)


# Providers.


def test_a_known_name_fills_in_what_its_table_leaves_out():
    provider = parse_config("[providers.openai]\nmodels = ['gpt-5-mini']", HERE).providers["openai"]
    assert provider.protocol == "responses"
    assert provider.base_url == "https://api.openai.com/v1"
    assert provider.api_key_env == "OPENAI_API_KEY"
    assert provider.models == ("gpt-5-mini",)


def test_a_table_for_a_known_name_overrides_what_it_sets():
    text = "[providers.openai]\nprotocol = 'chat'\nbase_url = 'https://proxy.example/v1/'"
    provider = parse_config(text, HERE).providers["openai"]
    assert (provider.protocol, provider.base_url) == ("chat", "https://proxy.example/v1")


def test_a_command_is_not_overruled_by_the_usual_variable():
    text = "[providers.openai]\napi_key_command = ['pass', 'openai']"
    assert parse_config(text, HERE).providers["openai"].api_key_env is None


def test_a_name_of_ones_own_needs_a_protocol_and_an_address():
    assert problem("[providers.mine]") == "line 1: providers.mine.protocol: is missing"
    assert "base_url: is missing" in problem("[providers.mine]\nprotocol = 'chat'")


def test_a_protocol_with_a_home_needs_no_address():
    text = "[providers.work]\nprotocol = 'anthropic'\napi_key_env = 'WORK_KEY'"
    assert parse_config(text, HERE).providers["work"].base_url == "https://api.anthropic.com/v1"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("api.example.com", "must be an http:// or https:// address"),
        ("ftp://example.com", "must be an http:// or https:// address"),
        ("https://", "must be an http:// or https:// address"),
        ("https://user:secret@example.com", "must not hold a user or password"),
        ("https://example.com/v1?key=secret", "must not hold a query or fragment"),
    ],
)
def test_addresses_are_checked_and_not_quoted(url, said):
    text = problem(f"[providers.mine]\nprotocol = 'chat'\nbase_url = '{url}'")
    assert said in text
    assert "secret" not in text


@pytest.mark.parametrize(
    "line",
    [
        f"api_key = '{KEY}'",
        "api_key = 'letmein'",
        "token = 'letmein'",
        f"api_key_env = '{KEY}'",
        f"api_key_command = ['echo', '{KEY}']",
        f"something = '{KEY}'",
        f"proxy = 'http://x/{KEY}'",
    ],
)
def test_a_key_in_the_file_is_refused_without_being_quoted(line):
    said = problem(f"[providers.openai]\n{line}")
    assert (
        "keys never go in the file; use api_key_env, api_key_command or `chatterm key set" in said
    )
    assert "letmein" not in said


def test_a_key_is_quoted_nowhere_else_either():
    problems(f"model = '{KEY}'\n{KEY} = 1\ntheme2 = '{KEY}'\npermissions.mode = '{KEY}'")


def test_api_key_env_is_a_variables_name():
    assert "must be the name of an environment variable" in problem(
        "[providers.openai]\napi_key_env = 'my key'"
    )


def test_headers_are_headers():
    table = "[providers.openai.headers]\n"
    assert "isn't an HTTP header's" in problem(table + "'a b' = 'x'")
    assert "control or non-ASCII" in problem(table + 'a = "x\\r\\nb: y"')
    assert "must be a string" in problem(table + "a = 1")


def test_the_body_is_free_but_has_to_be_json():
    text = "[providers.openai.body]\nprovider = { order = ['a'], x = 1.5, y = true }"
    body = parse_config(text, HERE).providers["openai"].body
    assert body == {"provider": {"order": ["a"], "x": 1.5, "y": True}}
    assert "JSON doesn't have" in problem("[providers.openai.body]\na = [{ b = 1979-05-27 }]")
    assert "JSON doesn't have" in problem("[providers.openai.body]\na = inf")


@pytest.mark.parametrize("key", ["server_state", "background"])
def test_what_a_server_keeps_is_a_setting_of_the_one_protocol_that_has_it(key):
    text = f"[providers.openai]\n{key} = true"
    assert getattr(parse_config(text, HERE).providers["openai"], key) is True
    assert 'protocol = "responses"; anthropic has no such thing: leave it out' in problem(
        f"[providers.anthropic]\n{key} = true"
    )


def test_a_server_that_keeps_conversations_anyway_is_said_to():
    assert "keeps the conversation anyway" in problem("[providers.luxx]\nserver_state = true")


def test_rules_about_what_the_provider_runs_name_a_server_and_a_tool():
    table = '{ tool = "mcp", decision = "deny", remote = "shop/find" }'
    (rule,) = parse_config(f"[permissions]\nrules = [{table}]", HERE).permissions.rules
    assert rule.remote == "shop/find"
    wrong = table.replace("mcp", "shell")
    assert "is only for mcp" in problem(f"[permissions]\nrules = [{wrong}]")
    assert "must be one of" in problem('[tools]\nenabled = ["mcp"]'), "it is no tool of ours"


def test_settings_of_one_protocol_are_refused_for_another():
    assert problem("[providers.openai]\nspeed = 'full'").endswith(
        'is only for providers with protocol = "replay"'
    )
    assert "file: is missing" in problem("[providers.old]\nprotocol = 'replay'")


def test_files_are_found_beside_the_configuration():
    text = "[providers.old]\nprotocol = 'replay'\nfile = 'stream.sse'"
    assert parse_config(text, HERE).providers["old"].file == Path("/etc/chatterm/stream.sse")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a\\u0007"])
def test_a_providers_name_can_be_written_before_a_slash(name):
    assert "without spaces or slashes" in problem(f'[providers."{name}"]\nprotocol = "demo"')


# Names and rules.


def test_a_model_or_alias_that_stands_for_nothing_is_a_problem_of_the_file():
    said = problems("model = 'fsat'\n[aliases]\nfast = 'antropic/claude'")
    assert said[0] == "line 1: model: no provider or alias is named 'fsat'; did you mean fast?"
    assert said[1] == (
        "line 3: aliases.fast: no provider is named 'antropic'; did you mean anthropic?"
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("tool = 'shel'", "did you mean shell?"),
        ("tool = 'shell', path = 'a'", "path: is only for read_file"),
        ("tool = 'read_file', argv = ['a']", "argv: is only for shell"),
        ("tool = 'read_file', host = 'a'", "host: is only for fetch_url"),
        ("tool = 'shell', argv = []", "argv: must not be empty"),
        ("tool = 'shell', argv = 'git status'", "argv: must be a list, not a string"),
        ("tool = 'shell', prefix = true", "needs an argv"),
    ],
)
def test_a_rule_that_could_never_match_is_an_error(rule, said):
    assert said in problem(f"permissions.rules = [{{ {rule}, decision = 'deny' }}]")


@pytest.mark.parametrize("part", ["a.", "a . ", "'a b'.", '"." . '])
@pytest.mark.parametrize("before", ["", "[", "x = { y = 1, "])
def test_a_key_of_very_many_parts_is_refused_before_its_parser_sees_it(part, before):
    assert problem(f"model = 'a/b'\n{before}{part * 50_000}") == "line 2: is nested too deeply"


def test_text_with_many_dots_is_no_key():
    prompt = "No. It is... v1.2.3.4, " * 100
    config = parse_config(f"generation.system = '{prompt}'", HERE)
    assert config.generation.system == prompt


def read_or_refused(text: str) -> None:
    with suppress(ConfigFileError):
        parse_config(text, HERE)


@settings(deadline=None)
@given(st.text(alphabet=string.printable + "é\u2028\x85", max_size=200))
def test_whatever_the_file_holds_the_answer_is_a_configuration_or_its_problems(text):
    read_or_refused(text)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.sampled_from(["model", "aliases", "providers.openai", "providers.x", "tools", "permissions",
                     "permissions.rules", "permissions.mode", "ui.keys", "stream.retries"]),
    _values.filter(lambda value: value is not None),
)  # fmt: skip
def test_a_value_of_any_shape_is_read_or_refused(key, value):
    try:
        text = f"{key} = {toml_value(value)}"
    except TypeError:  # TOML has no null
        return
    read_or_refused(text)
