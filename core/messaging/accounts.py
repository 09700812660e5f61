"""Channel accounts: adding them, changing them, and keeping count of how they are doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from core import audit
from core.db import utcnow
from core.errors import InvalidInputError, NotFoundError, RefusedError
from core.framework.runtime import runtime_of
from core.framework.steps import on_export, on_forget
from core.hookspecs.channels import Transport
from core.hookspecs.system import SettingField
from core.i18n import TranslationString, _
from core.jobs.models import Lease
from core.messaging.channels import AccountRow, Channels, seal_settings
from core.messaging.models import QUEUED, Attempt, ChannelAccount, Message, Report, Segment
from core.messaging.queue import wake_account

__all__ = [
    "BREAKER_LIMIT",
    "ChannelFacts",
    "UnknownTransportError",
    "account_row",
    "account_rows",
    "add_account",
    "list_accounts",
    "note_failure",
    "note_success",
    "pause_account",
    "resume_account",
    "set_account",
]

BREAKER_LIMIT: Final = 3
"""Chunks in a row without one accepted message after which the breaker opens."""
BREAKER_FIRST: Final = timedelta(seconds=15)
BREAKER_LONGEST: Final = timedelta(minutes=10)


class UnknownTransportError(InvalidInputError):
    """No enabled plugin brings this transport."""

    def __init__(self, name: str, known: list[str]) -> None:
        """Remember the name and what there is instead."""
        self.name = name
        super().__init__(
            "transport",
            _(
                "Jenis kanal ${name} tidak ada. Yang tersedia: ${known}.",
                mapping={"name": name, "known": ", ".join(known) or "-"},
            ),
        )


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """An account as lists show it. Settings are not among them: they hold secrets."""

    id: int
    name: str
    transport: str
    available: bool
    """Whether an enabled plugin brings its transport."""
    is_paused: bool
    weight: int
    open_until: datetime | None
    """Until when the breaker holds messages back, or None."""
    last_error: TranslationString | None
    last_error_at: datetime | None
    last_success_at: datetime | None
    waiting: int
    """Messages queued for it."""


def list_accounts(session: Session) -> list[ChannelFacts]:
    """Return every account, by name."""
    transports = runtime_of(session).component(Channels).transports
    waiting = (
        select(Message.account_id, func.count().label("waiting"))
        .where(QUEUED)
        .group_by(Message.account_id)
        .subquery()
    )
    now = utcnow()
    rows = session.execute(
        select(*_FACTS, func.coalesce(waiting.c.waiting, 0).label("waiting"))
        .outerjoin(waiting, waiting.c.account_id == ChannelAccount.id)
        .order_by(ChannelAccount.name)
    )
    return [
        ChannelFacts(
            id=row.id,
            name=row.name,
            transport=row.transport,
            available=row.transport in transports,
            is_paused=row.is_paused,
            weight=row.weight,
            open_until=row.open_until if row.open_until and row.open_until > now else None,
            last_error=row.last_error,
            last_error_at=row.last_error_at,
            last_success_at=row.last_success_at,
            waiting=row.waiting,
        )
        for row in rows
    ]


def add_account(  # noqa: PLR0913 - the facts of one account, by name
    session: Session,
    name: str,
    *,
    transport: str,
    settings: Mapping[str, Any],
    weight: int = 100,
    actor_id: int | None = None,
) -> int:
    """Store a channel account and return its id. Messages that waited for one are routed soon.

    :param settings: values of the transport's form; text is converted to the field's kind.
    :raises UnknownTransportError: no enabled plugin brings it.
    :raises InvalidInputError: a setting is unknown, missing or of the wrong kind.
    :raises RefusedError: another account has this name.
    """
    found = _transport(session, transport)
    name = name.strip()
    if not name:
        raise InvalidInputError(field="name", explanation=_("Nama kanal belum diisi."))
    if session.scalar(select(ChannelAccount.id).where(ChannelAccount.name == name)) is not None:
        raise RefusedError(_("Sudah ada kanal bernama ${name}.", mapping={"name": name}))
    values = _settings(found, settings, {})
    account = ChannelAccount(
        name=name,
        transport=transport,
        settings=seal_settings(runtime_of(session), found, values),
        weight=weight,
    )
    session.add(account)
    session.flush()
    _note(session, "channels.add", account, actor_id, settings)
    return account.id


def set_account(
    session: Session,
    name: str,
    *,
    settings: Mapping[str, Any],
    weight: int | None = None,
    actor_id: int | None = None,
) -> None:
    """Change some settings of an account; the rest stays. Every process opens it anew.

    :raises NotFoundError: there is no such account.
    :raises InvalidInputError: a setting is unknown or of the wrong kind.
    """
    account = _account(session, name)
    found = _transport(session, account.transport)
    changed = _settings(found, settings, account.settings)
    sealed = seal_settings(runtime_of(session), found, changed)
    account.settings = {**account.settings, **sealed}
    account.version += 1
    account.failure_count, account.open_until = 0, None
    if weight is not None:
        account.weight = weight
    session.flush()
    _note(session, "channels.set", account, actor_id, settings)
    wake_account(session, account.id)


def pause_account(session: Session, name: str, *, actor_id: int | None = None) -> None:
    """Stop an account: what waits for it goes to another one, or waits on where there is none."""
    account = _account(session, name)
    account.is_paused = True
    session.flush()
    _note(session, "channels.pause", account, actor_id, {})


def resume_account(session: Session, name: str, *, actor_id: int | None = None) -> None:
    """Let an account work again and forget its failures."""
    account = _account(session, name)
    account.is_paused = False
    account.failure_count, account.open_until = 0, None
    session.flush()
    _note(session, "channels.resume", account, actor_id, {})
    wake_account(session, account.id)


def account_row(session: Session, account_id: int) -> AccountRow | None:
    """Read what opening a transport needs, or None when there is no such account."""
    row = session.execute(_select_row().where(ChannelAccount.id == account_id)).one_or_none()
    return None if row is None else _row(row)


def account_rows(session: Session) -> list[AccountRow]:
    """Read every account that is not paused."""
    rows = session.execute(_select_row().where(ChannelAccount.is_paused.is_(False)))
    return [_row(row) for row in rows]


def note_success(session: Session, account_id: int, now: datetime) -> None:
    """Remember that the channel works; closes the breaker."""
    session.execute(
        update(ChannelAccount)
        .where(ChannelAccount.id == account_id)
        .values(failure_count=0, open_until=None, last_success_at=now)
        .execution_options(synchronize_session=False)
    )


def note_failure(
    session: Session, account_id: int, reason: TranslationString | str, now: datetime
) -> None:
    """Remember a chunk that the channel took nothing of; opens the breaker after a few in a row.

    It stays open twice as long each time, up to ten minutes; then one chunk tries again.
    """
    failures = session.scalar(
        update(ChannelAccount)
        .where(ChannelAccount.id == account_id)
        .values(
            failure_count=case(
                (ChannelAccount.failure_count < _MANY, ChannelAccount.failure_count + 1),
                else_=_MANY,
            ),
            last_error=reason,
            last_error_at=now,
        )
        .returning(ChannelAccount.failure_count)
        .execution_options(synchronize_session=False)
    )
    if failures is None or failures < BREAKER_LIMIT:
        return
    pause = min(BREAKER_FIRST * 2 ** (failures - BREAKER_LIMIT), BREAKER_LONGEST)
    session.execute(
        update(ChannelAccount)
        .where(ChannelAccount.id == account_id)
        .values(open_until=now + pause)
        .execution_options(synchronize_session=False)
    )


_MANY: Final = 20
_FACTS: Final = (
    ChannelAccount.id,
    ChannelAccount.name,
    ChannelAccount.transport,
    ChannelAccount.is_paused,
    ChannelAccount.weight,
    ChannelAccount.open_until,
    ChannelAccount.last_error,
    ChannelAccount.last_error_at,
    ChannelAccount.last_success_at,
)


def _select_row() -> Select[Any]:
    return select(
        ChannelAccount.id,
        ChannelAccount.name,
        ChannelAccount.transport,
        ChannelAccount.settings,
        ChannelAccount.version,
    )


def _row(row: Row[Any]) -> AccountRow:
    return AccountRow(
        id=row.id,
        name=row.name,
        transport=row.transport,
        settings=row.settings,
        version=row.version,
    )


def _account(session: Session, name: str) -> ChannelAccount:
    account = session.scalar(
        select(ChannelAccount).where(ChannelAccount.name == name).with_for_update()
    )
    if account is None:
        raise NotFoundError(_("Tidak ada kanal bernama ${name}.", mapping={"name": name}))
    return account


@on_export
def _export(session: Session, owner: str) -> dict[str, Any]:
    """Give the accounts of an owner's transport; their secrets stay encrypted."""
    rows = session.execute(
        select(
            ChannelAccount.name,
            ChannelAccount.settings,
            ChannelAccount.weight,
            ChannelAccount.is_paused,
        )
        .where(ChannelAccount.transport == owner)
        .order_by(ChannelAccount.name)
    )
    return {"channels.json": [row._asdict() for row in rows]}


