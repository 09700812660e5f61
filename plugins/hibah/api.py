"""What other plugins may use of the grants: models to refer to, facts, visibility, contact, log."""

from __future__ import annotations

from core.api.hooks import GrantFacts
from plugins.hibah.models import Grant, Institution
from plugins.hibah.services.cards import grant_facts
from plugins.hibah.services.grants import StateChanges, change_states
from plugins.hibah.services.importing import plan_import, write_import
from plugins.hibah.services.institutions import (
    open_threads,
    set_institution_contact,
    thread_for,
)
from plugins.hibah.services.log import add_log, add_logs
from plugins.hibah.services.visibility import (
    check_grant_visible,
    check_institution_visible,
    visible_grants,
)
from plugins.hibah.subjects import grant_subject, institution_id_of, institution_subject
from plugins.hibah.workbook.rows import DecreeRow, GrantRow
from plugins.hibah.workflow import INVITABLE_STATES, State

__all__ = [
    "INVITABLE_STATES",
    "DecreeRow",
    "Grant",
    "GrantFacts",
    "GrantRow",
    "Institution",
    "State",
    "StateChanges",
    "add_log",
    "add_logs",
    "change_states",
    "check_grant_visible",
    "check_institution_visible",
    "grant_facts",
    "grant_subject",
    "institution_id_of",
    "institution_subject",
    "open_threads",
    "plan_import",
    "set_institution_contact",
    "thread_for",
    "visible_grants",
    "write_import",
]
