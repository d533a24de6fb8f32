"""From a name in the configuration to a provider that can be asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

from chatterm.config import Config, ProviderConfig, ResolvedModel, Stream, find_key
from chatterm.errors import ConfigError, UsageError
from chatterm.providers.base import Provider, Ready
from chatterm.providers.wire import Endpoint, WireProtocol
from chatterm.redaction import Redactor, password_in

# protocol: where its `WireProtocol` is; imported when it is used.
_WIRE = {
    "responses": ("chatterm.providers.responses_request", "ResponsesProtocol"),
    "chat": ("chatterm.providers.chat_request", "ChatProtocol"),
    "anthropic": ("chatterm.providers.anthropic_request", "AnthropicProtocol"),
    "gemini": ("chatterm.providers.gemini_request", "GeminiProtocol"),
    "ollama": ("chatterm.providers.ollama_request", "OllamaProtocol"),
    "lightspeed": ("chatterm.providers.lightspeed_request", "LightspeedProtocol"),
    "luxx": ("chatterm.providers.luxx_request", "LuxxProtocol"),
    "enclava": ("chatterm.providers.enclava_request", "EnclavaProtocol"),
}
IMPLEMENTED = frozenset({*_WIRE, "demo", "local", "replay"})


def wire_protocol(name: str) -> WireProtocol:
    """The wire protocol of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in _WIRE:
        raise ConfigError(
            f"there is no wire protocol named {name}", hint=f"there are {', '.join(sorted(_WIRE))}"
        )
    module, cls = _WIRE[name]
    protocol: Callable[[], WireProtocol] = getattr(import_module(module), cls)
    return protocol()


def open_provider(
    chosen: ResolvedModel,
    config: Config,
    *,
    environ: Mapping[str, str] = os.environ,
    capture_dir: Path | None = None,
    pace: float = 1.0,
) -> Provider:
    """The provider of a resolved model, ready to be asked.

    May block while a key is fetched.

    Args:
        chosen: What `resolve_model` found.
        config: The configuration.
        environ: The environment variables.
        capture_dir: Where raw traffic is written, or None.
        pace: What the demo's waits are multiplied with.

    Raises:
        ConfigError: A setting doesn't fit.
        ProviderError: Its key is missing.
        UsageError: There is no traffic to capture.
    """
    return open_named(
        chosen.provider_name,
        chosen.provider,
        config.stream,
        environ=environ,
        capture_dir=capture_dir,
        pace=pace,
    )


def open_named(
    name: str,
    provider: ProviderConfig,
    limits: Stream,
    *,
    environ: Mapping[str, str] = os.environ,
    capture_dir: Path | None = None,
    pace: float = 1.0,
) -> Provider:
    """The provider with these settings, ready to be asked. Raises as `open_provider` does."""
    if capture_dir is not None and provider.protocol not in _WIRE:
        raise UsageError(
            f"there is no traffic to capture: the provider {name} is not asked over the network",
            hint="leave out --capture, or choose a model of another provider",
        )
    match provider.protocol:
        case "demo":
            from chatterm.providers.demo import DemoProvider

            return DemoProvider(name, provider.script, pace=pace)
        case "replay":
            from chatterm.providers.replay import ReplayProvider

            if provider.file is None:
                raise ConfigError(f"providers.{name}.file is missing; it names the stream to play")
            return ReplayProvider(
                name, provider.file, decoder_for=wire_protocol, speed=provider.speed
            )
        case "local":
            from chatterm.providers.local.provider import LocalProvider

            def opener(url: str, key: str) -> Provider:
                return _loopback_provider(name, provider, url, key, limits)

            return LocalProvider(name, opener)
        case _:
            return _http_provider(name, provider, limits, environ, capture_dir)


def _loopback_provider(
    name: str, provider: ProviderConfig, url: str, key: str, limits: Stream
) -> Provider:
    """The engine of a local model, asked as any server with Chat Completions."""
    asked = ProviderConfig(protocol="chat", base_url=f"{url}/v1", auth="bearer", body=provider.body)
    return _http_provider(name, asked, limits, {}, None, key=key)


def get_ready(provider: Provider) -> None:
    """Load what a provider's first request needs, so that it needn't wait; in any thread."""
    if isinstance(provider, Ready):
        provider.get_ready()


def _http_provider(
    name: str,
    provider: ProviderConfig,
    limits: Stream,
    environ: Mapping[str, str],
    capture_dir: Path | None,
    *,
    key: str | None = None,
) -> Provider:
    from chatterm.providers.http import HttpProvider, StreamLimits, secrets_of
    from chatterm.providers.transport import Transport

    protocol = wire_protocol(provider.protocol)
    if key is None:
        found = find_key(name, provider, environ)
        key = found.reveal() if found else None
    endpoint = Endpoint(
        name=name,
        base_url=provider.base_url or "",
        key=key,
        headers=provider.headers,
        body=provider.body,
        auth=provider.auth,
        server_state=provider.server_state,
        background=provider.background,
    )
    redactor = Redactor([*secrets_of(endpoint), *_proxy_passwords(provider, environ)])
    capture = None
    if capture_dir is not None:
        from chatterm.providers.capture import Capture

        capture = Capture(capture_dir, redactor)
    transport = Transport(
        proxy=provider.proxy, ca_file=str(provider.ca_file) if provider.ca_file else None
    )
    return HttpProvider(
        protocol,
        endpoint,
        transport,
        stream=StreamLimits(
            connect_timeout_s=limits.connect_timeout_s,
            idle_timeout_s=limits.idle_timeout_s,
            total_timeout_s=limits.total_timeout_s,
            retries=limits.retries,
        ),
        redactor=redactor,
        capture=capture,
    )


def _proxy_passwords(provider: ProviderConfig, environ: Mapping[str, str]) -> Iterator[str]:
    yield password_in(provider.proxy)
    for name, value in environ.items():
        if name.lower().endswith("_proxy"):
            yield password_in(value)
