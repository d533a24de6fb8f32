"""Where a case happens: a home, a key, a fault server, another host, and what stands between."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from faults.certificates import certificate
from faults.fault import KEY, OTHER_HOST, Fault, Where
from faults.replies import reply, short
from faultserver import Action, Answer, FaultServer, Received, unused_port
from nursery import Ran, Runner

TICK = '#!/bin/sh\necho tick >> "$(dirname "$0")/../ticks"\necho ticked\n'
CALM = {"connect_timeout_s": 10.0, "idle_timeout_s": 30.0, "total_timeout_s": 0.0, "retries": 1}
# So long that a good answer of a busy machine comes in time, and no longer.
HASTY = {"connect_timeout_s": 8.0, "idle_timeout_s": 4.0, "total_timeout_s": 12.0, "retries": 1}
AFTER = "Done."  # what the model says once its tool has run
MADE = b'{"code": 0, "data": {"id": "lx-1"}}'


class World:
    """A home with a configuration, and a provider `p` of a protocol; a context manager.

    Args:
        protocol: The provider's protocol.
        key: Its key.
        hasty: Silence is given up soon.
        where: What stands between.
    """

    def __init__(
        self, protocol: str, key: str, *, hasty: bool = False, where: Where = Where.PLAIN
    ) -> None:
        self.protocol = protocol
        self.key = key
        self._where = where
        self._limits = HASTY if hasty else CALM
        self._stack = ExitStack()
        self._script: list[Answer] = []
        self._after = short(protocol, AFTER)
        self._opening: Answer | None = None
        self._retried: Answer | None = None  # for the same request, sent again
        self.healthy: FaultServer | None = None
        self.asked: list[Received] = []  # requests to the model, since the last script

    def __enter__(self) -> Self:
        place = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
        self.home = Path(place)
        self.work = self.home / "work"
        (self.work / ".git").mkdir(parents=True)
        tick = self.work / "tick"
        tick.write_text(TICK)
        tick.chmod(0o755)
        tls = _tls_context(self._where)
        self.server = self._stack.enter_context(FaultServer(tls))
        self.other = self._stack.enter_context(FaultServer())
        self.server.script(self._answer)
        self.configure(self._where)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    # --- the program ---

    def configure(self, where: Where) -> None:
        """Write the configuration with what stands between."""
        more, url = "", (self.healthy or self.server).url
        match where:
            case Where.REFUSED:
                url = f"http://127.0.0.1:{unused_port()}"
            case Where.NO_TLS:
                url = self.server.url.replace("http:", "https:")
            case Where.TLS:
                more = f'ca_file = "{certificate("127.0.0.1")}"\n'
            case Where.OTHER_NAME:
                more = f'ca_file = "{certificate("10.9.8.7")}"\n'
            case Where.EXPIRED:
                more = f'ca_file = "{certificate("127.0.0.1", expired=True)}"\n'
            case Where.PROXY | Where.TUNNEL:
                scheme = "http" if where is Where.PROXY else "https"
                url, more = f"{scheme}://provider.invalid", f'proxy = "{self.server.url}"\n'
        limits = "\n".join(f"{name} = {value}" for name, value in self._limits.items())
        (self.home / "config.toml").write_text(
            'model = "p/m"\ntheme = "dark"\n'
            f"[stream]\n{limits}\n"
            '[titles]\nmodel = "off"\n[ui]\nreduced_motion = true\nnotifications = false\n'
            '[tools.shell]\nsandbox = "none"\n'
            '[permissions]\nrules = [{ tool = "shell", argv = ["./tick"], decision = "allow" }]\n'
            f'[providers.p]\nprotocol = "{self.protocol}"\nbase_url = "{url}"\nmodels = ["m"]\n'
            f'api_key_env = "FAULT_KEY"\nauth = "{_AUTH.get(self.protocol, "bearer")}"\n{more}'
        )

    def mend(self) -> None:
        """Have a good server in the place of the one that nobody could reach."""
        if self._where is not Where.PLAIN:
            self.healthy = self._stack.enter_context(FaultServer())
            self.healthy.script(self._answer)
            self.configure(Where.PLAIN)

    @property
    def env(self) -> dict[str, str]:
        """The program's environment."""
        home = str(self.home)
        return {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "CHATTERM_CONFIG": f"{home}/config.toml",
            "CHATTERM_DATA_DIR": f"{home}/data",
            "XDG_STATE_HOME": f"{home}/state",
            "XDG_CACHE_HOME": f"{home}/cache",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
            "TERM": "xterm-256color",
            "FAULT_KEY": self.key,
        }

    def run(self, runner: Runner, *arguments: str) -> Ran:
        """Run the program."""
        return runner.run(arguments, self.env, self.work)

    @property
    def ticks(self) -> int:
        """How often the tool has run."""
        file = self.home / "ticks"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def places_of(self, words: str) -> list[str]:
        """The files under the home that hold some words."""
        found = words.encode()
        files = [path for path in self.home.rglob("*") if path.is_file()]
        return [str(path.relative_to(self.home)) for path in files if found in path.read_bytes()]

    # --- the server ---

    def break_with(self, fault: Fault) -> None:
        """Answer the next turn as a fault says."""
        good = reply(self.protocol)
        answers = [self._filled(answer) for answer in fault.answers(good)]
        if answers:
            answers += [answers[-1]] * ((fault.sends or 1) - len(answers))
        self.asked = []
        self._opening = answers.pop(0) if fault.opening else None
        first = [Answer(reply(self.protocol).body)] if fault.second else []
        self._script = [*first, *answers]
        self._retried = answers[-1] if fault.sends is None and answers else None
        if fault.opening:
            self._script = []

    def be_good(self, text: str) -> None:
        """Answer the next turn with a text."""
        self.asked = []
        self._opening = self._retried = None
        self._script = [Answer(short(self.protocol, text).body)]

    def _answer(self, request: Received) -> Answer:
        if request.method == "CONNECT":
            return self._script[0]
        if request.method != "POST":
            return Answer(status=404)
        if request.path.endswith("/conversations"):
            return self._opening or Answer(MADE, headers={"Content-Type": "application/json"})
        if request.path.endswith("/interrupt"):
            return Answer(b"{}", headers={"Content-Type": "application/json"})
        self.asked.append(request)
        if self._retried and [each.body for each in self.asked[-2:-1]] == [request.body]:
            return self._retried
        return self._script.pop(0) if self._script else Answer(self._after.body)

    def _filled(self, answer: Answer) -> Answer:
        """An answer with what only this run knows."""
        known = {KEY: self.key, OTHER_HOST: self.other.url}

        def fill(text: str) -> str:
            for mark, value in known.items():
                text = text.replace(mark, value)
            return text

        def fill_bytes(action: Action) -> Action:
            if isinstance(action, bytes) and b"{" in action:
                for mark, value in known.items():
                    action = action.replace(mark.encode(), value.encode())
            return action

        body = answer.body
        filled: bytes | Sequence[Any] = (
            fill_bytes(body) if isinstance(body, bytes) else [fill_bytes(each) for each in body]
        )
        headers = {name: fill(value) for name, value in answer.headers.items()}
        return replace(answer, body=filled, headers=headers)


_AUTH = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}


def _tls_context(where: Where) -> ssl.SSLContext | None:
    files = {
        Where.UNTRUSTED: ("127.0.0.1", False),
        Where.TLS: ("127.0.0.1", False),
        Where.OTHER_NAME: ("10.9.8.7", False),
        Where.EXPIRED: ("127.0.0.1", True),
    }
    if where not in files:
        return None
    host, expired = files[where]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(host, expired=expired))
    return context
