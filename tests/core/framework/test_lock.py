"""One lifecycle operation at a time; a dead holder is recognised, a living one is named."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import update

from core.db import Database, utcnow
from core.db.processes import process_identity
from core.framework.lock import LockedError, lifecycle_lock, lock_holder
from core.framework.models import LifecycleLock

pytestmark = pytest.mark.plugins()


def change(database: Database, **values: object) -> None:
    with database.writing() as session:
        session.execute(update(LifecycleLock).values(**values))


def test_a_second_operation_is_refused_and_told_who_is_first(database: Database) -> None:
    with lifecycle_lock(database, "install hibah"):
        with pytest.raises(LockedError) as caught, lifecycle_lock(database, "install nphd"):
            pass
        assert caught.value.holder.pid == os.getpid()
        assert "install hibah" in str(caught.value)
    assert lock_holder(database) is None


def test_the_lock_is_given_back_when_the_operation_fails(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), lifecycle_lock(database, "install"):
        raise ZeroDivisionError
    assert lock_holder(database) is None


def test_what_it_is_for_is_cut_where_it_is_long(database: Database) -> None:
    with lifecycle_lock(database, f"install {' '.join(['undangan_daerah'] * 40)}"):
        holder = lock_holder(database)
        assert holder is not None
        assert holder.purpose.endswith("undangan_daerah …")
        assert len(holder.purpose) <= 200


def named(*, namespace: str = "", pid: int | str = "", started: str = "") -> str:
    """Name this process, or one that differs from it in what is given."""
    host, boot, *own = process_identity().split(":")
    other = (namespace, str(pid), started)
    return ":".join([host, boot, *(new or old for new, old in zip(other, own, strict=True))])


def test_the_lock_of_a_dead_process_is_taken_over(database: Database) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with lifecycle_lock(database, "install"):
        change(database, holder=named(pid=process.pid), token="of the dead")
        holder = lock_holder(database)
        assert holder is not None
        assert not holder.alive
        with lifecycle_lock(database, "enable"):
            now = lock_holder(database)
            assert now is not None
            assert now.purpose == "enable"


def test_a_process_id_that_is_used_again_is_not_taken_for_the_holder(database: Database) -> None:
    with lifecycle_lock(database, "install"):
        change(database, holder=named(started="12345"), token="of the dead")
        with lifecycle_lock(database, "enable"):
            pass


@pytest.mark.parametrize("place", ["machine", "container"])
def test_a_holder_that_cannot_be_seen_counts_as_long_as_it_renews(
    database: Database, place: str
) -> None:
    """Containers share host name and boot; an id that nobody has here may well live there."""
    elsewhere = {
        "machine": "server-lain:boot:1:999999999:1",
        "container": named(namespace="1", pid=999999999),
    }
    with lifecycle_lock(database, "install"):
        change(database, host="server-lain", holder=elsewhere[place])
        with pytest.raises(LockedError, match="server-lain"), lifecycle_lock(database, "enable"):
            pass
        change(database, seen_at=utcnow() - timedelta(minutes=2))
        holder = lock_holder(database)
        assert holder is not None
        assert not holder.alive
        with lifecycle_lock(database, "enable"):
            pass
