"""Reading addresses: which machine one leads to, and what of it may be shown."""

from __future__ import annotations


def host_of(url: str | None) -> str:
    """The host in a URL, in lower case and without brackets; empty when there is none."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:  # a half bracket, for one
        return ""


def place_of(url: str) -> str:
    """Host and port of a URL: all of it that may stand in a message."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "the provider"
    host = parts.hostname or "the provider"
    if ":" in host:
        host = f"[{host}]"
    return f"{host}:{port}" if port else host


def is_loopback(host: str) -> bool:
    """Whether a host, by name or by number, is this machine."""
    from ipaddress import IPv6Address, ip_address

    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback
