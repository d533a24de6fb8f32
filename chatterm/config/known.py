"""The providers chatterm knows by name, and which model a name stands for.

`KNOWN` is in the documented order: with nothing configured, the first that has a key is used. Those
without a key variable run on this machine; they can be named without being configured, and are
never chosen here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from chatterm.config import keys
from chatterm.config.schema import Config, ProtocolName, ProviderConfig
from chatterm.errors import ConfigError, ErrorKind


@dataclass(frozen=True, slots=True)
class Known:
    """A provider that needs no configuration but a key.

    Attributes:
        name: What it is called in `name/model`.
        protocol: How it is spoken to.
        base_url: Where it is; None for what has no address.
        key_env: The environment variable its key is found in; None: it needs no key.
        default_model: The model that is used when only the provider is named; None: one has to be
            named.
    """

    name: str
    protocol: ProtocolName
    base_url: str | None
    key_env: str | None
    default_model: str | None

    def config(self) -> ProviderConfig:
        """The provider's table, as it would stand in the configuration."""
        return ProviderConfig(
            protocol=self.protocol, base_url=self.base_url, api_key_env=self.key_env
        )


_GPT_OSS = "openai/gpt-oss-120b"
_GEMINI_URL = "https://generativelanguage.googleapis.com"

KNOWN: tuple[Known, ...] = (
    Known("openai", "responses", "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-5"),
    Known(
        "anthropic",
        "anthropic",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        "claude-sonnet-4-5",
    ),
    Known("gemini", "gemini", _GEMINI_URL, "GEMINI_API_KEY", "gemini-flash-latest"),
    Known(
        "mistral", "chat", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "mistral-large-latest"
    ),
    Known("deepseek", "chat", "https://api.deepseek.com", "DEEPSEEK_API_KEY", "deepseek-chat"),
    Known("groq", "chat", "https://api.groq.com/openai/v1", "GROQ_API_KEY", _GPT_OSS),
    Known(
        "openrouter",
        "chat",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        "openrouter/auto",
    ),
    Known("xai", "chat", "https://api.x.ai/v1", "XAI_API_KEY", "grok-4"),
    Known("together", "chat", "https://api.together.xyz/v1", "TOGETHER_API_KEY", _GPT_OSS),
    Known("perplexity", "chat", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "sonar"),
    Known("cerebras", "chat", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", "gpt-oss-120b"),
    Known("ollama", "ollama", "http://127.0.0.1:11434", None, None),
    Known("lmstudio", "chat", "http://127.0.0.1:1234/v1", None, None),
    Known("llamacpp", "chat", "http://127.0.0.1:8080/v1", None, None),
    Known("lightspeed", "lightspeed", "http://127.0.0.1:8080", None, "default"),
    Known("luxx", "luxx", "http://127.0.0.1:8000/api", None, "default"),
    Known("enclava", "enclava", "http://127.0.0.1:8000", None, None),
    Known("local", "local", None, None, "smollm2"),
    Known("demo", "demo", None, None, "demo"),
)

_BY_NAME = {known.name: known for known in KNOWN}

# Whose address a provider of the user's own gets when it names only the protocol.
_HOME_OF_PROTOCOL = {
    "responses": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
}


_ONLY_FOR = {
    "file": "replay",
    "speed": "replay",
    "script": "demo",
    "server_state": "responses",
    "background": "responses",
}
# These servers keep a conversation anyway.
_KEEPS_ANYWAY = frozenset({"lightspeed", "luxx"})
_WITHOUT_URL = frozenset({"local", "demo", "replay"})


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """The model a conversation is held with.

    Attributes:
        provider_name: The user's name of the provider.
        provider: Its settings, with what is known about it filled in.
        model: The model, in the provider's own words; it may hold slashes.
        reason: Why this one, in a few words for the screen.
    """

    provider_name: str
    provider: ProviderConfig
    model: str
    reason: str

    @property
    def name(self) -> str:
        """`provider/model`, as it is written, recorded and shown."""
        return f"{self.provider_name}/{self.model}"


def fill_in(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """A provider's TOML table, with what it leaves unset where that is known.

    A known name brings its protocol, address and key variable; any other name gets the address its
    protocol is at home at.
    """
    unset: dict[str, Any] = {}
    if (entry := _BY_NAME.get(name)) is not None:
        unset = {"protocol": entry.protocol, "base_url": entry.base_url}
        # The user's own command isn't overruled by a variable that happens to be set.
        if "api_key_command" not in table:
            unset["api_key_env"] = entry.key_env
    elif (home := _HOME_OF_PROTOCOL.get(str(table.get("protocol")))) is not None:
        unset = {"base_url": _BY_NAME[home].base_url}
    return {key: value for key, value in unset.items() if value is not None} | dict(table)


def misfits(provider: ProviderConfig, given: Collection[str]) -> list[tuple[str, str]]:
    """The keys of a provider's table that don't fit its protocol, and what is wrong with each."""
    wrong = [
        (key, f'is only for providers with protocol = "{protocol}"{_instead(key, provider)}')
        for key, protocol in _ONLY_FOR.items()
        if key in given and provider.protocol != protocol
    ]
    if provider.protocol == "replay" and provider.file is None:
        wrong.append(("file", "is missing; it names the stream to play"))
    if provider.base_url is None and provider.protocol not in _WITHOUT_URL:
        wrong.append(("base_url", "is missing; it says where the server is"))
    return wrong


def _instead(key: str, provider: ProviderConfig) -> str:
    """What is there in place of a setting that a protocol doesn't have; may be nothing."""
    if key == "server_state" and provider.protocol in _KEEPS_ANYWAY:
        return f"; a server that speaks {provider.protocol} keeps the conversation anyway"
    if key in ("server_state", "background"):
        return f"; {provider.protocol} has no such thing: leave it out"
    return ""


def all_providers(config: Config) -> dict[str, ProviderConfig]:
    """Every provider that can be named: the known ones in order, then the configuration's."""
    return {known.name: known.config() for known in KNOWN} | dict(config.providers)


def ready_providers(environ: Mapping[str, str]) -> list[Known]:
    """The known providers whose key is in the environment, in the documented order."""
    return [known for known in KNOWN if known.key_env and environ.get(known.key_env, "").strip()]


def default_model(name: str, provider: ProviderConfig) -> str | None:
    """The model that is used when only the provider is named, or None."""
    if provider.models:
        return provider.models[0]
    if (known := _BY_NAME.get(name)) is not None:
        return known.default_model
    # These two have one thing to play, whatever it is called.
    return provider.protocol if provider.protocol in {"demo", "replay"} else None


def resolve_model(
    name: str | None,
    config: Config,
    environ: Mapping[str, str],
    implemented: Collection[str],
    *,
    stored: Callable[[str], bool] = keys.has_stored_key,
) -> ResolvedModel:
    """Find the provider and the model that a name stands for.

    A name is an alias, `provider/model` (only the first slash splits), or a provider alone. An
    alias comes before a provider of the same name, and doesn't lead to another alias. Without a
    name the configuration's `model` counts, and without that the first ready provider: the known
    ones in order, then the configuration's own; the demo is never chosen.

    Args:
        name: What the user asked for, or None.
        config: The configuration.
        environ: The environment variables.
        implemented: The protocols that this version speaks.
        stored: Whether the system keyring has a key for a provider. It is asked only when nothing
            else made a provider ready, because keyrings are slow.

    Raises:
        ConfigError: The name stands for nothing, its protocol isn't implemented, or nothing was
            named and no provider is ready.
    """
    wanted = config.model if name is None else name
    if wanted is None:
        return _first_ready(config, environ, implemented, stored)
    reason = "asked for" if name is not None else "the configured model"
    target = config.aliases.get(wanted, wanted)
    if target is not wanted:
        reason = f"{reason}, as the alias {wanted}"
    return _named(target, config, implemented, reason)


def check_name(target: str, config: Config) -> ConfigError | None:
    """What is wrong with a `provider/model`, a provider's name or an alias, if anything is."""
    provider_name, slash, model = target.partition("/")
    providers = all_providers(config)
    if provider_name not in providers:
        return _unknown(target, provider_name, config, providers)
    if slash and not model:
        return ConfigError(
            f"no model is named after {target!a}",
            hint=_naming(provider_name),
            kind=ErrorKind.NOT_FOUND,
        )
    if not slash and default_model(provider_name, providers[provider_name]) is None:
        return ConfigError(
            f"the provider {provider_name} has no default model",
            hint=f"{_naming(provider_name)}, or list some in providers.{provider_name}.models",
        )
    return None


def _named(target: str, config: Config, implemented: Collection[str], reason: str) -> ResolvedModel:
    if (error := check_name(target, config)) is not None:
        raise error
    provider_name, _, model = target.partition("/")
    provider = all_providers(config)[provider_name]
    if provider.protocol not in implemented:
        raise ConfigError(
            f"the provider {provider_name} speaks the protocol {provider.protocol}, "
            "which this version doesn't have",
            hint=f"it has {', '.join(sorted(implemented)) or 'none'}",
        )
    chosen = model or default_model(provider_name, provider) or ""
    return ResolvedModel(provider_name, provider, chosen, reason)


_NEAR = 0.7
"""How much of a name another one has to have to be meant: `nope` isn't openai."""


def _unknown(
    target: str, provider_name: str, config: Config, providers: Mapping[str, ProviderConfig]
) -> ConfigError:
    from difflib import get_close_matches

    owner = next(
        (n for n, p in providers.items() if target in p.models or target == default_model(n, p)),
        None,
    )
    if owner is not None:
        return ConfigError(
            f"no provider is named in {target!a}",
            hint=f"try {owner}/{target}",
            kind=ErrorKind.NOT_FOUND,
        )
    near = get_close_matches(provider_name, [*config.aliases, *providers], n=1, cutoff=_NEAR)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(providers)}"
    kind = "provider" if "/" in target else "provider or alias"
    return ConfigError(f"no {kind} is named {provider_name!a}", hint=hint, kind=ErrorKind.NOT_FOUND)


def _naming(provider_name: str) -> str:
    return f"name one as {provider_name}/MODEL"


def _first_ready(
    config: Config,
    environ: Mapping[str, str],
    implemented: Collection[str],
    stored: Callable[[str], bool],
) -> ResolvedModel:
    candidates = {
        name: provider
        for name, provider in all_providers(config).items()
        if provider.protocol in implemented and _may_be_chosen(name, provider, config)
    }
    for name, provider in candidates.items():
        if (reason := _ready_because(name, provider, config, environ)) is not None:
            return ResolvedModel(name, provider, default_model(name, provider) or "", reason)
    for name, provider in candidates.items():
        if keys.need_of(provider) is keys.Need.REQUIRED and stored(name):
            reason = f"the system keyring has a key for {name}"
            return ResolvedModel(name, provider, default_model(name, provider) or "", reason)
    looked_for = [p.api_key_env for p in candidates.values() if p.api_key_env]
    places = f"{', '.join(looked_for)} and the system keyring" if looked_for else "the keyring"
    raise ConfigError(
        f"no model is configured and no provider is ready; looked for {places}{_unspoken(environ)}",
        hint="set one of these variables, or run `chatterm key set openai`, or name a model with "
        "-m; `-m demo` plays a demo",
        kind=ErrorKind.KEY_MISSING,
    )


def _unspoken(environ: Mapping[str, str]) -> str:
    """The keys that are set for providers whose protocol this version doesn't have."""
    names = [known.key_env for known in ready_providers(environ) if known.key_env]
    return f" ({', '.join(names)}: this version doesn't speak that protocol)" if names else ""


def _may_be_chosen(name: str, provider: ProviderConfig, config: Config) -> bool:
    """Whether a provider nobody named may be used: not a demo, and not what may not be running."""
    if provider.protocol in {"demo", "replay"} or default_model(name, provider) is None:
        return False
    return name in config.providers or keys.need_of(provider) is keys.Need.REQUIRED


def _ready_because(
    name: str, provider: ProviderConfig, config: Config, environ: Mapping[str, str]
) -> str | None:
    if provider.api_key_env and environ.get(provider.api_key_env, "").strip():
        return f"{provider.api_key_env} is set"
    if name not in config.providers:
        return None
    if provider.api_key_command or keys.need_of(provider) is not keys.Need.REQUIRED:
        return "the first configured provider"
    return None
