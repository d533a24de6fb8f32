"""`chatterm config`: path, show, check, init."""

from __future__ import annotations

import stat

import pytest
from typer.testing import CliRunner

from chatterm.cli.config import app
from chatterm.config import Config, load_config
from chatterm.config.example import example_toml
from chatterm.errors import ConfigError, ExitStatus


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "conf" / "config.toml"
    path.parent.mkdir()
    monkeypatch.setenv("CHATTERM_CONFIG", str(path))
    return path


def run(*args: str) -> str:
    result = CliRunner().invoke(app, args)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_path_prints_the_path_and_nothing_else(file):
    assert run("path") == f"{file}\n"


def test_check_says_ok(file):
    file.write_text("theme = 'fjord'")
    assert run("check") == f"{file}: ok\n"


def test_check_without_a_file_is_ok_unless_one_was_named(file, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="there is no such file"):
        run("check")
    monkeypatch.delenv("CHATTERM_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "ok (there is no file; defaults count)" in run("check")


def test_check_reports_all_problems_and_ends_with_3(file):
    file.write_text("theme = 1\nmodle = 'x'")
    with pytest.raises(ConfigError) as caught:
        run("check")
    assert "line 1: theme: " in caught.value.message
    assert "line 2: modle: " in caught.value.message
    assert caught.value.exit_status is ExitStatus.CONFIG == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme = 'drak'", "line 1: theme: there is no theme named 'drak'; did you mean dark?"),
        ("theme = 'xyzzy'", "line 1: theme: there is no theme named 'xyzzy'; there are auto, "),
        (
            "[ui.keys]\nmodles = 'f3'",
            "line 2: ui.keys.modles: there is no such action; did you mean model?",
        ),
        (
            "[ui.keys]\nmodel = 'crtl+x'",
            "line 2: ui.keys.model: 'crtl+x' is no key; did you mean ctrl+x?",
        ),
        ("ui.keys.vim = 'yes'", "line 1: ui.keys.vim: must be on or off"),
    ],
)
def test_check_reports_themes_and_keys_that_the_app_does_not_take(file, text, said):
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        run("check")
    assert caught.value.message.startswith(f"{file}: {said}")


def test_check_reports_what_only_the_app_knows_with_all_the_rest(file):
    file.write_text("theme = 'drak'\nmodle = 'x'\n[ui.keys]\nfind = 'ctrl+fx'\nquit = 3")
    with pytest.raises(ConfigError) as caught:
        run("check")
    first, *lines = caught.value.message.split("\n")
    assert first == f"{file}: 4 problems"
    assert [line.split(": ")[1] for line in lines] == [
        "theme",
        "modle",
        "ui.keys.find",
        "ui.keys.quit",
    ]


def test_check_reports_a_theme_of_the_users_own_that_is_wrong(file):
    file.write_text("theme = 'mine'")
    themes = file.parent / "themes"
    themes.mkdir()
    (themes / "mine.toml").write_text("inherits = 'dark'\ncolors = {}")
    with pytest.raises(ConfigError) as caught:
        run("check")
    assert f"line 1: theme: {themes / 'mine.toml'}: line 2: colors: " in caught.value.message
    assert "did you mean colours?" in caught.value.message


def test_check_reports_a_theme_that_cannot_be_read(file):
    file.write_text("theme = 'bad'")
    themes = file.parent / "themes"
    themes.mkdir()
    (themes / "bad.toml").write_text(
        "inherits = 'dark'\n[colours]\nbackground = '#10151a'\ntext = '#202020'"
    )
    with pytest.raises(ConfigError) as caught:
        run("check")
    assert "bad.toml: line 4: colours.text: has a contrast of 1.1" in caught.value.message


def test_show_prints_a_configuration_that_can_be_loaded(file, tmp_path):
    file.write_text(
        "model = 'fast'\naliases.fast = 'box/llama3'\nui.keys.quit = 'ctrl+q'\n"
        "[providers.box]\nprotocol = 'ollama'\nbase_url = 'http://10.0.0.1:11434'\n"
        "[[permissions.rules]]\ntool = 'shell'\nargv = ['git', 'status']\ndecision = 'allow'"
    )
    shown = tmp_path / "shown.toml"
    shown.write_text(run("show"))
    assert load_config(shown) == load_config(file)


def test_show_says_what_is_only_a_default_and_where_the_rest_is_from(file, monkeypatch):
    monkeypatch.setenv("XAI_API_KEY", "k-very-secret")
    file.write_text("theme = 'x'")
    lines = run("show").splitlines()
    assert lines[0] == f"# {file} (CHATTERM_CONFIG)"
    assert "# the provider xai is ready: XAI_API_KEY is set" in lines
    assert 'theme = "x"' in lines
    assert "fps = 30  # default" in lines
    assert "very-secret" not in "".join(lines)


def test_show_hides_secrets(file):
    file.write_text(
        "[providers.openai]\nproxy = 'http://ada:hunter2@proxy:3128'\n"
        "[providers.openai.headers]\nAuthorization = 'Basic aHVudGVyMg=='\n"
        "X-Team-Token = 'hunter2'\nX-Team = 'tools'\n"
        "X-Note = 'sk-proj-0123456789abcdefghijklmnop'\n"
        "[providers.openai.body]\nmetadata = { password = 'hunter2', max_tokens = 5 }"
    )
    shown = run("show")
    for secret in ("hunter2", "aHVudGVyMg", "0123456789abcdef"):
        assert secret not in shown
    assert "http://[redacted]@proxy:3128" in shown
    assert 'X-Team = "tools"' in shown
    assert "max_tokens = 5" in shown


def test_init_writes_the_example_for_its_owner_only(tmp_path, monkeypatch):
    file = tmp_path / "new" / "dir" / "config.toml"
    monkeypatch.setenv("CHATTERM_CONFIG", str(file))
    assert run("init") == f"{file}\n"
    assert file.read_text(encoding="utf-8") == example_toml()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_config(file) == Config()


def test_init_replaces_a_file_only_with_force(file):
    file.write_text("theme = 'mine'")
    with pytest.raises(ConfigError, match="exists") as caught:
        run("init")
    assert "--force" in caught.value.hint
    assert file.read_text() == "theme = 'mine'"
    run("init", "--force")
    assert file.read_text(encoding="utf-8") == example_toml()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["config.toml"]


def test_init_with_force_keeps_a_link(file, tmp_path):
    real = tmp_path / "dotfiles.toml"
    real.write_text("")
    file.symlink_to(real)
    run("init", "--force")
    assert file.is_symlink()
    assert real.read_text(encoding="utf-8") == example_toml()


def test_init_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "plain").touch()
    monkeypatch.setenv("CHATTERM_CONFIG", str(tmp_path / "plain" / "config.toml"))
    with pytest.raises(ConfigError, match="can't be written"):
        run("init")
