"""The log of a grant reads as sentences, whoever recorded them."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import core.contacts
import core.messaging
import plugins.hibah
import plugins.nphd
from core.api.audit import record
from plugins.hibah.services.log import LOGGED, log_of
from plugins.hibah.subjects import grant_subject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from core.api.runtime import Runtime

OTHER = "Tindakan lain"
ROOMS = (core.contacts, core.messaging, plugins.hibah, plugins.nphd)

# Subjects that are no grant and no institution: their own history, not a grant's log.
ELSEWHERE = ("message:", "invitation_subject", "account_subject", "text_subject", "channel:")


def _calls(room: ModuleType) -> Iterator[ast.Call]:
    for path in sorted(Path(inspect.getfile(room)).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in {"record", "Act"}:
                    yield node


def _recorded() -> dict[str, str]:
    """Return the literal actions of all entries that can land on a grant, and their subject."""
    found = {}
    for room in ROOMS:
        for call in _calls(room):
            given = {each.arg: each.value for each in call.keywords}
            if "action" in given or call.args:
                action = given.get("action") or call.args[0]
                subject = ast.unparse(given.get("subject") or call.args[1])
                if not isinstance(action, ast.Constant):
                    continue
                if not any(word in subject for word in ELSEWHERE):
                    found[str(action.value)] = subject
    return found


RECORDED = _recorded()


def test_the_actions_are_found() -> None:
    assert {"contact.set", "messages.send", "messages.move"} <= set(RECORDED)


@pytest.mark.parametrize("action", sorted({*RECORDED} - {LOGGED}))
def test_every_action_on_a_grant_has_its_own_sentence(
    runtime: Runtime, bureau: dict[str, int], action: str
) -> None:
    text = _logged(runtime, bureau["2018-HK-00005"], action)
    assert action not in text
    assert text != OTHER
    assert " " in text


def test_an_action_without_a_sentence_shows_no_internal_word(
    runtime: Runtime, bureau: dict[str, int]
) -> None:
    assert _logged(runtime, bureau["2018-HK-00005"], "plugin.act") == OTHER


def test_numbers_are_written_as_people_write_them(runtime: Runtime, bureau: dict[str, int]) -> None:
    text = _logged(runtime, bureau["2018-HK-00005"], "contact.set")
    assert "+62 812-3090-096" in text
    assert "+62 812-3090-095" in text


def _logged(runtime: Runtime, grant_id: int, action: str) -> str:
    details = {
        "name": "SITI",
        "number": "+628123090096",
        "previous_name": "NUR",
        "previous_number": "+628123090095",
        "message": 7,
    }
    with runtime.database.writing() as session:
        subject = grant_subject(grant_id)
        record(session, actor_id=None, action=action, subject=subject, details=details)
        session.flush()
        text = log_of(session, grant_id)[0].text
        return text if type(text) is str else text.interpolate()  # type: ignore[union-attr]
