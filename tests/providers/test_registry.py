"""From a name in the configuration to a provider: what fits, and which secrets are kept."""

import asyncio
import re

import pytest

from chatterm.assembly import StepWriter
from chatterm.config import ProviderConfig, Stream
from chatterm.errors import ConfigError, ExitStatus, UsageError
from chatterm.providers.base import ModelRequest
from chatterm.providers.registry import open_named, wire_protocol
from faultserver import Answer

LIMITS = Stream(connect_timeout_s=2.0, idle_timeout_s=2.0, retries=0)


def test_an_unknown_protocol_names_those_there_are():
    with pytest.raises(ConfigError, match="no wire protocol named nonsense") as raised:
        wire_protocol("nonsense")
    assert {"chat", "responses"} <= set(re.findall(r"\w+", raised.value.hint))


@pytest.mark.parametrize("protocol", ["demo", "replay"])
def test_what_is_not_asked_over_the_network_cannot_be_captured(protocol, tmp_path):
    settings = ProviderConfig(protocol=protocol, file=tmp_path / "none.body")
    with pytest.raises(UsageError, match="no traffic to capture: the provider p") as raised:
        open_named("p", settings, LIMITS, environ={}, capture_dir=tmp_path / "bug")
    assert raised.value.exit_status is ExitStatus.USAGE
    assert not (tmp_path / "bug").exists()


SECRETS = {
    "key": "KEYVALUE0123456789",
    "header": "TEAMTOKENVALUE99",
    "field": "BODYSECRETVALUE77",
    "proxy": "PROXYPASSWORD55",
    "environment": "PROXYPASSWORD66",
}


@pytest.mark.parametrize("status", [200, 400])
def test_no_secret_of_the_configuration_is_told_or_captured(server, tmp_path, status):
    echo = " ".join(SECRETS.values())
    body = b'{"error": {"message": "%b"}}' % echo.encode()
    server.script(Answer(body, status=status, headers={"X-Echo": echo}))
    settings = ProviderConfig(
        protocol="chat",
        base_url="http://provider.invalid",
        api_key_env="K",
        headers={"x-team-token": SECRETS["header"]},
        body={"extra": [{"api_key": SECRETS["field"]}]},
        proxy=f"http://u:{SECRETS['proxy']}@127.0.0.1:{server.port}",
    )
    environ = {"K": SECRETS["key"], "all_proxy": f"u:{SECRETS['environment']}@other:1"}

    async def ask():
        provider = open_named("p", settings, LIMITS, environ=environ, capture_dir=tmp_path / "bug")
        items = [i async for i in provider.stream(ModelRequest("m", ()), StepWriter("t"))]
        await provider.aclose()
        return items[-1].failure

    failure = asyncio.run(ask())
    assert failure.message.endswith(": " + " ".join(["[redacted]"] * 5))
    files = sorted((tmp_path / "bug").iterdir())
    assert len(files) == 3
    for file in files:
        content = file.read_bytes().decode()
        assert not [name for name, secret in SECRETS.items() if secret in content], file.name
