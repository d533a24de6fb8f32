"""Opening the conversation store for a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.config import Config
    from chatterm.store import Store


def open_store(config: Config | None = None) -> Store:
    """The store in the data directory; what it had to mend is told on standard error.

    Args:
        config: For how a stream is written down; the defaults without it.

    Raises:
        StoreError: It can't be opened.
    """
    from chatterm.config import data_dir
    from chatterm.render.console import print_line
    from chatterm.store import Store

    options = {}
    if config is not None:
        options = {
            "persist_interval_ms": config.stream.persist_interval_ms,
            "persist_min_chars": config.stream.persist_min_chars,
        }
    store = Store.open(data_dir(), **options)
    for warning in store.warnings:
        print_line(f"chatterm: {warning}")
    return store
