"""Limits on tries: per account and per address, without telling whether an account exists."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from limits import RateLimitItemPerSecond
from limits.errors import ConfigurationError as LimitsConfigurationError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from core.errors import AbahError, ConfigurationError
from core.i18n import _

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["Limit", "RateLimits", "TooManyTriesError", "address_key"]

log = structlog.get_logger(__name__)

_MINUTE: Final = 60
_IPV6_NETWORK: Final = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries within so many seconds, counted for each key by itself."""

    name: str
    amount: int
    seconds: int

    @property
    def item(self) -> RateLimitItemPerSecond:
        """The same for the library."""
        return RateLimitItemPerSecond(self.amount, self.seconds, namespace="abah")


class TooManyTriesError(AbahError):
    """A limit was reached. Answered with 429."""

    def __init__(self, retry_after: int) -> None:
        """``retry_after`` is in seconds."""
        self.retry_after = retry_after
        super().__init__(
            _(
                "Terlalu banyak percobaan. Tunggu ${minutes} menit, lalu coba lagi.",
                mapping={"minutes": max(1, -(-retry_after // _MINUTE))},
            )
        )


class RateLimits:
    """The counters of this process, or of all processes when they share a Redis.

    Setting ``abah.limits.storage``: ``memory://``, ``redis://…`` or ``redis+unix://…``. Without it,
    the Redis of ``abah.jobs.broker`` is used where there is one.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Connect to the storage on first use.

        :raises ConfigurationError: the setting names no storage.
        """
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._limiter = self._memory
        address = runtime.settings.text("abah.limits.storage") or _broker_storage(
            runtime.settings.text("abah.jobs.broker")
        )
        if address != "memory://":
            self._limiter = MovingWindowRateLimiter(_storage(address))

    def spend(self, *tries: tuple[Limit, str]) -> None:
        """Count one try against each (limit, key).

        :raises TooManyTriesError: one of them is used up.
        """
        for limit, key in tries:
            if not self._hit(limit, key):
                raise TooManyTriesError(self._wait(limit, key))

    def forgive(self, limit: Limit, key: str) -> None:
        """Forget the tries of one key, after it proved itself."""
        for limiter in {self._limiter, self._memory}:
            try:
                limiter.clear(limit.item, limit.name, _digest(key))
            except Exception as error:  # noqa: BLE001 - whatever the storage's client raises
                log.warning("rate limit storage failed", error=str(error))

    def _hit(self, limit: Limit, key: str) -> bool:
        try:
            return self._limiter.hit(limit.item, limit.name, _digest(key))
        except Exception as error:  # noqa: BLE001 - whatever the storage's client raises
            # Nobody may be locked out, or let in unlimited, because Redis is away.
            log.warning("rate limit storage failed", error=str(error))
            return self._memory.hit(limit.item, limit.name, _digest(key))

    def _wait(self, limit: Limit, key: str) -> int:
        try:
            reset = self._limiter.get_window_stats(limit.item, limit.name, _digest(key)).reset_time
        except Exception:  # noqa: BLE001 - whatever the storage's client raises
            return limit.seconds
        return min(limit.seconds, max(1, round(reset - time.time())))


def address_key(remote_addr: str | None) -> str:
    """Return what an address counts as: itself; for IPv6 its network, which is one household."""
    try:
        address = ipaddress.ip_address(remote_addr or "")
    except ValueError:
        return remote_addr or ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return str(address)


def _broker_storage(broker: str) -> str:
    if broker.startswith(("redis://", "rediss://")):
        return broker
    if broker.startswith("unix://"):
        return f"redis+{broker}"
    return "memory://"


def _storage(address: str) -> Storage:
    try:
        storage = storage_from_string(address)
    except LimitsConfigurationError as error:
        raise ConfigurationError(
            _(
                "Pengaturan abah.limits.storage (${address}) tidak dikenal. Pakai memory:// atau "
                "redis://…",
                mapping={"address": address},
            )
        ) from error
    if not isinstance(storage, Storage):
        raise ConfigurationError(_("Pengaturan abah.limits.storage tidak boleh diawali async+."))
    return storage


def _digest(key: str) -> str:
    # Names and addresses of people have no business in a shared cache.
    return hashlib.sha256(key.encode()).hexdigest()[:32]
