"""Comparing rows with what is known: what is new, what changes, what may not change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from core.api.contacts import contacts_of, format_number
from core.api.db import utcnow
from core.api.hooks import GrantChange, GrantFacts, UserFacts
from core.api.runtime import runtime_of
from core.api.text import TranslationString, _
from plugins.hibah.chunks import chunks
from plugins.hibah.models import Decree, Grant, Institution, Regency
from plugins.hibah.regencies import REGENCIES
from plugins.hibah.services.importing.officers import Officer, Officers
from plugins.hibah.subjects import institution_subject
from plugins.hibah.workbook.columns import Column
from plugins.hibah.workbook.problems import Problem
from plugins.hibah.workbook.rows import GrantRow
from plugins.hibah.workflow import State

__all__ = ["FieldChange", "GrantPlan", "ImportPlan", "InstitutionPlan", "plan_import"]

AnyRow = Row[*tuple[Any, ...]]

IMPORTER: Final = UserFacts(
    id=0,
    username="impor",
    name="Impor",
    email="",
    nip="",
    phone=None,
    roles=frozenset(),
    permissions=frozenset(),
    team_ids=frozenset(),
    locale="id",
)
"""Who asks ``check_transition`` when a workbook brings the decree: nobody in particular."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that an import replaces."""

    row: int
    code: str
    title: str
    """Heading of the column."""
    before: str
    after: str


@dataclass(slots=True)
class GrantPlan:
    """What is to be done with one row."""

    row: GrantRow
    known: AnyRow | None
    """The grant as it is, or None for a new one."""
    officer: Officer | None
    """None where the cell is empty: the known officer stays."""
    changes: list[FieldChange] = field(default_factory=list)
    transition: GrantChange | None = None


@dataclass(slots=True)
class InstitutionPlan:
    """An institution that rows name; ``row`` is the last of them, whose spelling counts."""

    row: GrantRow
    contact: GrantRow | None = None
    """The last row with a telephone number."""
    known_id: int | None = None
    """Set where it exists, also under the former name that it is going to lose."""
    is_changed: bool = False
    known_contact: str = ""
    """The contact of the last import."""

    @property
    def new_contact(self) -> str:
        """The contact that is to be set; empty while the workbook says the same as last time.

        A contact that an officer mended in the meantime stays then.
        """
        said = f"{self.contact.telephone} {self.contact.contact}" if self.contact else ""
        return said if said != self.known_contact else ""


@dataclass(slots=True)
class ImportPlan:
    """Everything that an import would do."""

    new: list[GrantPlan] = field(default_factory=list)
    changed: list[GrantPlan] = field(default_factory=list)
    unchanged: list[GrantPlan] = field(default_factory=list)
    institutions: dict[str, InstitutionPlan] = field(default_factory=dict)
    """By identity."""
    problems: list[Problem] = field(default_factory=list)
    contact_changes: list[FieldChange] = field(default_factory=list)

    @property
    def changes(self) -> Iterator[FieldChange]:
        """Every value that is replaced."""
        yield from (change for grant in self.changed for change in grant.changes)
        yield from self.contact_changes


def plan_import(
    session: Session, rows: Sequence[GrantRow], columns: Mapping[Column, int]
) -> ImportPlan:
    """Compare rows with the database and say what importing them means. Writes nothing.

    An empty cell never empties what is known. A grant that is locked or archived refuses changes.
    """
    plan = ImportPlan()
    known = _known_grants(session, [row.code for row in rows])
    rows = [_completed(row, known.get(row.code)) for row in rows]
    officers = Officers(session)
    for row in rows:
        grant = GrantPlan(
            row, known.get(row.code), officers.find(row.officer) if row.officer else None
        )
        if grant.officer is not None and grant.officer.warning is not None:
            plan.problems.append(
                _problem(row, Column.OFFICER, columns, grant.officer.warning, fatal=False)
            )
        if grant.known is None:
            plan.new.append(grant)
            continue
        grant.changes = _changes(grant, officers)
        _plan_transition(grant)
        refusal = _refusal(session, grant)
        if refusal is not None:
            plan.problems.append(_problem(row, Column.CODE, columns, refusal))
        elif grant.changes:
            plan.changed.append(grant)
        else:
            plan.unchanged.append(grant)
    accepted = [grant.row for grant in (*plan.new, *plan.changed, *plan.unchanged)]
    plan.institutions = _plan_institutions(session, accepted, known)
    plan.contact_changes = _contact_changes(session, plan.institutions)
    return plan


