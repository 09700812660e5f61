"""Plugins for tests: they answer hooks with functions, or note what they hear."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from core.framework.runtime import Runtime
from core.hookspecs.markers import hookimpl

__all__ = ["answer", "heard"]


def answer(runtime: Runtime, name: str = "uji", **functions: Callable[..., Any]) -> None:
    """Register a plugin that answers hooks with functions."""
    made = {hook: hookimpl(function) for hook, function in functions.items()}
    runtime.hooks.register(name, SimpleNamespace(**made))


def heard(runtime: Runtime, hook: str, argument: str) -> list[Any]:
    """Register a plugin that notes each call of an event."""
    calls: list[Any] = []
    code = f"lambda {argument}: calls.append({argument})"
    answer(runtime, **{hook: eval(code, {"calls": calls})})  # noqa: S307 - our own words
    return calls
