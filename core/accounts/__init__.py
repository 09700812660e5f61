"""People: who has an account, what each may do, and where each is signed in."""

from __future__ import annotations

# Roles, permissions and demo accounts are registered when this room is imported.
from core.accounts import demo as _demo
from core.accounts import permissions as _permissions

__all__: list[str] = []

_REGISTERED = (_demo, _permissions)
