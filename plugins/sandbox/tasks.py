"""What the sandbox does by itself: forgetting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.api.jobs import sweep
from plugins.sandbox.services.network import forget_old

if TYPE_CHECKING:
    from core.api.runtime import Runtime

__all__ = ["forget"]


@sweep("sandbox.forget", every=3600.0)
def forget(runtime: Runtime) -> None:
    """Delete what is older than 30 days."""
    with runtime.database.writing() as session:
        forget_old(session)
