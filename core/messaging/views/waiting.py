"""What the frame and the dashboard say about conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.messaging.reading import waiting_counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyramid.request import Request

__all__ = ["envelope", "waiting"]


def envelope(request: Request, _given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Count the unread messages for the envelope in the bar."""
    return {"unread": waiting_counts(request.db, request.identity).unread}


def waiting(request: Request, _given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Count what waits in conversations, for the dashboard."""
    return {"waiting": waiting_counts(request.db, request.identity)}
