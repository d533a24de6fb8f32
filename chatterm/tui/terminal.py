"""What the app has of its terminal beside the screen: writing to it, and whose the mouse is.

Textual keeps its driver to itself. What reaches for it stands here, and nowhere else.
"""

# ruff: noqa: SLF001 - textual has no public way to its driver

from __future__ import annotations

import os
from typing import Any

from textual.app import App
from textual.driver import Driver


def driver_of(app: App[Any]) -> Driver | None:
    """What drives the terminal; None before the app runs."""
    return app._driver


def write(app: App[Any], sequence: str) -> None:
    """Write a control sequence to the terminal, in order with what the app paints.

    Nothing is written while the app doesn't run.
    """
    driver = app._driver
    if driver is not None and app.is_running:
        driver.write(sequence)
        driver.flush()


def can_stop() -> bool:
    """Whether a shell would wake us up again, if we stopped: not where the terminal started us."""
    return os.getsid(0) != os.getpgrp()


def is_leaving(app: App[Any]) -> bool:
    """Whether the app is about to end, and wants nothing of the terminal any more."""
    return app._exit


def switch_mouse(app: App[Any]) -> bool:
    """Hand the mouse to the terminal, or take it again; whether the app has it now."""
    driver: Any = app._driver
    if not hasattr(driver, "_enable_mouse_support"):
        return False
    if driver._mouse:
        mouse_off(app)
        return False
    driver._mouse = True
    driver._enable_mouse_support()
    if getattr(driver, "_in_band_window_resize", False):
        # Such a terminal was asked for places in pixels, and is read like that from then on.
        driver._enable_mouse_pixels()
    return True


def mouse_off(app: App[Any]) -> None:
    """Leave the mouse to the terminal: its own selection works again."""
    driver: Any = app._driver
    if hasattr(driver, "_disable_mouse_support") and driver._mouse:
        driver._disable_mouse_support()
        # The driver minds this, too, when it takes the terminal back from another program.
        driver._mouse = False
