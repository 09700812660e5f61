"""What ``abah demo`` plays with: an officer, a grant and lists of its own, and a channel."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.api.accounts import (
    PETUGAS,
    NewUser,
    UserFacts,
    create_user,
    facts_of,
    find_user,
    grant_access,
)
from core.api.errors import AbahError
from core.api.hooks import Transport
from core.api.messaging import add_account, list_accounts
from core.api.runtime import Runtime, runtime_of
from core.api.text import _
from plugins.hibah import api as hibah
from plugins.nphd.days import today_in_jakarta
from plugins.nphd.models import Invitation
from plugins.nphd.services.cancelling import cancel
from plugins.nphd.services.inviting import Invited, Order, invite

__all__ = [
    "NoChannelError",
    "OwnNumberNeededError",
    "Stage",
    "clear_stage",
    "prepare_channel",
    "rehearse",
    "set_stage",
]

USERNAME: Final = "demo-undangan"
CODE: Final = "DEMO-NPHD-00001"
INSTITUTION: Final = "YAYASAN CONTOH UNDANGAN"
PERSON: Final = "NUR SASMITA"
INVENTED: Final = "+6281230900995"
"""Called only where the channel reaches nobody."""

_DECREE: Final = hibah.DecreeRow(
    1, "GUBERNUR JAWA TIMUR", "188/45/KPTS/013/DEMO", date(2018, 1, 19)
)
_SURABAYA: Final = 3578


class NoChannelError(AbahError):
    """No account can carry a text message."""

    explanation = _(
        "Belum ada kanal SMS yang dapat dipakai. Tambahkan kanal di UCP > Kanal, lalu ulangi."
    )


class OwnNumberNeededError(AbahError):
    """The channel reaches real telephones, so no invented number may be called."""

    def __init__(self, account: str) -> None:
        """Keep the account's name."""
        self.account = account
        super().__init__(
            _(
                "Kanal ${kanal} mengirim ke telepon sungguhan. Sebutkan nomor Anda sendiri, "
                "misalnya: abah demo --number 08123090095",
                mapping={"kanal": account},
            )
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """Who and what the rehearsal plays with."""

    officer: UserFacts
    grant: hibah.GrantFacts
    day: date
    cleared: int
    """Lists of former rehearsals that were cancelled."""


def prepare_channel(session: Session, *, own_number: bool) -> str:
    """Return the name of an account that can carry a text; a training one is made where none is.

    :raises NoChannelError: there is none, and none may be made in production.
    :raises OwnNumberNeededError: one reaches real telephones and no own number was given.
    """
    transports = _transports(runtime_of(session))
    usable = [
        account
        for account in list_accounts(session)
        if account.available
        and not account.is_paused
        and "sms" in transports[account.transport].capabilities.kinds
    ]
    if not usable:
        return _training_account(session, transports)
    for account in usable:
        if transports[account.transport].capabilities.production and not own_number:
            raise OwnNumberNeededError(account.name)
    return max(usable, key=lambda account: account.weight).name


def set_stage(session: Session, *, now: datetime | None = None) -> Stage:
    """Make officer, institution and grant where they are missing, and clear former rehearsals."""
    officer = _officer(session)
    grant = _grant(session)
    return Stage(
        officer=officer,
        grant=grant,
        day=today_in_jakarta(now) + timedelta(days=1),
        cleared=clear_stage(session, officer),
    )


def clear_stage(session: Session, officer: UserFacts) -> int:
    """Cancel the lists of former rehearsals, so that their dates are free again."""
    left = session.scalars(
        select(Invitation.id).where(
            Invitation.officer_id == officer.id, Invitation.cancelled_at.is_(None)
        )
    ).all()
    if left:
        cancel(session, dict.fromkeys(left), officer, tell=False)
    return len(left)


def rehearse(session: Session, stage: Stage, number: str | None) -> Invited:
    """Invite the institution, as an officer does in the dialog."""
    order = Order(
        grant_id=stage.grant.id,
        number=number or INVENTED,
        person=PERSON,
        day=stage.day,
        request_key=str(uuid.uuid4()),
        again=True,
    )
    return invite(session, order, stage.officer)


def _transports(runtime: Runtime) -> dict[str, type[Transport]]:
    return {
        transport.name: transport
        for _plugin, given in runtime.hooks.collect("register_transports")
        for transport in given
    }


def _training_account(session: Session, transports: dict[str, type[Transport]]) -> str:
    production = runtime_of(session).settings.flag("abah.production")
    for name, transport in sorted(transports.items()):
        capabilities = transport.capabilities
        if "sms" in capabilities.kinds and not capabilities.production and not production:
            account = f"{name} (demo)"
            # Lighter than any real account, so that one takes over as soon as it is set up.
            add_account(session, account, transport=name, settings={}, weight=1)
            return account
    raise NoChannelError


def _officer(session: Session) -> UserFacts:
    user = find_user(session, USERNAME)
    if user is None:
        new = NewUser(
            username=USERNAME,
            email=f"{USERNAME}@demo.example",
            first_name="PETUGAS",
            last_name="DEMO",
            nip="199001012015011999",
        )
        # Nobody signs in with it: the hash of no password at all.
        user = create_user(session, new, password_hash=f"!{secrets.token_hex(16)}")
        grant_access(session, user.id, roles=[PETUGAS], actor_id=None, tell=False)
    facts = facts_of(session, user.id)
    if facts is None:
        raise AbahError(
            _(
                "Akun ${nama} dinonaktifkan. Aktifkan kembali, lalu ulangi.",
                mapping={"nama": USERNAME},
            )
        )
    return facts


def _grant(session: Session) -> hibah.GrantFacts:
    row = hibah.GrantRow(
        row=1,
        code=CODE,
        dpa="",
        institution=INSTITUTION,
        address="Jl. Contoh 1",
        regency_id=_SURABAYA,
        kind="Hibah Berbadan Hukum Indonesia",
        recommendation="DEMO",
        amount=50_000_000,
        purpose="Contoh untuk mencoba undangan NPHD",
        decree=_DECREE,
        officer=USERNAME,
        contact="",
        telephone="",
        created=None,
    )
    hibah.write_import(session, hibah.plan_import(session, [row], {}), actor_id=None)
    grant_id = session.scalars(select(hibah.Grant.id).where(hibah.Grant.code == CODE)).one()
    return hibah.grant_facts(session, [grant_id])[grant_id]
