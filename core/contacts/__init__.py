"""People to write to: numbers, contacts with their history, and who asked not to be written to."""

from __future__ import annotations

from core.contacts.countries import HOME_REGION, Country, countries
from core.contacts.models import Contact
from core.contacts.numbers import (
    InvalidNumberError,
    NumberProblem,
    format_number,
    mask_number,
    national_number,
    parse_number,
    region_of,
)
from core.contacts.services import (
    NewContact,
    contact_history,
    contacts_of,
    opt_in,
    opt_out,
    opted_out,
    set_contact,
    set_contacts,
    subjects_of_numbers,
)

__all__ = [
    "HOME_REGION",
    "Contact",
    "Country",
    "InvalidNumberError",
    "NewContact",
    "NumberProblem",
    "contact_history",
    "contacts_of",
    "countries",
    "format_number",
    "mask_number",
    "national_number",
    "opt_in",
    "opt_out",
    "opted_out",
    "parse_number",
    "region_of",
    "set_contact",
    "set_contacts",
    "subjects_of_numbers",
]
