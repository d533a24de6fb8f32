"""The configuration: what can be set, where it is found, and the keys and models it names."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatterm.config.keys import (
        Key,
        KeyringState,
        Need,
        delete_key,
        find_key,
        has_stored_key,
        is_loopback,
        keyring_state,
        looks_like_key,
        need_of,
        redact,
        store_key,
    )
    from chatterm.config.known import (
        KNOWN,
        Known,
        ResolvedModel,
        all_providers,
        check_name,
        default_model,
        ready_providers,
        resolve_model,
    )
    from chatterm.config.load import (
        Project,
        load_config,
        load_project,
        parse_config,
        parse_table,
        stricter,
        tighten,
    )
    from chatterm.config.paths import (
        ConfigFileError,
        ConfigPath,
        Problem,
        config_path,
        data_dir,
        log_dir,
        own_places,
        project_config_path,
        workspace,
    )
    from chatterm.config.schema import (
        EFFORTS,
        MODES,
        PROTOCOLS,
        TOOLS,
        Config,
        Context,
        Generation,
        Instructions,
        Limits,
        Permissions,
        ProviderConfig,
        Rule,
        Store,
        Stream,
        Titles,
        ToolConfig,
        Tools,
        Ui,
    )

# What is imported from here is loaded when it is: few commands need all of it.
_MODULES = {
    "keys": (
        "Key KeyringState Need delete_key find_key has_stored_key is_loopback keyring_state "
        "looks_like_key need_of redact store_key"
    ),
    "known": (
        "KNOWN Known ResolvedModel all_providers check_name default_model ready_providers "
        "resolve_model"
    ),
    "load": "Project load_config load_project parse_config parse_table stricter tighten",
    "paths": (
        "ConfigFileError ConfigPath Problem config_path data_dir log_dir own_places "
        "project_config_path workspace"
    ),
    "schema": (
        "EFFORTS MODES PROTOCOLS TOOLS Config Context Generation Instructions Limits Permissions "
        "ProviderConfig Rule Store Stream Titles ToolConfig Tools Ui"
    ),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [
    "EFFORTS",
    "KNOWN",
    "MODES",
    "PROTOCOLS",
    "TOOLS",
    "Config",
    "ConfigFileError",
    "ConfigPath",
    "Context",
    "Generation",
    "Instructions",
    "Key",
    "KeyringState",
    "Known",
    "Limits",
    "Need",
    "Permissions",
    "Problem",
    "Project",
    "ProviderConfig",
    "ResolvedModel",
    "Rule",
    "Store",
    "Stream",
    "Titles",
    "ToolConfig",
    "Tools",
    "Ui",
    "all_providers",
    "check_name",
    "config_path",
    "data_dir",
    "default_model",
    "delete_key",
    "find_key",
    "has_stored_key",
    "is_loopback",
    "keyring_state",
    "load_config",
    "load_project",
    "log_dir",
    "looks_like_key",
    "need_of",
    "own_places",
    "parse_config",
    "parse_table",
    "project_config_path",
    "ready_providers",
    "redact",
    "resolve_model",
    "store_key",
    "stricter",
    "tighten",
    "workspace",
]


def __getattr__(name: str) -> Any:
    """Load a name of `__all__` from where it is.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = found
    return found