def _completed(row: GrantRow, known: AnyRow | None) -> GrantRow:
    """Take the known address where the cell is empty, or the institution would be another one."""
    if known is None or row.address:
        return row
    completed = replace(row, address=known.address)
    return completed if completed.identity == known.identity else row


def _known_grants(session: Session, codes: Sequence[str]) -> dict[str, AnyRow]:
    query = (
        select(
            Grant.id,
            Grant.code,
            Grant.dpa,
            Grant.amount,
            Grant.kind,
            Grant.recommendation,
            Grant.purpose,
            Grant.state,
            Grant.officer_id,
            Grant.officer_text,
            Grant.locked,
            Grant.pending,
            Grant.archived_at,
            Grant.institution_id,
            Grant.decree_id,
            Grant.version,
            Institution.name.label("institution"),
            Institution.address,
            Institution.identity,
            Regency.name.label("regency"),
            Decree.stage,
            Decree.official,
            Decree.number,
            Decree.dated,
        )
        .join(Institution, Institution.id == Grant.institution_id)
        .outerjoin(Regency, Regency.id == Institution.regency_id)
        .outerjoin(Decree, Decree.id == Grant.decree_id)
    )
    found: dict[str, AnyRow] = {}
    for chunk in chunks(codes):
        for row in session.execute(query.where(Grant.code.in_(chunk))):
            found[row.code] = row
    return found


def _plan_institutions(
    session: Session, rows: Sequence[GrantRow], known: Mapping[str, AnyRow]
) -> dict[str, InstitutionPlan]:
    plans = {row.identity: InstitutionPlan(row) for row in sorted(rows, key=lambda row: row.row)}
    for row in rows:
        plan = plans[row.identity]
        if row.telephone and (plan.contact is None or plan.contact.row < row.row):
            plan.contact = row
    columns = (
        Institution.id,
        Institution.identity,
        Institution.name,
        Institution.address,
        Institution.imported_contact,
    )
    for chunk in chunks(plans):
        for found in session.execute(select(*columns).where(Institution.identity.in_(chunk))):
            plan = plans[found.identity]
            plan.known_id = found.id
            plan.known_contact = found.imported_contact
            plan.is_changed = (found.name, found.address) != (
                plan.row.institution,
                plan.row.address,
            )
    for identity, institution_id in _renamed(session, rows, known, plans).items():
        plans[identity].known_id = institution_id
        plans[identity].is_changed = True
    return plans


def _contact_changes(session: Session, plans: Mapping[str, InstitutionPlan]) -> list[FieldChange]:
    """Say whom the contacts of known institutions replace."""
    rows = {
        institution_subject(plan.known_id): plan.contact
        for plan in plans.values()
        if plan.known_id is not None and plan.contact is not None and plan.new_contact
    }
    before = contacts_of(session, list(rows))
    changes: list[FieldChange] = []
    for subject, row in rows.items():
        known = before.get(subject)
        old = f"{known.name}, {format_number(known.number)}" if known is not None else ""
        new = f"{row.contact}, {format_number(row.telephone)}"
        if old != new:
            changes.append(FieldChange(row.row, row.code, Column.CONTACT.heading, old, new))
    return changes


