"""Running the real program in a process of its own, in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nursery import Nursery
from terminals import Terminal

COMMAND = [sys.executable, "-m", "chatterm"]


@dataclass(frozen=True)
class Finished:
    """What a run of the program came to."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8")

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of `--format jsonl`."""
        return [json.loads(line) for line in self.stdout.split(b"\n") if line]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The finished steps among them."""
        return [event["step"] for event in self.events if event["type"] == "step.finished"]


class Program:
    """The program with a home directory and a configuration of its own.

    Args:
        home: An empty directory.
        nursery: Where runs start at once that need no Python of their own.
    """

    def __init__(self, home: Path, nursery: Nursery | None = None) -> None:
        self.home = home
        self._nursery = nursery
        self.config = home / "config.toml"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "xdg-config"),
            "XDG_DATA_HOME": str(home / "xdg-data"),
            "XDG_STATE_HOME": str(home / "xdg-state"),
            "XDG_CACHE_HOME": str(home / "xdg-cache"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "LANG": "C.UTF-8",
        }
        for name in ("PYTHONPATH", "COVERAGE_PROCESS_START", "PYTHONDONTWRITEBYTECODE"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def configure(self, text: str) -> None:
        """Write the configuration file and use it."""
        self.config.write_text(text, "utf-8")
        self.env["CHATTERM_CONFIG"] = str(self.config)

    def provider(self, url: str, protocol: str = "chat", **settings: str) -> None:
        """Configure one provider `p` at an address, with model `m` as the default."""
        lines = [
            'model = "p/m"',
            "[providers.p]",
            f'protocol = "{protocol}"',
            f'base_url = "{url}"',
        ]
        tables = settings.pop("tables", "")
        lines += [f"{key} = {value}" for key, value in settings.items()]
        self.configure("\n".join([*lines, tables, ""]))

    def run(
        self,
        *arguments: str,
        stdin: bytes | int = b"",
        timeout: float = 60,
        env: dict[str, str] | None = None,
        **options: Any,
    ) -> Finished:
        """Run it to its end; standard input is these bytes, or this descriptor."""
        cwd, env = options.pop("cwd", self.home), self.env | (env or {})
        if self._nursery is not None and not options and not _own_python(env):
            with _descriptor(stdin) as given:
                ran = self._nursery.run(arguments, env, cwd, seconds=timeout, stdin=given)
            if ran.late:
                raise subprocess.TimeoutExpired([*COMMAND, *arguments], timeout)
            return Finished(ran.status, ran.out, ran.err)
        options["stdin" if isinstance(stdin, int) else "input"] = stdin
        done = subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            timeout=timeout,
            env=env,
            check=False,
            cwd=cwd,
            **options,
        )
        return Finished(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def terminal(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        **options: Any,
    ) -> Terminal:
        """Start it at a terminal of its own.

        Args:
            arguments: Its command line.
            env: More of its environment.
            cwd: Its directory; None: its home.
            options: As of `Terminal`.
        """
        env = self.env | {"TERM": "xterm-256color"} | dict(env or {})
        cwd = cwd or self.home
        if self._nursery is not None and not _own_python(env):
            return Terminal(arguments, env, cwd, nursery=self._nursery, **options)
        return Terminal([*COMMAND, *arguments], env, cwd, **options)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start it and leave it running."""
        options.setdefault("cwd", self.home)
        env = self.env | options.pop("env", {})
        return subprocess.Popen([*COMMAND, *arguments], env=env, **options)


def _own_python(env: dict[str, str]) -> bool:
    """Whether an environment has what Python looks at while it starts."""
    mine = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHON_KEYRING_BACKEND"}
    return env.get("LANG") != "C.UTF-8" or any(
        name.startswith(("PYTHON", "LC_", "COVERAGE")) and name not in mine for name in env
    )


@contextmanager
def _descriptor(stdin: bytes | int) -> Iterator[int | None]:
    """A descriptor that gives these bytes, or that descriptor; None for `subprocess.DEVNULL`."""
    if isinstance(stdin, int):
        yield None if stdin == subprocess.DEVNULL else stdin
        return
    give, put = os.pipe()

    def write() -> None:
        with os.fdopen(put, "wb") as pipe, suppress(BrokenPipeError):
            pipe.write(stdin)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield give
    finally:
        os.close(give)
        writer.join()
