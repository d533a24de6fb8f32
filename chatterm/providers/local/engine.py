"""Starting and ending the process that runs a model."""

from __future__ import annotations

import asyncio
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from chatterm.errors import ErrorKind, Failure, ProviderError

_START_S = 120.0
_TEMPLATE = Path(__file__).with_name("smollm2.jinja")
_TAIL = 4000


class Engine:
    """A model's process.

    Args:
        weights: The file of its weights.
        threads: How many processors it may use.

    Attributes:
        url: Where it listens, once it does.
        key: What a request has to show; new with every process.
    """

    def __init__(self, weights: Path, threads: int = 1) -> None:
        self._weights = weights
        self._threads = threads
        self._process: asyncio.subprocess.Process | None = None
        self._said = b""
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self.url = ""
        self.key = ""

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def listening(self) -> bool:
        """Whether it can be asked: its model is loaded."""
        return self.running and bool(self.url)

    async def start(self) -> None:
        """See to it that it runs.

        Raises:
            ProviderError: It can't be started.
        """
        async with self._starting:
            if not self.running:
                await self._start()

    async def _start(self) -> None:
        self.key, self.url = secrets.token_hex(24), ""
        arguments = [str(self._weights), str(_TEMPLATE), str(self._threads)]
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "chatterm.providers.local.serve",
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl+C is ours, not its
            )
        except OSError as error:
            raise _failed(f"it can't be started: {error.strerror or error}") from error
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("both are pipes")
        self._reading = asyncio.create_task(self._keep_errors(self._process))
        line = b""
        with suppress(ConnectionError, TimeoutError):
            stdin.write(f"{self.key}\n".encode())
            await stdin.drain()
            line = await asyncio.wait_for(stdout.readline(), _START_S)
        self.url = line.decode("ascii", "replace").strip()
        if not self.url.startswith("http://127.0.0.1:"):
            await self.stop()
            raise _failed(f"it didn't begin: {self.last_words or 'it said nothing'}")

    @property
    def last_words(self) -> str:
        """The last line that it wrote as an error."""
        lines = self._said.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    async def stop(self) -> None:
        """End it, and wait until it is gone."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    async def _keep_errors(self, process: asyncio.subprocess.Process) -> None:
        """Keep the end of what it writes, so that its pipe never fills."""
        if process.stderr is not None:
            while block := await process.stderr.read(4096):
                self._said = (self._said + block)[-_TAIL:]


def _failed(reason: str) -> ProviderError:
    return ProviderError(
        Failure(
            ErrorKind.SERVER,
            f"the engine of the local model: {reason}",
            hint="`pip install 'chatterm[local]'` installs it",
        )
    )
