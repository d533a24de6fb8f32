"""Finding model servers on this machine: who listens on the usual ports, and what it says it is.

Only loopback is asked, without keys and without a proxy, and each port for a short while. A port
says nothing: other programs use these, too, so a server is what it answers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatterm.address import host_of, is_loopback, place_of
from chatterm.errors import ProviderError
from chatterm.providers.transport import Reply, Transport
from chatterm.providers.wire import HttpRequest

if TYPE_CHECKING:
    from chatterm.config import ProviderConfig

PORTS = (11434, 1234, 8080, 8000)
"""Where Ollama, LM Studio, llama.cpp and vLLM listen unless told otherwise."""
LIMIT_S = 2.0
_MOST_BYTES = 1_000_000
_OWNERS = {"llamacpp": "llama.cpp", "vllm": "vLLM", "organization_owner": "LM Studio"}
_KNOWN_AS = {"Ollama": "ollama", "LM Studio": "lmstudio", "llama.cpp": "llamacpp"}


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A model server on this machine.

    Attributes:
        kind: What it is: `Ollama`, `LM Studio`, `llama.cpp`, `vLLM`, or `OpenAI-compatible`.
        url: Its address, without a path.
        models: What it offers.
    """

    kind: str
    url: str
    models: tuple[str, ...] = ()

    @property
    def provider(self) -> str | None:
        """The known provider that asks it there without being configured; None: there is none."""
        from chatterm.config import KNOWN

        wanted = _KNOWN_AS.get(self.kind)
        known = next((each for each in KNOWN if each.name == wanted), None)
        here = known is not None and (known.base_url or "").removesuffix("/v1") == self.url
        return wanted if here else None

    def provider_in(self, providers: Mapping[str, ProviderConfig]) -> str | None:
        """The provider that asks it as things are configured, whatever it is called.

        Args:
            providers: Those that the user has configured.
        """
        for name, provider in providers.items():
            url = provider.base_url
            if url and _port_here(url) == _port_here(self.url) is not None:
                return name
        return None if self.provider in providers else self.provider

    @property
    def table(self) -> str:
        """The configuration that makes a provider of it, on one line."""
        name = _KNOWN_AS.get(self.kind) or ("vllm" if self.kind == "vLLM" else "mine")
        url = self.url if self.kind == "Ollama" else f"{self.url}/v1"
        protocol = "ollama" if self.kind == "Ollama" else "chat"
        return f'providers.{name} = {{ protocol = "{protocol}", base_url = "{url}" }}'


def _port_here(url: str) -> int | None:
    """The port of this machine that an address leads to; None where it leads elsewhere."""
    if not is_loopback(host_of(url)):
        return None
    port = place_of(url).rpartition(":")[2]
    return int(port) if port.isdecimal() else None


async def find_servers(ports: Iterable[int] = PORTS) -> list[FoundServer]:
    """The model servers that answer on these ports of this machine, all asked at once."""
    transport = Transport()
    try:
        found = await asyncio.gather(*(_at(transport, f"http://127.0.0.1:{n}") for n in ports))
    finally:
        await transport.aclose()
    return [server for server in found if server is not None]


async def _at(transport: Transport, url: str) -> FoundServer | None:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await _identified(transport, url)
    except (TimeoutError, ProviderError):
        return None


async def _identified(transport: Transport, url: str) -> FoundServer | None:
    """What a server says it is; None for one that is no model server that we know.

    llama.cpp answers as Ollama does, too, and everybody as OpenAI: the surest signs come first.
    """
    headers, body = await _got(transport, f"{url}/v1/models")
    rows = _rows(body)
    models = tuple(row["id"] for row in rows or ())
    if headers.get("server", "").lower().startswith("llama.cpp"):
        return FoundServer("llama.cpp", url, models)
    owners = {row.get("owned_by") for row in rows or ()}
    for owner, kind in _OWNERS.items():
        if owner in owners:
            return FoundServer(kind, url, models)
    if (await _got(transport, f"{url}/"))[1].strip() == b"Ollama is running":
        return FoundServer("Ollama", url, models)
    if _rows((await _got(transport, f"{url}/api/v0/models"))[1]) is not None:
        return FoundServer("LM Studio", url, models)
    return None if rows is None else FoundServer("OpenAI-compatible", url, models)


async def _got(transport: Transport, url: str) -> tuple[dict[str, str], bytes]:
    """An answer's headers and body; a body that isn't a success counts as empty."""
    reply: Reply
    async with transport.open(HttpRequest("GET", url), connect_timeout_s=LIMIT_S) as reply:
        body = await reply.read(_MOST_BYTES, LIMIT_S)
        return dict(reply.headers), body if reply.status < 300 else b""


def _rows(body: bytes) -> list[dict[str, Any]] | None:
    """The rows of an OpenAI-style list of models; None where it isn't one."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    rows = data.get("data") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        return None
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