@on_forget
def _forget(session: Session, owner: str) -> None:
    """Delete the accounts of an owner's transport.

    Where messages went through one its name stays for them to be read; settings and use go.
    """
    ids = session.scalars(select(ChannelAccount.id).where(ChannelAccount.transport == owner)).all()
    used: set[int | None] = set()
    for model in (Message, Attempt, Segment, Report):
        used |= set(
            session.scalars(select(model.account_id).where(model.account_id.in_(ids)).distinct())
        )
    session.execute(
        update(ChannelAccount)
        .where(ChannelAccount.id.in_(ids))
        .values(settings={}, is_paused=True, version=ChannelAccount.version + 1)
    )
    session.execute(
        delete(ChannelAccount).where(
            ChannelAccount.id.in_(ids), ChannelAccount.id.not_in([one for one in used if one])
        )
    )
    for number in ids:
        session.execute(
            delete(Lease).where(
                or_(Lease.name == f"poll:{number}", Lease.name.like(f"dispatch:{number}:%"))
            )
        )


def _transport(session: Session, name: str) -> type[Transport]:
    transports = runtime_of(session).component(Channels).transports
    if name not in transports:
        raise UnknownTransportError(name, sorted(transports))
    return transports[name]


def _settings(
    transport: type[Transport], given: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """Convert what was given and refuse what is unknown or missing."""
    fields = {setting.key: setting for setting in transport.settings_form}
    for key in given:
        if key not in fields:
            raise InvalidInputError(
                key,
                _(
                    "Pengaturan ${key} tidak dikenal. Yang ada: ${known}.",
                    mapping={"key": key, "known": ", ".join(fields) or "-"},
                ),
            )
    values = {key: _convert(fields[key], value) for key, value in given.items()}
    for key, setting in fields.items():
        if setting.required and values.get(key, stored.get(key, setting.default)) in {None, ""}:
            raise InvalidInputError(key, _("Pengaturan ${key} wajib diisi.", mapping={"key": key}))
    return values


def _convert(setting: SettingField, value: Any) -> Any:
    text = str(value).strip()
    if setting.kind == "bool":
        if text.lower() in {"true", "1", "yes", "on", "ya"}:
            return True
        if text.lower() in {"false", "0", "no", "off", "tidak", ""}:
            return False
    elif setting.kind == "int":
        try:
            return int(text)
        except ValueError:
            pass
    elif setting.kind == "choice":
        if any(text == choice for choice, _label in setting.choices):
            return text
    elif setting.kind == "url":
        if text.startswith(("http://", "https://")) or not text:
            return text
    else:
        return value if isinstance(value, str) else text
    raise InvalidInputError(
        setting.key,
        _(
            "Nilai ${value} tidak cocok untuk pengaturan ${key}.",
            mapping={"value": text, "key": setting.key},
        ),
    )


def _note(
    session: Session,
    action: str,
    account: ChannelAccount,
    actor_id: int | None,
    settings: Mapping[str, Any],
) -> None:
    audit.record(
        session,
        actor_id=actor_id,
        action=action,
        subject=f"channel:{account.id}",
        # Names only: values may be secrets.
        details={"name": account.name, "settings": sorted(settings)},
    )
