"""Keys under which other rooms keep what belongs to an institution or a grant."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, String, cast, literal

__all__ = [
    "grant_subject",
    "institution_id_of",
    "institution_subject",
    "institution_subject_of",
]

_GRANT: Final = "hibah.grant:"
_INSTITUTION: Final = "hibah.institution:"


def grant_subject(grant_id: int) -> str:
    """Return the subject of a grant's log: ``hibah.grant:42``."""
    return f"{_GRANT}{grant_id}"


def institution_subject(institution_id: int) -> str:
    """Return the subject of an institution's conversation and contact: ``hibah.institution:42``."""
    return f"{_INSTITUTION}{institution_id}"


def institution_subject_of(column: ColumnElement[int] | Any) -> ColumnElement[str]:
    """Return the subjects of a column of institution ids, for a query."""
    return literal(_INSTITUTION) + cast(column, String)


def institution_id_of(subject: str) -> int | None:
    """Return the institution that a subject speaks of, or None where it is somebody else's."""
    number = subject.removeprefix(_INSTITUTION)
    if number == subject or not (number.isascii() and number.isdecimal()):
        return None
    return int(number)
