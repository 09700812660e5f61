"""Telephone numbers (E.164) and contacts with their history."""

from __future__ import annotations

from core.contacts import (
    HOME_REGION,
    Contact,
    Country,
    InvalidNumberError,
    NewContact,
    NumberProblem,
    contact_history,
    contacts_of,
    countries,
    format_number,
    mask_number,
    national_number,
    opt_in,
    opt_out,
    opted_out,
    parse_number,
    region_of,
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
