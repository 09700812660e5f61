"""The sandbox telephone as somebody holding it sees it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

__all__ = ["look_at", "read_code", "read_link"]


def look_at(phone: Page, address: str) -> None:
    """Pick a number or an e-mail address on the page Telepon percobaan."""
    phone.goto("/p/sandbox/")
    phone.get_by_label("Nomor telepon atau alamat email").fill(address)
    phone.get_by_role("button", name="Lihat telepon").click()


def _newest(phone: Page, pattern: str) -> str:
    bubble = phone.locator(".phone-bubble").filter(has_text=re.compile(pattern)).last
    expect(bubble).to_be_visible(timeout=20_000)
    found = re.search(pattern, bubble.inner_text())
    assert found is not None
    return found.group(1)


def read_code(phone: Page, number: str) -> str:
    """Wait for a verification code on a number's screen and read it."""
    look_at(phone, number)
    return _newest(phone, r"\b(\d{4})\b(?!\d)")


def read_link(phone: Page, address: str) -> str:
    """Wait for a mail and read the link in it."""
    look_at(phone, address)
    return _newest(phone, r"(http://localhost\S+)")
