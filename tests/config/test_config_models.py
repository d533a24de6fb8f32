"""Which provider and model a name stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatterm.config import (
    KNOWN,
    PROTOCOLS,
    Config,
    all_providers,
    need_of,
    parse_config,
    ready_providers,
    resolve_model,
)
from chatterm.config.keys import Need
from chatterm.errors import ConfigError, ExitStatus


def resolve(name=None, text="", environ=None, implemented=PROTOCOLS, stored=()):
    config = parse_config(text, Path("/c.toml"))
    return resolve_model(name, config, environ or {}, implemented, stored=lambda n: n in stored)


def refused(*args, **kwargs) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(*args, **kwargs)
    assert caught.value.exit_status is ExitStatus.CONFIG
    return f"{caught.value.message}; {caught.value.hint}"


def test_the_documented_order_of_the_known_providers():
    keyed = [known.key_env for known in KNOWN if known.key_env]
    assert keyed[:8] == [
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "MISTRAL_API_KEY",
        "DEEPSEEK_API_KEY",
        "GROQ_API_KEY",
        "OPENROUTER_API_KEY",
        "XAI_API_KEY",
    ]
    protocols = {known.name: known.protocol for known in KNOWN}
    assert protocols["openai"] == "responses"
    assert protocols["anthropic"] == "anthropic"
    assert protocols["gemini"] == "gemini"
    assert protocols["mistral"] == protocols["xai"] == "chat"


def test_every_known_provider_that_needs_a_key_says_where_it_is_found():
    for known in KNOWN:
        required = need_of(known.config()) is Need.REQUIRED
        assert required == (known.key_env is not None)
        assert known.default_model or not required


def test_only_the_first_slash_splits():
    found = resolve("openrouter/anthropic/claude")
    assert (found.provider_name, found.model) == ("openrouter", "anthropic/claude")
    assert found.name == "openrouter/anthropic/claude"


def test_a_provider_alone_uses_its_first_listed_model_or_its_default():
    assert resolve("openai").model == "gpt-5"
    text = "[providers.openai]\nmodels = ['gpt-5-mini', 'gpt-5']"
    assert resolve("openai", text).model == "gpt-5-mini"


def test_an_alias_stands_for_a_model():
    found = resolve("fast", "[aliases]\nfast = 'anthropic/claude-haiku-4-5'")
    assert (found.provider_name, found.model) == ("anthropic", "claude-haiku-4-5")
    assert found.reason == "asked for, as the alias fast"


def test_an_alias_comes_first_and_leads_to_no_other_alias():
    text = "[aliases]\nopenai = 'openai/gpt-5-mini'\nx = 'openai'"
    assert resolve("openai", text).model == "gpt-5-mini"
    assert resolve("x", text).model == "gpt-5"


def test_a_name_comes_before_the_configured_model_and_that_before_what_is_ready():
    text, environ = "model = 'gemini'", {"OPENAI_API_KEY": "k"}
    assert resolve("xai", text, environ).provider_name == "xai"
    found = resolve(None, text, environ)
    assert (found.provider_name, found.reason) == ("gemini", "the configured model")
    assert resolve(None, "", environ).provider_name == "openai"


def test_the_demo_is_always_there_but_never_chosen():
    assert resolve("demo").provider.protocol == "demo"
    assert resolve("demo/tools").model == "tools"
    text = "[providers.show]\nprotocol = 'demo'"
    assert resolve("show", text).model == "demo"
    assert "`-m demo` plays a demo" in refused(None, text)


def test_servers_on_this_machine_can_be_named():
    assert resolve("ollama/llama3").provider.base_url == "http://127.0.0.1:11434"
    assert resolve("lmstudio/x").provider.protocol == "chat"


def test_unknown_names_get_the_nearest_one():
    assert "no provider is named 'opnai'; did you mean openai?" in refused("opnai/gpt-5")
    assert "did you mean" not in refused("nope/x")
    assert "did you mean fast?" in refused("fats", "[aliases]\nfast = 'openai'")
    assert "there are openai, anthropic" in refused("zzzzzz")


def test_a_model_without_its_provider_is_completed():
    assert "try openai/gpt-5" in refused("gpt-5")
    text = "[providers.box]\nprotocol = 'ollama'\nmodels = ['llama3']"
    assert "try box/llama3" in refused("llama3", text)


@pytest.mark.parametrize("name", ["", "/", "/gpt-5", "openai/"])
def test_half_a_name_is_refused(name):
    refused(name)


def test_a_provider_without_models_needs_one_named():
    assert "name one as ollama/MODEL" in refused("ollama")


def test_a_protocol_that_is_not_implemented_is_said():
    said = refused("gemini", implemented={"chat", "demo"})
    assert said == (
        "the provider gemini speaks the protocol gemini, which this version doesn't have; "
        "it has chat, demo"
    )


# Nothing named.


def test_the_first_ready_provider_whose_protocol_is_implemented_is_used():
    environ = {"XAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "GROQ_API_KEY": "k"}
    assert resolve(environ=environ).provider_name == "anthropic"
    assert resolve(environ=environ).reason == "ANTHROPIC_API_KEY is set"
    assert resolve(environ=environ, implemented={"chat"}).provider_name == "groq"


def test_an_empty_variable_is_not_set():
    assert ready_providers({"OPENAI_API_KEY": " ", "XAI_API_KEY": "k"})[0].name == "xai"
    assert resolve(environ={"OPENAI_API_KEY": "", "XAI_API_KEY": "k"}).provider_name == "xai"


def test_a_configured_provider_that_is_ready_comes_after_the_known_ones():
    text = "[providers.box]\nprotocol = 'ollama'\nmodels = ['llama3']"
    assert resolve(None, text).provider_name == "box"
    assert resolve(None, text, {"XAI_API_KEY": "k"}).provider_name == "xai"


def test_a_known_provider_is_ready_by_the_variable_or_command_its_table_names():
    assert (
        resolve(None, "[providers.xai]\napi_key_env = 'MY_KEY'", {"MY_KEY": "k"}).provider_name
        == "xai"
    )
    assert (
        resolve(None, "[providers.xai]\napi_key_command = ['pass', 'xai']").provider_name == "xai"
    )


def test_the_keyring_is_asked_only_when_nothing_else_is_ready():
    assert resolve(stored={"gemini"}).reason == "the system keyring has a key for gemini"

    def never(name):
        raise AssertionError(name)

    resolve_model(None, Config(), {"XAI_API_KEY": "k"}, PROTOCOLS, stored=never)


def test_with_nothing_ready_every_place_that_was_looked_in_is_named():
    said = refused()
    for known in KNOWN:
        if known.key_env:
            assert known.key_env in said
    assert "the system keyring" in said
    assert "`chatterm key set openai`" in said
    assert "`-m demo` plays a demo" in said


def test_configured_providers_join_the_known_ones():
    text = "[providers.mine]\nprotocol = 'demo'\n[providers.xai]\nmodels = ['x']"
    providers = all_providers(parse_config(text, Path("/c.toml")))
    assert next(iter(providers)) == "openai"
    assert list(providers)[-1] == "mine"
    assert providers["xai"].models == ("x",)
