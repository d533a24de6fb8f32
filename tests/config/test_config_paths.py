"""Where the files are, and which directory is the workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatterm.config import config_path, data_dir, log_dir, workspace
from chatterm.errors import ConfigError


def test_the_option_comes_before_the_variable_and_both_before_the_platforms_place(monkeypatch):
    environ = {"CHATTERM_CONFIG": "/e.toml", "CHATTERM_DATA_DIR": "/e"}
    assert config_path("/o.toml", environ).path == Path("/o.toml")
    assert config_path(None, environ).path == Path("/e.toml")
    assert data_dir("/o", environ) == Path("/o")
    assert data_dir(None, environ) == Path("/e")
    assert config_path(None, {}).path.name == "config.toml"
    assert config_path(None, {}).path.parent.name == "chatterm"
    assert "chatterm" in data_dir(None, {}).parts
    assert "chatterm" in log_dir().parts


def test_only_a_file_that_was_named_has_to_exist():
    assert config_path("/o.toml", {}).explicit
    assert config_path(None, {"CHATTERM_CONFIG": "/e.toml"}).source == "CHATTERM_CONFIG"
    assert not config_path(None, {}).explicit
    assert not config_path(None, {"CHATTERM_CONFIG": ""}).explicit


def test_a_tilde_is_the_home_directory(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert data_dir("~/data", {}) == Path("/home/ada/data")
    with pytest.raises(ConfigError, match="stands for no home directory"):
        config_path("~no-such-user-here/c.toml", {})


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home" / "code" / "deep").mkdir(parents=True)
    return tmp_path / "home"


def test_the_workspace_is_the_nearest_marked_directory(home):
    (home / "code" / ".git").mkdir()
    assert workspace(home / "code" / "deep", home=home) == home / "code"
    (home / "code" / "deep" / ".chatterm").mkdir()
    assert workspace(home / "code" / "deep", home=home) == home / "code" / "deep"


def test_a_worktrees_git_file_marks_too(home):
    (home / "code" / ".git").write_text("gitdir: elsewhere")
    assert workspace(home / "code" / "deep", home=home) == home / "code"


def test_without_a_mark_it_is_the_current_directory(home, monkeypatch):
    assert workspace(home / "code" / "deep", home=home) == home / "code" / "deep"
    monkeypatch.chdir(home / "code")
    assert workspace(home=home) == home / "code"


def test_it_is_never_the_home_directory_nor_one_above(home):
    (home / ".git").mkdir()
    (home.parent / ".git").mkdir()
    assert workspace(home / "code", home=home) == home / "code"
    assert workspace(home, home=home) is None
    assert workspace(home.parent, home=home) is None


def test_a_link_to_the_home_directory_is_the_home_directory(home, tmp_path):
    (tmp_path / "link").symlink_to(home)
    assert workspace(tmp_path / "link", home=home) is None
    assert workspace(home, home=tmp_path / "link") is None


def test_outside_the_home_directory_marks_count_all_the_way_up(home, tmp_path):
    (tmp_path / "srv" / "deep").mkdir(parents=True)
    (tmp_path / "srv" / ".git").mkdir()
    assert workspace(tmp_path / "srv" / "deep", home=home) == tmp_path / "srv"
