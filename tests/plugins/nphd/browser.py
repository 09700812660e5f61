"""Small steps of a person in front of the pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from webtest.forms import Form
from webtest.response import TestResponse

from core.api.messaging import Message
from plugins.nphd.services.cancelling import cancel
from plugins.nphd.services.sending import send

if TYPE_CHECKING:
    from webtest import TestApp

    from core.api.hooks import UserFacts
    from tests.plugins.nphd.conftest import Bureau

__all__ = ["DIALOG", "LIST", "SignIn", "Visit", "chosen", "fill", "form_with", "main_text"]

SignIn = Callable[["TestApp", int], None]

LIST = "/hibah/undangan"

DIALOG = {"HX-Request": "true", "X-Abah-Dialog": "1"}
"""Headers of a request by an open dialog."""


def form_with(page: TestResponse, field: str) -> Form:
    """Return the page's form that has this field."""
    for form in page.forms.values():
        if field in form.fields:
            return form
    raise AssertionError(field)


def main_text(page: TestResponse) -> str:
    """Return what a person reads on the page, without the frame, white space made one."""
    main = page.html.find("main") or page.html
    return re.sub(r"\s+", " ", main.get_text(" ")).strip()


def fill(form: Form, **values: Any) -> Form:
    """Type into the fields of a form."""
    for name, value in values.items():
        form[name] = value
    return form


class Visit:
    """One person in front of one browser."""

    def __init__(self, app: TestApp, sign_in: SignIn, bureau: Bureau) -> None:
        self.app = app
        self.bureau = bureau
        self._sign_in = sign_in

    def enter(self, user: UserFacts) -> None:
        self._sign_in(self.app, user.id)

    def detail(self, invitation_id: int) -> TestResponse:
        return self.app.get(f"{LIST}/{invitation_id}")

    def ask(self, path: str, **more: object) -> TestResponse:
        return self.app.get(f"{LIST}/{path}", expect_errors=True, **more)

    def confirm(self, path: str, **values: object) -> TestResponse:
        form = fill(form_with(self.ask(path), "versi"), **values)
        return form.submit(expect_errors=True)

    def messages(self) -> int:
        with self.bureau.runtime.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Message)) or 0

    def send(self, invitation_id: int, user: UserFacts) -> None:
        with self.bureau.runtime.database.writing() as session:
            assert send(session, {invitation_id: None}, user)[0].refused is None

    def cancel(self, invitation_id: int, user: UserFacts) -> None:
        with self.bureau.runtime.database.writing() as session:
            assert cancel(session, {invitation_id: None}, user, tell=False)[0].refused is None


def chosen(visit: Visit, action: str, *ids: int) -> TestResponse:
    query = "&".join([*(f"pilih={each}" for each in ids), f"daftar={LIST}"])
    return visit.ask(f"{action}?{query}")
