"""Work for the length of a block, with and without another process at work."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.api.jobs import working
from core.db import utcnow
from core.jobs.leases import process_identity
from core.jobs.models import Lease
from core.jobs.sweeper import LEASE
from core.jobs.temporary import is_worked

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

pytestmark = pytest.mark.plugins()


def hold(runtime: Runtime, holder: str, *, seconds: float = 60) -> None:
    with runtime.database.writing() as session:
        session.add(Lease(name=LEASE, holder=holder, until=utcnow() + timedelta(seconds=seconds)))


def test_where_nobody_works_this_process_does_and_stops_again(runtime: Runtime) -> None:
    with working(runtime) as here:
        assert here
    with runtime.database.reading() as session:
        assert not is_worked(session)


def test_where_a_live_process_works_nothing_is_started(runtime: Runtime) -> None:
    hold(runtime, f"{process_identity()}/elsewhere")
    with working(runtime) as here:
        assert not here


@pytest.mark.parametrize("dead", [True, False])
def test_a_process_that_died_or_fell_silent_does_not_work(runtime: Runtime, *, dead: bool) -> None:
    machine, _colon, _started = process_identity().rpartition(":")
    hold(
        runtime,
        f"{machine.rpartition(':')[0]}:999999999:1/gone" if dead else "another:boot:1:1/silent",
        seconds=60 if dead else -1,
    )
    with runtime.database.reading() as session:
        assert not is_worked(session)
