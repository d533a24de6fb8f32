"""Mock servers of other makers, installed from the package indexes and started on loopback.

They are kept beside the virtual environment's other files, so that they are installed once. Whoever
can't have them (no Node.js, no network) gets a test that is skipped and says why.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from faultserver import unused_port

AIMOCK = "@copilotkit/aimock"
AIMOCK_VERSION = "1.43.0"
LLMOCK_VERSION = "0.2.2"
KEPT = Path(sys.prefix) / "mocks"
INSTALL_TIMEOUT_S = 120
START_TIMEOUT_S = 20


@contextmanager
def aimock(fixtures: Sequence[dict[str, Any]], directory: Path) -> Iterator[str]:
    """The address of an `aimock` that answers from these fixtures."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js isn't installed, which aimock needs")
    with _one_at_a_time():
        script = _aimock()
    file = directory / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures}), "utf-8")
    port = unused_port()
    command = [node, str(script), "-p", str(port), "-f", str(file), "--log-level", "warn"]
    with _running(command, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def llmock() -> Iterator[str]:
    """The address of an `llmock`, which breaks answers as it is told and grades its clients."""
    with _one_at_a_time():
        program = _llmock()
    port = unused_port()
    command = [str(program), "serve", "--port", str(port), "--log-level", "warning"]
    with _running(command, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Others that test at the same time wait, rather than use what is half installed."""
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def post(url: str, body: Any) -> Any:
    """Send JSON to a server's own controls; what it answers."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def get(url: str) -> Any:
    """Ask a server's own controls."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _aimock() -> Path:
    place = KEPT / f"aimock-{AIMOCK_VERSION}"
    script = place / "node_modules" / AIMOCK / "dist" / "cli.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm isn't installed, from which aimock comes")
        options = [
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--fetch-retries=0",
            "--logs-max=0",
        ]
        what = f"{AIMOCK}@{AIMOCK_VERSION}"
        _install([npm, "install", "--prefix", str(place), *options, what], "aimock")
    return script


def _llmock() -> Path:
    place = KEPT / f"llmock-{LLMOCK_VERSION}"
    scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
    program = scripts / ("llmock.exe" if sys.platform == "win32" else "llmock")
    if not program.exists():
        venv.create(place, with_pip=True)
        pip = [str(scripts / "python"), "-m", "pip", "install", "-q", "--retries", "0"]
        _install([*pip, f"llmock=={LLMOCK_VERSION}"], "llmock")
    return program


def _install(command: list[str], name: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{name} couldn't be installed within {INSTALL_TIMEOUT_S} s")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and "log" not in line]
        pytest.skip(f"{name} couldn't be installed: {lines[-1] if lines else 'no word why'}")


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    # Its output goes to the test's own, which pytest shows when something fails.
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(process, port)
            yield
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nobody listens on port {port}")
