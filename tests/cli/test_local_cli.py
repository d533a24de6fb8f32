"""The model on this machine, as the commands tell of it: from nothing installed to a way on."""

from __future__ import annotations

import os

import pytest

from chatterm.cli.providers import row_of
from chatterm.config import Config, all_providers
from chatterm.providers.local import models
from program import Program


@pytest.fixture
def weights(program: Program) -> None:
    """Weights, and an engine: neither is run here."""
    (data := program.home / "data" / "models").mkdir(parents=True)
    (data / "smollm2.gguf").write_bytes(b"GGUF")
    (engine := program.home / "packages" / "xllamacpp").mkdir(parents=True)
    (engine / "__init__.py").touch()
    program.env["CHATTERM_DATA_DIR"] = str(program.home / "data")
    path = [str(engine.parent), program.env.get("PYTHONPATH", "")]
    program.env["PYTHONPATH"] = os.pathsep.join(filter(None, path))


def row(program: Program) -> str:
    """What `providers` says of it."""
    lines = program.run("providers").text.splitlines()
    return " ".join(next(line for line in lines if line.startswith("local ")).split())


def test_before_a_model_is_installed_it_is_not_ready_and_says_how(program: Program) -> None:
    how = "no model installed: chatterm models install smollm2"
    assert row(program) == f"local not ready local {how}"
    assert program.run("models").status == 3
    done = program.run("ask", "-n", "hello")
    assert done.status == 3
    assert "local/" not in done.stderr


def test_install_misspelt_is_told_from_a_provider(program: Program) -> None:
    done = program.run("models", "installl", "smollm2")
    assert done.status == 2
    assert "did you mean `chatterm models install smollm2`?" in done.stderr
    done = program.run("models", "openai", "anthropic")
    assert "one provider at a time" in done.stderr
    assert "did you mean" not in done.stderr


@pytest.mark.usefixtures("weights")
def test_once_installed_everything_tells_of_it(program: Program) -> None:
    assert row(program) == "local ready local needs no key"
    done = program.run("models")
    assert (done.status, done.text) == (0, "local/smollm2\n")
    assert "none is ready" not in program.run("doctor").text


@pytest.mark.usefixtures("weights")
def test_it_is_named_as_a_way_on_and_never_chosen_by_itself(program: Program) -> None:
    done = program.run("ask", "-n", "hello")
    assert (done.status, done.text) == (3, "")
    assert "no model is configured and no provider is ready" in done.stderr
    assert "`-m local/smollm2`" in " ".join(done.stderr.split())


@pytest.mark.usefixtures("weights")
def test_it_is_no_way_on_where_another_name_was_wrong(program: Program) -> None:
    done = program.run("ask", "-n", "-m", "nobody/x", "hello")
    assert done.status == 3
    assert "smollm2" not in done.stderr


def test_without_what_runs_it_providers_says_how_to_install_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setenv("CHATTERM_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(models, "engine_is_here", lambda: False)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "smollm2.gguf").write_bytes(b"GGUF")
    found = row_of("local", all_providers(Config())["local"])
    assert found["state"] == "not ready"
    assert found["why"] == "what runs models isn't installed: pip install 'chatterm[local]'"
