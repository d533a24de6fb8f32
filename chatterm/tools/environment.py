"""What a command finds in its environment: an allow list, so that no key gets there."""

from __future__ import annotations

import os
from collections.abc import Mapping

from chatterm.redaction import is_secret_name, password_in

_ALLOWED = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "HOSTNAME"),
        # Where tools and their parts are.
        *("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYENV_ROOT", "PYENV_VERSION"),
        *("CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "GOPATH", "GOROOT", "GOFLAGS"),
        *("GOPROXY", "GOTOOLCHAIN", "JAVA_HOME", "MAVEN_HOME", "M2_HOME", "GRADLE_HOME"),
        *("NVM_DIR", "NVM_BIN", "NODE_VERSION", "VOLTA_HOME", "PNPM_HOME", "BUN_INSTALL"),
        *("DENO_DIR", "RBENV_ROOT", "GEM_HOME", "GEM_PATH", "ASDF_DIR", "ASDF_DATA_DIR"),
        *("SDKMAN_DIR", "ANDROID_HOME", "ANDROID_SDK_ROOT", "DOTNET_ROOT", "FLUTTER_ROOT"),
        *("OPAMROOT", "GHCUP_INSTALL_BASE_PREFIX", "JULIA_DEPOT_PATH", "R_LIBS_USER"),
        *("NIX_PATH", "NIX_PROFILES", "NIX_SSL_CERT_FILE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("PKG_CONFIG_PATH", "CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS", "MAKEFLAGS"),
        *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "SOURCE_DATE_EPOCH", "DEVELOPER_DIR", "SDKROOT"),
    }
)
# No program is to ask, page or draw.
_FIXED = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "MANPAGER": "cat",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "true",
    "DEBIAN_FRONTEND": "noninteractive",
}
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


def for_command(
    environ: Mapping[str, str] | None = None,
    *,
    network: bool = False,
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The environment of a command.

    Args:
        environ: The environment to choose from; None is our own.
        network: Whether the command may reach the network, and so has to know of proxies; one with
            a password is left out.
        more: What is set besides; it wins.
    """
    environ = os.environ if environ is None else environ
    chosen = {
        name: value
        for name, value in environ.items()
        if (name in _ALLOWED or name.startswith("LC_"))
        and not is_secret_name(name)
        and not password_in(value)
    }
    if network:
        proxies = {name: value for name, value in environ.items() if name.upper() in _PROXIES}
        chosen |= {name: value for name, value in proxies.items() if not password_in(value)}
    return chosen | _FIXED | dict(more or {})
