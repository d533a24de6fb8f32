"""Fixtures of the linear mode's tests."""

from linear.speaking import place

__all__ = ["place"]
