"""The secret address of an account's webhook."""

from __future__ import annotations

from typing import Final

from core.framework.runtime import Runtime

__all__ = ["is_webhook_token", "webhook_token", "webhook_url"]

_PURPOSE: Final = "messaging.webhook"


def webhook_token(runtime: Runtime, account_id: int) -> str:
    """Return the part of the address that nobody can guess."""
    return runtime.secrets.sign(_PURPOSE, str(account_id))


def is_webhook_token(runtime: Runtime, account_id: int, token: str) -> bool:
    """Tell in constant time whether ``token`` belongs to an account."""
    return runtime.secrets.verify(_PURPOSE, str(account_id), token)


def webhook_url(runtime: Runtime, account_id: int) -> str:
    """Return the address under which gateways reach an account, without a trailing slash."""
    base = runtime.settings.text("abah.base_url", "http://localhost:6543").rstrip("/")
    return f"{base}/hook/{account_id}/{webhook_token(runtime, account_id)}"
