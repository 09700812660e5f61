"""What a demonstration needs: an account that carries everything to the telephone on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.api.messaging import add_account, list_accounts

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["ACCOUNT", "ensure_account"]

ACCOUNT: Final = "Telepon percobaan"


def ensure_account(session: Session) -> bool:
    """Create the account when no account uses the sandbox, and tell whether it was created."""
    if any(account.transport == "sandbox" for account in list_accounts(session)):
        return False
    # Lighter than any real account, so that one takes over as soon as it is set up.
    add_account(session, ACCOUNT, transport="sandbox", settings={}, weight=1)
    return True
