"""Conflicts of data files: rows that an administrator edited and that a newer version changed too.

The row keeps the edit until somebody decides: keep it, or take what the plugin brings now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.errors import ConflictError, NotFoundError
from core.framework.datafiles import keep_edit, offered_data, restore_values
from core.framework.models import LoadedData
from core.framework.steps import note_act
from core.i18n import _

__all__ = ["Conflict", "Difference", "conflicts", "settle"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a row of which there is more than one opinion; None where it says nothing."""

    field: str
    mine: Any
    """What the row holds now."""
    new: Any
    """What the data file says now."""
    old: Any
    """What the data file said when it was loaded last."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One row that waits for a decision."""

    owner: str
    """Plugin that brought the row, or ``core``."""
    kind: str
    external_id: str
    differences: Sequence[Difference]
    version: str
    """Changes with the row and with what is offered."""

    @property
    def id(self) -> str:
        """Name it among all rows: ``kind:external id``."""
        return f"{self.kind}:{self.external_id}"


def conflicts(session: Session, owner: str = "") -> list[Conflict]:
    """List what waits for a decision, of one owner or of all, in a stable order."""
    return [_conflict(row, values) for row, values in offered_data(session, owner)]


def settle(  # noqa: PLR0913 - which, how, and who
    session: Session,
    conflict_id: str,
    *,
    take_new: bool,
    actor_id: int | None,
    actor: str = "",
    version: str | None = None,
) -> Conflict:
    """Decide a conflict: take what the data file brings, or keep the row as it is. It is audited.

    :param actor: who decides where that is no user of the application.
    :param version: what the decision was about, of :class:`Conflict`; None asks nothing.
    :raises NotFoundError: there is no such conflict (any more).
    :raises ConflictError: the row or the offer changed meanwhile.
    """
    found = next((one for one in conflicts(session) if one.id == conflict_id), None)
    if found is None:
        raise NotFoundError(
            _("${id} tidak menunggu keputusan apa pun.", mapping={"id": conflict_id})
        )
    if version is not None and version != found.version:
        raise ConflictError
    if take_new:
        restore_values(session, found.kind, found.external_id)
    else:
        keep_edit(session, found.kind, found.external_id)
    note_act(
        session,
        actor_id=actor_id,
        action="plugins.data.take" if take_new else "plugins.data.keep",
        subject=f"abah.data:{found.id}"[:160],
        details={
            "owner": found.owner,
            "before": {one.field: one.mine for one in found.differences},
            "offered": {one.field: one.new for one in found.differences},
            **({"actor": actor} if actor else {}),
        },
    )
    return found


def _conflict(row: LoadedData, mine: Mapping[str, Any]) -> Conflict:
    new, old = row.offered or {}, row.loaded
    fields = [*new, *(name for name in old if name not in new)]
    seen = json.dumps([mine, new], sort_keys=True, default=str)
    return Conflict(
        owner=row.owner,
        kind=row.kind,
        external_id=row.external_id,
        differences=[
            Difference(name, mine.get(name), new.get(name), old.get(name))
            for name in fields
            if mine.get(name) != new.get(name)
        ],
        version=hashlib.sha256(seen.encode()).hexdigest()[:16],
    )
