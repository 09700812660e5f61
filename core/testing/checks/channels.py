"""Transports: their names, and that their suite is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.hookspecs.channels import Transport
from core.testing.checks.own import CHANNEL_SUITE, has_channel_suite
from core.testing.checks.pages import registered

if TYPE_CHECKING:
    from pathlib import Path

    from core.testing.specimen import Specimen

__all__ = ["channel_problems", "transports_of"]


def channel_problems(specimen: Specimen, tests: Path | None) -> list[str]:
    """Tell which transports have a foreign name, and whether nobody holds them to their suite.

    That the suite passes is seen when the plugin's own tests run.
    """
    names = transports_of(specimen)
    problems = [
        f"transport {name} must be called {specimen.name} or {specimen.name}_…"
        for name in names
        if name != specimen.name and not name.startswith(f"{specimen.name}_")
    ]
    if names and not has_channel_suite(tests):
        problems.append(f"no test of it is a {CHANNEL_SUITE}, although it carries messages")
    return problems


def transports_of(specimen: Specimen) -> list[str]:
    """Name the transports that the plugin brings."""
    return [
        answer.name
        for hook, answer in registered(specimen)
        if hook == "register_transports"
        and isinstance(answer, type)
        and issubclass(answer, Transport)
    ]
