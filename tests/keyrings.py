"""Keyrings for tests: one in memory, and none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend
from keyring.backends import fail


class MemoryKeyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@contextmanager
def memory_keyring() -> Iterator[MemoryKeyring]:
    """A keyring that holds nothing yet is the system's."""
    ring = MemoryKeyring()
    with _used(ring):
        yield ring


@contextmanager
def no_keyring() -> Iterator[None]:
    """The system has none, as a headless machine."""
    with _used(fail.Keyring()):
        yield


@contextmanager
def _used(ring: KeyringBackend) -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(ring)
    try:
        yield
    finally:
        keyring.set_keyring(before)