def _renamed(
    session: Session,
    rows: Sequence[GrantRow],
    known: Mapping[str, AnyRow],
    plans: Mapping[str, InstitutionPlan],
) -> dict[str, int]:
    """Find institutions that the rows of all their grants call by one new name."""
    moves: dict[int, list[str]] = {}
    for row in rows:
        grant = known.get(row.code)
        if grant is not None and grant.identity != row.identity:
            moves.setdefault(grant.institution_id, []).append(row.identity)
    candidates = {
        institution_id: identities[0]
        for institution_id, identities in moves.items()
        if len(set(identities)) == 1 and plans[identities[0]].known_id is None
    }
    renamed: dict[str, int] = {}
    for chunk in chunks(candidates):
        counts = session.execute(
            select(Grant.institution_id, func.count().label("grants"))
            .where(Grant.institution_id.in_(chunk))
            .group_by(Grant.institution_id)
        )
        for found in counts:
            if found.grants == len(moves[found.institution_id]):
                renamed.setdefault(candidates[found.institution_id], found.institution_id)
    return renamed


def _changes(grant: GrantPlan, officers: Officers) -> list[FieldChange]:
    row, known = grant.row, grant.known
    if known is None:
        return []
    pairs: list[tuple[Column, str, str]] = [
        (Column.DPA, known.dpa, row.dpa),
        (Column.INSTITUTION, known.institution, row.institution),
        (Column.ADDRESS, known.address, row.address),
        (Column.REGENCY, known.regency or "", REGENCIES[row.regency_id]),
        (Column.KIND, known.kind, row.kind),
        (Column.RECOMMENDATION, known.recommendation, row.recommendation),
        (Column.AMOUNT, str(known.amount), str(row.amount)),
        (Column.PURPOSE, known.purpose, row.purpose),
    ]
    if grant.officer is not None:
        before = officers.name(known.officer_id) if known.officer_id else known.officer_text
        pairs.append((Column.OFFICER, before, grant.officer.name))
    if row.decree is not None:
        decree = row.decree
        dated = f"{known.dated:%d/%m/%Y}" if known.dated else ""
        pairs += [
            (Column.DECREE_STAGE, str(known.stage or ""), str(decree.stage)),
            (Column.DECREE_OFFICIAL, known.official or "", decree.official),
            (Column.DECREE_NUMBER, known.number or "", decree.number),
            (Column.DECREE_DATED, dated, f"{decree.dated:%d/%m/%Y}"),
        ]
    return [
        FieldChange(row.row, row.code, column.heading, before, after)
        for column, before, after in pairs
        if after and before != after
    ]


def _plan_transition(grant: GrantPlan) -> None:
    """Note that a decree turns a request into a decreed grant."""
    known = grant.known
    if known is None or grant.row.decree is None or known.state != State.REQUESTED:
        return
    facts = GrantFacts(
        id=known.id,
        code=known.code,
        institution_id=known.institution_id,
        institution_name=grant.row.institution,
        state=known.state,
        archived=known.archived_at is not None,
        locked=known.locked,
        pending=known.pending,
        officer_id=known.officer_id,
    )
    grant.transition = GrantChange(facts, known.state, State.DECREED.value, None, utcnow())


def _refusal(session: Session, grant: GrantPlan) -> TranslationString | None:
    known = grant.known
    if known is None or not grant.changes:
        return None
    titles = ", ".join(dict.fromkeys(change.title for change in grant.changes))
    if known.archived_at is not None:
        return _(
            "Hibah ini sudah ada di Data Arsip, jadi ${titles} tidak diubah. Hapus baris ini dari "
            "workbook, atau samakan isinya.",
            mapping={"titles": titles},
        )
    if known.locked:
        return _(
            "Hibah ini terkunci, jadi ${titles} tidak diubah. Minta Admin membuka kuncinya, atau "
            "samakan isinya.",
            mapping={"titles": titles},
        )
    if grant.transition is None:
        return None
    answer: TranslationString | None = runtime_of(session).hooks.decide(
        "check_transition", session=session, change=grant.transition, user=IMPORTER
    )
    return answer


def _problem(
    row: GrantRow,
    column: Column,
    columns: Mapping[Column, int],
    explanation: TranslationString,
    *,
    fatal: bool = True,
) -> Problem:
    value = row.code if column is Column.CODE else row.officer
    return Problem(row.row, column, columns.get(column), value, explanation, fatal)
