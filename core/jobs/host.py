"""What the jobs need of the process that runs them; the runtime of a higher room has all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from core.db import Database

__all__ = ["Host"]

C = TypeVar("C")


class HostSettings(Protocol):
    """Typed access to the settings of the deployment."""

    def text(self, key: str, default: str = "") -> str:
        """Return a setting as text."""

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a setting as a truth value."""

    def number(self, key: str, default: int) -> int:
        """Return a setting as a whole number."""


class HostHooks(Protocol):
    """Access to what plugins implement."""

    def implementations(self, hook: str) -> Sequence[tuple[str, Callable[..., Any]]]:
        """Give name and function of each plugin that implements a hook."""

    def fence(
        self, plugin: str, place: str, session: Session | None = None, *, breaker: bool = True
    ) -> AbstractContextManager[bool]:
        """Guard a block that runs a plugin's code; False means: do nothing.

        Without ``breaker`` that is never meant.
        """


class Host(Protocol):
    """The runtime, as far as the jobs see it."""

    @property
    def settings(self) -> HostSettings:
        """Settings of the deployment."""

    @property
    def database(self) -> Database:
        """The database."""

    @property
    def hooks(self) -> HostHooks:
        """The plugins."""

    def component(self, build: Callable[[Any], C]) -> C:
        """Return the one ``build(runtime)`` of this process."""

    def close(self) -> None:
        """Close every component, then the database."""
