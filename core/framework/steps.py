"""What higher rooms do when a plugin is checked, installed or forgotten.

The framework stands below accounts and the web and may not import them; they say here, once, when
they are imported, what has to happen. Registering the same function twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from core.framework.manifest import Manifest, Permission
from core.framework.runtime import Runtime
from core.i18n import TranslationString

__all__ = [
    "DemoAccount",
    "check_plugin",
    "export_owner",
    "forget_owner",
    "grant_permissions",
    "load_core_demo",
    "note_act",
    "on_act",
    "on_check",
    "on_core_setup",
    "on_demo",
    "on_export",
    "on_forget",
    "on_permissions",
    "prepare_core",
]


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account of the demo that one can sign in with."""

    username: str
    password: str
    role: TranslationString
    """What it may do, in the words of the screen."""


Check = Callable[[Runtime, Sequence[Manifest], Manifest], Mapping[str, list[str]]]
Grant = Callable[[Session, str, tuple[Permission, ...]], object]
Forget = Callable[[Session, str], object]
Export = Callable[[Session, str], Mapping[str, Any]]
Setup = Callable[[Session], object]

Demo = Callable[[Session, Callable[[str], None]], Sequence[DemoAccount]]


class Note(Protocol):
    """Writes down who did what, as :func:`core.audit.record`."""

    def __call__(
        self,
        session: Session,
        *,
        actor_id: int | None,
        action: str,
        subject: str,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write it in the transaction of what it tells."""


_checks: dict[str, Check] = {}
_grants: dict[str, Grant] = {}
_forgets: dict[str, Forget] = {}
_exports: dict[str, Export] = {}
_setups: dict[str, Setup] = {}
_demos: dict[str, Demo] = {}
_notes: list[Note] = []


def on_check(check: Check) -> Check:
    """Look at a plugin before it is installed: ``check(runtime, manifests, manifest)`` may raise.

    ``manifests`` are those of all plugins that will run, in load order, its own among them. Returns
    names that the plugin adds, by kind (see :mod:`core.framework.surface`).
    """
    _checks[_key(check)] = check
    return check


def on_permissions(grant: Grant) -> Grant:
    """Give permissions to the roles that they name: ``grant(session, owner, permissions)``.

    Called at install and upgrade. Must leave alone what was granted for an earlier version, because
    an administrator may have taken it back since.
    """
    _grants[_key(grant)] = grant
    return grant


def on_forget(forget: Forget) -> Forget:
    """Delete what an owner leaves in a room's tables, at a purge: ``forget(session, owner)``."""
    _forgets[_key(forget)] = forget
    return forget


def on_export(export: Export) -> Export:
    """Add to what a purge exports: ``export(session, owner)`` gives files to read, by name."""
    _exports[_key(export)] = export
    return export


def on_core_setup(setup: Setup) -> Setup:
    """Fill in what the core needs before any plugin: ``setup(session)``. Must be safe to repeat."""
    _setups[_key(setup)] = setup
    return setup


def prepare_core(session: Session) -> None:
    """Run every function of :func:`on_core_setup`."""
    for setup in _setups.values():
        setup(session)


def on_act(note: Note) -> Note:
    """Write down what the framework lets somebody do: the audit trail says here that it does."""
    _notes[:] = [note]
    return note


def note_act(
    session: Session,
    *,
    actor_id: int | None,
    action: str,
    subject: str,
    details: Mapping[str, Any],
) -> None:
    """Tell the function of :func:`on_act` what somebody did."""
    for note in _notes:
        note(session, actor_id=actor_id, action=action, subject=subject, details=details)


def on_demo(load: Demo) -> Demo:
    """Fill in a room's own demo data: ``load(session, progress)`` gives the accounts it made.

    ``progress`` takes a line for the terminal. Must be safe to run twice.
    """
    _demos[_key(load)] = load
    return load


def load_core_demo(session: Session, progress: Callable[[str], None]) -> list[DemoAccount]:
    """Run every function of :func:`on_demo` and return the accounts that one can sign in with."""
    return [account for load in _demos.values() for account in load(session, progress)]


def check_plugin(
    runtime: Runtime, manifests: Sequence[Manifest], manifest: Manifest
) -> dict[str, list[str]]:
    """Run every check of :func:`on_check` and gather what the plugin adds."""
    found: dict[str, list[str]] = {}
    for check in _checks.values():
        found |= check(runtime, manifests, manifest)
    return found


def grant_permissions(session: Session, owner: str, permissions: tuple[Permission, ...]) -> None:
    """Run every function of :func:`on_permissions`."""
    for grant in _grants.values():
        grant(session, owner, permissions)


def forget_owner(session: Session, owner: str) -> None:
    """Run every function of :func:`on_forget`."""
    for forget in _forgets.values():
        forget(session, owner)


def export_owner(session: Session, owner: str) -> dict[str, Any]:
    """Run every function of :func:`on_export`."""
    files: dict[str, Any] = {}
    for export in _exports.values():
        files |= export(session, owner)
    return files


def _key(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
