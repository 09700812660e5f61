"""Who is meant by a cell Petugas: a person of ours by name or NIP, or a text that is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.api.accounts import User, UserStatus
from core.api.text import TranslationString, _
from plugins.hibah.normalise import fold

__all__ = ["Officer", "Officers"]

_NIP: Final = re.compile(r"\b\d{18}\b")


@dataclass(frozen=True, slots=True)
class Officer:
    """What a cell Petugas stands for."""

    user_id: int | None
    text: str
    """What was written, where no person was found."""
    name: str
    """What the card will show."""
    warning: TranslationString | None = None


class Officers:
    """Everybody who can be an officer, read once per import."""

    def __init__(self, session: Session) -> None:
        """Read the active people."""
        query = select(User.id, User.username, User.first_name, User.last_name, User.nip).where(
            User.status == UserStatus.ACTIVE
        )
        self._names: dict[int, str] = {}
        self._spellings: dict[str, set[int]] = {}
        for row in session.execute(query):
            name = f"{row.first_name} {row.last_name}".strip()
            self._names[row.id] = name
            for spelling in {fold(name), fold(row.username), row.nip} - {""}:
                self._spellings.setdefault(spelling, set()).add(row.id)

    def name(self, user_id: int) -> str:
        """Return the name of an active person, or an empty text."""
        return self._names.get(user_id, "")

    def find(self, text: str) -> Officer:
        """Find the person by NIP, name, or both as the manual writes them (``NIP - NAMA``)."""
        nip = _NIP.search(text)
        ids = self._spellings.get(nip[0] if nip else fold(text), set())
        if len(ids) == 1:
            user_id = next(iter(ids))
            return Officer(user_id, "", self._names[user_id])
        if ids:
            warning = _(
                "Ada ${n} pemakai bernama sama, jadi nama ini disimpan sebagai teks. Tulis NIP "
                "petugasnya.",
                mapping={"n": len(ids)},
            )
        else:
            warning = _(
                "Petugas ini tidak ada di antara pemakai aktif, jadi namanya disimpan sebagai "
                "teks. Periksa nama atau NIP-nya."
            )
        return Officer(None, text, text, warning)
