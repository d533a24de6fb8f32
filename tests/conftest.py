"""Fixtures that many tests use."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from faultserver import FaultServer
from nursery import Nursery
from program import Program

# The same examples each time: a failure here is one that everybody has. With
# `--hypothesis-profile=search` others are tried.
# No example has a deadline: a busy machine takes long for what it does for the first time.
settings.register_profile("same", derandomize=True, database=None, deadline=None, max_examples=40)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile("same")

# A shell starts what runs in its background deaf to these, and so would be every program that a
# test starts and interrupts. `nohup` makes it deaf to the end of its terminal, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Spread whole directories over the processors unless told otherwise.

    Not an option in pyproject.toml, which `-p no:xdist` would then fail on. `-n 0` runs everything
    in this process, as a single file, a debugger and output that isn't captured do by themselves.
    """
    options = config.option
    told = getattr(options, "numprocesses", 0) is not None or options.dist != "no"
    if told or hasattr(config, "workerinput"):  # or xdist isn't there, or we are one of its workers
        return
    whole = all(Path(each.partition("::")[0]).is_dir() for each in config.args)
    if whole and options.capture != "no" and not options.usepdb:
        options.numprocesses, options.dist = "auto", "worksteal"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A scripted HTTP server on loopback."""
    with FaultServer() as running:
        yield running


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Runs of the program that start at once."""
    with Nursery() as running:
        yield running


@pytest.fixture
def program(tmp_path: Path, nursery: Nursery) -> Program:
    """The real program, with nothing configured."""
    home = tmp_path / "home"
    home.mkdir()
    return Program(home, nursery)
