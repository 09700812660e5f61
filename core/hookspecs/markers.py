"""The two pluggy markers of the project, and the kinds of hooks."""

from __future__ import annotations

from typing import Final

import pluggy

__all__ = ["PROJECT", "hookimpl", "hookspec"]

PROJECT: Final = "abah"
"""Name under which specifications and implementations find each other."""

hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks a specification. Its docstring is the contract and begins with the hook's kind:
*collect* (answers are gathered), *decide* (the first answer wins, an error refuses), or
*tell* (an event; each plugin is fenced by itself)."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks an implementation: a function of a plugin's ``plugin`` module."""
