"""Carrying out the plan of an import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.orm import Session

from core.api.contacts import NewContact
from core.api.db import utcnow
from core.api.hooks import GrantChange
from core.api.runtime import runtime_of
from core.api.text import TranslationString, _
from plugins.hibah.chunks import chunks
from plugins.hibah.models import Decree, Grant, Institution
from plugins.hibah.services.importing.plan import GrantPlan, ImportPlan, InstitutionPlan
from plugins.hibah.services.index import (
    index_decrees,
    index_grants,
    index_institutions,
    refresh_statistics,
)
from plugins.hibah.services.institutions import open_threads, set_institution_contacts
from plugins.hibah.services.log import add_logs
from plugins.hibah.subjects import institution_subject
from plugins.hibah.workbook.rows import DecreeRow
from plugins.hibah.workflow import State

__all__ = ["ImportResult", "write_import"]

WIB: Final = ZoneInfo("Asia/Jakarta")

MAX_LOGGED: Final = 20
"""Changed columns that one log line names."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import wrote."""

    created: int
    updated: int
    unchanged: int
    new_institutions: int
    contacts: int
    """Institutions whose contact was set or replaced."""


def write_import(
    session: Session,
    plan: ImportPlan,
    *,
    actor_id: int | None,
    progress: Callable[[int], None] = lambda _rows: None,
) -> ImportResult:
    """Write what the plan says; flushed, not committed. ``progress`` hears of finished rows."""
    institutions = _write_institutions(session, plan.institutions)
    decrees = _write_decrees(session, [grant.row.decree for grant in (*plan.new, *plan.changed)])
    for chunk in chunks(plan.new):
        _insert_grants(session, chunk, institutions, decrees, actor_id)
        progress(len(chunk))
    for chunk in chunks(plan.changed):
        _update_grants(session, chunk, institutions, decrees, actor_id)
        progress(len(chunk))
    progress(len(plan.unchanged))
    contacts = _write_contacts(session, plan.institutions, institutions, actor_id)
    for ids in chunks(institutions.values()):
        open_threads(session, ids)
        index_institutions(session, ids)
    if plan.new or plan.changed:
        refresh_statistics(session)
    return ImportResult(
        created=len(plan.new),
        updated=len(plan.changed),
        unchanged=len(plan.unchanged),
        new_institutions=sum(1 for each in plan.institutions.values() if each.known_id is None),
        contacts=contacts,
    )


def _write_institutions(session: Session, plans: Mapping[str, InstitutionPlan]) -> dict[str, int]:
    """Insert and rename institutions, and return the id of each by identity."""
    values = {
        identity: {
            "identity": identity,
            "name": plan.row.institution,
            "address": plan.row.address,
            "regency_id": plan.row.regency_id,
        }
        for identity, plan in plans.items()
    }
    ids = {identity: plan.known_id for identity, plan in plans.items() if plan.known_id is not None}
    changed = [
        {"id": ids[identity], **values[identity]}
        for identity, plan in plans.items()
        if plan.known_id is not None and plan.is_changed
    ]
    if changed:
        session.execute(update(Institution), changed)
    for chunk in chunks(identity for identity in plans if identity not in ids):
        rows = session.execute(
            insert(Institution).returning(Institution.identity, Institution.id),
            [values[identity] for identity in chunk],
        )
        ids.update({row.identity: row.id for row in rows})
    return ids


def _write_decrees(session: Session, wanted: Sequence[DecreeRow | None]) -> dict[DecreeRow, int]:
    """Find or insert the decrees and return their ids."""
    decrees = dict.fromkeys(decree for decree in wanted if decree is not None)
    ids: dict[DecreeRow, int] = {}
    key = (Decree.stage, Decree.official, Decree.number, Decree.dated)
    for chunk in chunks(decrees):
        found = session.execute(
            select(Decree.id, *key).where(tuple_(*key).in_([_decree_key(each) for each in chunk]))
        )
        ids.update(
            {DecreeRow(row.stage, row.official, row.number, row.dated): row.id for row in found}
        )
        missing = [each for each in chunk if each not in ids]
        if missing:
            rows = session.execute(
                insert(Decree).returning(Decree.id, *key),
                [dict(zip(_DECREE_NAMES, _decree_key(each), strict=True)) for each in missing],
            ).all()
            new = {
                DecreeRow(row.stage, row.official, row.number, row.dated): row.id for row in rows
            }
            index_decrees(session, list(new.values()))
            ids.update(new)
    return ids


