"""People who prove something in a browser."""

from __future__ import annotations

import pytest

from tests.core.accounts.browser import PASSWORD, QUICK, hash_quickly


@pytest.fixture
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash cheaply in this test."""
    hash_quickly(monkeypatch)


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Cheap hash of ``PASSWORD``."""
    return QUICK.hash(PASSWORD)
