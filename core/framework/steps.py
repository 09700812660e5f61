"""What higher rooms do when a plugin is checked, installed or forgotten.

The framework stands below accounts and the web and may not import them; they say here, once, when they are
imported, what has to happen. Registering the same function twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

from sqlalchemy.orm import Session

from core.framework.manifest import Manifest, Permission
from core.framework.runtime import Runtime

__all__ = [
    "CORE",
    "check_plugin",
    "core_permissions",
    "forget_owner",
    "grant_permissions",
    "on_check",
    "on_forget",
    "on_permissions",
    "register_core_permissions",
]

CORE = "core"

Check = Callable[[Runtime, Manifest, ModuleType], None]
Grant = Callable[[Session, str, tuple[Permission, ...]], None]
Forget = Callable[[Session, str], Mapping[str, int]]

_checks: dict[str, Check] = {}
_grants: dict[str, Grant] = {}
_forgets: dict[str, Forget] = {}
_core_permissions: dict[str, Permission] = {}


def on_check(check: Check) -> Check:
    """Look at a plugin before it is installed: ``check(runtime, manifest, module)`` raises to refuse it."""
    _checks[_key(check)] = check
    return check


def on_permissions(grant: Grant) -> Grant:
    """Give permissions to the roles that they name: ``grant(session, owner, permissions)``.

    Called at install and upgrade. Must leave alone what was granted for an earlier version, because an
    administrator may have taken it back since.
    """
    _grants[_key(grant)] = grant
    return grant


def on_forget(forget: Forget) -> Forget:
    """Delete what an owner leaves in a room's tables, at a purge: ``forget(session, owner)``.

    Gives how many rows of each table went.
    """
    _forgets[_key(forget)] = forget
    return forget


def register_core_permissions(*permissions: Permission) -> None:
    """Add permissions of the core's own rooms; granted when the core is set up."""
    for permission in permissions:
        _core_permissions[permission.name] = permission


def core_permissions() -> tuple[Permission, ...]:
    """Return the permissions of the core's rooms that were imported."""
    return tuple(_core_permissions.values())


def check_plugin(runtime: Runtime, manifest: Manifest, module: ModuleType) -> None:
    """Run every check of :func:`on_check`."""
    for check in _checks.values():
        check(runtime, manifest, module)


def grant_permissions(session: Session, owner: str, permissions: tuple[Permission, ...]) -> None:
    """Run every function of :func:`on_permissions`."""
    for grant in _grants.values():
        grant(session, owner, permissions)


def forget_owner(session: Session, owner: str) -> dict[str, int]:
    """Run every function of :func:`on_forget` and unite what they deleted."""
    gone: dict[str, int] = {}
    for forget in _forgets.values():
        gone.update(forget(session, owner))
    return gone


def _key(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
