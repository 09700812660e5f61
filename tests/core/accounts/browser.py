"""What tests of pages do again and again."""

from __future__ import annotations

from typing import Any

from argon2 import PasswordHasher
from webtest import TestApp

from core.accounts import passwords

__all__ = ["PASSWORD", "QUICK", "form_to", "hash_quickly", "page_form", "sign_in", "text_of"]

PASSWORD = "kuda lumping biru"

QUICK = PasswordHasher(time_cost=1, memory_cost=256, parallelism=1)
"""Argon2 as everywhere, only a hundred times cheaper: brute force has to be tried in a test."""


def hash_quickly(monkeypatch: Any) -> None:
    """Hash cheaply from now on, for known and unknown people alike."""
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    monkeypatch.setattr(passwords, "_NOBODY", QUICK.hash("nobody"))


def page_form(response: Any) -> Any:
    """Return the page's own form; those before it belong to the frame."""
    return response.forms[max(key for key in response.forms if isinstance(key, int))]


def form_to(response: Any, action: str) -> Any:
    """Return the form that is posted to ``action``."""
    [form] = {id(f): f for f in response.forms.values() if f.action.endswith(action)}.values()
    return form


def sign_in(app: TestApp, name: str, password: str = PASSWORD, **more: Any) -> Any:
    """Type name and password into Masuk."""
    form = page_form(app.get("/masuk", params=more.pop("params", None)))
    form["name"], form["password"] = name, password
    return form.submit(**more)


def text_of(response: Any) -> str:
    """Return what a person reads on the page, in one line."""
    return " ".join(response.html.select_one("#isi").get_text(" ").split())
