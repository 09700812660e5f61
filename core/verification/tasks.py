"""Work of this room that nobody waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.accounts.sessions import SessionRules, purge_sessions
from core.jobs import sweep
from core.verification.services import purge_proofs

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["forget"]


@sweep("core.forget_people", every=900.0)
def forget(runtime: Runtime) -> None:
    """Delete sessions that ended by themselves, unproven registrations and old proofs."""
    rules = runtime.component(SessionRules)
    with runtime.database.writing() as session:
        purge_sessions(session, rules=rules)
        purge_proofs(session)
