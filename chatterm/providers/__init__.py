"""Providers: one module a protocol, and the transport they share."""