_DECREE_NAMES: Final = ("stage", "official", "number", "dated")


def _decree_key(decree: DecreeRow) -> tuple[int, str, str, date]:
    return (decree.stage, decree.official, decree.number, decree.dated)


def _insert_grants(
    session: Session,
    plans: Sequence[GrantPlan],
    institutions: Mapping[str, int],
    decrees: Mapping[DecreeRow, int],
    actor_id: int | None,
) -> None:
    now = utcnow()
    values = [
        {
            "code": plan.row.code,
            "dpa": plan.row.dpa,
            "institution_id": institutions[plan.row.identity],
            "amount": plan.row.amount,
            "kind": plan.row.kind,
            "recommendation": plan.row.recommendation,
            "purpose": plan.row.purpose,
            "state": (State.DECREED if plan.row.decree else State.REQUESTED).value,
            "decree_id": decrees[plan.row.decree] if plan.row.decree else None,
            "officer_id": plan.officer.user_id if plan.officer else None,
            "officer_text": plan.officer.text if plan.officer else "",
            "created_at": _midnight(plan.row.created) if plan.row.created else now,
        }
        for plan in plans
    ]
    # Without render_nulls rows with and without a decree would be separate statements.
    ids = list(
        session.scalars(
            insert(Grant).returning(Grant.id), values, execution_options={"render_nulls": True}
        )
    )
    index_grants(session, ids)
    add_logs(session, dict.fromkeys(ids, _("Hibah dibuat dari impor workbook.")), actor_id)


def _update_grants(
    session: Session,
    plans: Sequence[GrantPlan],
    institutions: Mapping[str, int],
    decrees: Mapping[DecreeRow, int],
    actor_id: int | None,
) -> None:
    values: list[dict[str, Any]] = []
    logs: dict[int, TranslationString | str] = {}
    transitions: list[GrantChange] = []
    for plan in plans:
        if plan.known is None:
            continue
        values.append(_new_values(plan, plan.known, institutions, decrees))
        logs[plan.known.id] = _log_line(plan)
        if plan.transition is not None:
            after = replace(plan.transition.grant, state=plan.transition.after)
            transitions.append(replace(plan.transition, grant=after))
    session.execute(update(Grant), values)
    index_grants(session, list(logs))
    add_logs(session, logs, actor_id)
    if transitions:
        runtime_of(session).hooks.tell(session, "grants_changed", changes=transitions)


def _new_values(
    plan: GrantPlan,
    known: Any,
    institutions: Mapping[str, int],
    decrees: Mapping[DecreeRow, int],
) -> dict[str, Any]:
    """Return every column of a changed grant: what the row says, else what is known."""
    row, officer = plan.row, plan.officer
    return {
        "id": known.id,
        "dpa": row.dpa or known.dpa,
        "institution_id": institutions[row.identity],
        "amount": row.amount,
        "kind": row.kind or known.kind,
        "recommendation": row.recommendation or known.recommendation,
        "purpose": row.purpose or known.purpose,
        "state": plan.transition.after if plan.transition else known.state,
        "decree_id": decrees[row.decree] if row.decree else known.decree_id,
        "officer_id": officer.user_id if officer else known.officer_id,
        "officer_text": officer.text if officer else known.officer_text,
        "version": known.version + 1,
    }


def _log_line(plan: GrantPlan) -> TranslationString:
    texts = [
        f"{change.title}: {change.before or '-'} → {change.after}"
        for change in plan.changes[:MAX_LOGGED]
    ]
    return _("Hibah diubah oleh impor workbook. ${changes}", mapping={"changes": "; ".join(texts)})


def _write_contacts(
    session: Session,
    plans: Mapping[str, InstitutionPlan],
    ids: Mapping[str, int],
    actor_id: int | None,
) -> int:
    """Set the contacts that the workbook changed since its last import.

    A contact that an officer mended in the meantime stays while the workbook says the same as then.
    """
    new: dict[int, NewContact] = {}
    imported: list[dict[str, Any]] = []
    for identity, plan in plans.items():
        row, said = plan.contact, plan.new_contact
        if row is not None and said:
            subject = institution_subject(ids[identity])
            new[ids[identity]] = NewContact(subject, row.contact, row.telephone)
            imported.append({"id": ids[identity], "imported_contact": said})
    for chunk in chunks(new):
        set_institution_contacts(session, {key: new[key] for key in chunk}, actor_id=actor_id)
    if imported:
        session.execute(update(Institution), imported)
    return len(new)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), WIB)
