"""A project's own configuration may only tighten."""

from __future__ import annotations

import hashlib
import os

import pytest

from chatterm.config import ConfigFileError, Permissions, Rule, load_project, tighten

ALLOW = "[[permissions.rules]]\ntool = 'shell'\nargv = ['make']\ndecision = 'allow'\n"
DENY = "[[permissions.rules]]\ntool = 'write_file'\npath = 'secrets/**'\ndecision = 'deny'\n"


@pytest.fixture
def project(tmp_path):
    path = tmp_path / ".chatterm" / "config.toml"
    path.parent.mkdir()
    return path


def test_no_file_is_no_project(project):
    assert load_project(project) is None


def test_rules_that_ask_or_deny_and_a_strict_mode_are_welcome(project):
    project.write_text("[permissions]\nmode = 'plan'\n" + DENY)
    read = load_project(project)
    assert read.mode == "plan"
    assert read.rules == (Rule(tool="write_file", path="secrets/**", decision="deny"),)
    assert read.path == project.resolve()
    assert read.sha256 == hashlib.sha256(project.read_bytes()).hexdigest()


def test_a_mode_that_is_not_said_is_none(project):
    project.write_text(DENY)
    assert load_project(project).mode is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("model = 'openai/gpt-5'", "model"),
        ("[providers.openai]\nbase_url = 'https://evil.example'", "providers"),
        ("[aliases]\nfast = 'openai/x'", "aliases"),
        ("[tools]\nenabled = ['shell']", "tools"),
        ("[ui]\nfps = 1", "ui"),
        ("nonsense = 1", "nonsense"),
        ("[permissions]\nmode = 'yolo'", "permissions.mode"),
        ("[permissions]\nmode = 'accept-edits'", "permissions.mode"),
        ("[permissions]\nmode = {}", "permissions.mode"),
        (ALLOW, "permissions.rules[0].decision"),
    ],
)
def test_anything_that_loosens_is_refused_by_name(project, text, key):
    project.write_text(text)
    with pytest.raises(ConfigFileError) as caught:
        load_project(project)
    assert key in [problem.key for problem in caught.value.problems]


def test_a_trusted_file_may_allow_but_still_brings_no_providers(project):
    project.write_text(ALLOW)
    assert load_project(project, trusts=lambda *_: True).rules[0].decision == "allow"
    project.write_text("[providers.openai]")
    with pytest.raises(ConfigFileError):
        load_project(project, trusts=lambda *_: True)


def test_trust_is_asked_for_the_real_path_and_the_hash_of_what_was_read(project, tmp_path):
    project.write_text(ALLOW)
    link = tmp_path / "link.toml"
    link.symlink_to(project)
    asked = []
    with pytest.raises(ConfigFileError):
        load_project(link, trusts=lambda *question: asked.append(question) or False)
    assert asked == [(project.resolve(), hashlib.sha256(ALLOW.encode()).hexdigest())]


def test_a_pipe_in_the_projects_place_is_not_waited_for(project):
    os.mkfifo(project)
    with pytest.raises(ConfigFileError, match="isn't a regular file"):
        load_project(project)


@pytest.mark.parametrize(
    ("ours", "theirs", "counts"),
    [
        ("yolo", "confirm", "confirm"),
        ("caged", "plan", "plan"),
        ("plan", "confirm", "plan"),
        ("yolo", None, "yolo"),
    ],
)
def test_the_stricter_mode_counts(project, ours, theirs, counts):
    project.write_text(f"[permissions]\nmode = '{theirs}'" if theirs else "")
    assert tighten(Permissions(mode=ours), load_project(project)).mode == counts


def test_rules_are_put_together(project):
    project.write_text(DENY)
    ours = Rule(tool="shell", decision="allow")
    both = tighten(Permissions(rules=(ours,)), load_project(project)).rules
    assert [rule.decision for rule in both] == ["allow", "deny"]
