"""What the core asks plugins, a module per subject; the docstring of a hook is its contract."""

from __future__ import annotations

from types import ModuleType

from core.hookspecs import channels, hibah, messages, system, web

__all__ = ["SPEC_MODULES"]

SPEC_MODULES: tuple[ModuleType, ...] = (system, web, channels, messages, hibah)
"""Every module with specifications, in the order of the reference."""
