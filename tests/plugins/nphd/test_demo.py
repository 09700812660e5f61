from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from core.api.messaging import Message, add_account
from core.cli.setup import load_demo
from core.jobs.temporary import is_worked
from plugins.nphd.cli import demo
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.rehearsal import OwnNumberNeededError
from plugins.sandbox.behaviours import Behaviour

if TYPE_CHECKING:
    from click.testing import Result

    from core.api.runtime import Runtime
    from tests.plugins.nphd.conftest import Bureau


def play(runtime: Runtime, *arguments: str) -> Result:
    return CliRunner().invoke(demo, list(arguments), obj=runtime, standalone_mode=False)


def test_the_demo_ends_well_only_when_the_invitation_was_delivered(
    runtime: Runtime, bureau: Bureau
) -> None:
    bureau.network(Behaviour.DELIVER)
    result = play(runtime)
    assert result.return_value == 0, result.output
    for step in range(1, 7):
        assert f"[{step}/6]" in result.output
    assert "undangan sudah diterima" in result.output
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.state)).all() == ["delivered"]


def test_the_demo_can_be_played_again(runtime: Runtime, bureau: Bureau) -> None:
    bureau.network(Behaviour.DELIVER)
    assert play(runtime).return_value == 0
    again = play(runtime)
    assert again.return_value == 0, again.output
    with runtime.database.reading() as session:
        standing = select(func.count()).where(Invitation.cancelled_at.is_(None))
        assert session.scalar(standing) == 1


def test_a_message_that_is_lost_ends_the_demo_badly(runtime: Runtime, bureau: Bureau) -> None:
    bureau.network(Behaviour.LOSE)
    result = play(runtime)
    assert result.return_value == 1
    assert "undangan tidak diterima" in result.output


def test_a_message_without_proof_ends_the_demo_badly(runtime: Runtime, bureau: Bureau) -> None:
    bureau.network(Behaviour.SILENT)
    result = play(runtime, "--timeout", "3")
    assert result.return_value == 1
    assert "belum ada bukti penerimaan" in result.output


@pytest.mark.plugins("hibah", "nphd", "sandbox", "sms_http")
def test_a_real_channel_is_not_asked_to_call_an_invented_number(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        add_account(
            session,
            "Gateway",
            transport="sms_http",
            settings={"url": "http://127.0.0.1:9/send"},
        )
    result = play(runtime)
    assert isinstance(result.exception, OwnNumberNeededError)
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_demo_data_has_lists_in_every_state_and_is_loaded_once(runtime: Runtime) -> None:
    def counts() -> tuple[int, int, int]:
        with runtime.database.reading() as session:
            row = session.execute(
                select(
                    func.count(),
                    func.count().filter(Invitation.notified_count > 0),
                    func.count(Invitation.cancelled_at),
                )
            ).one()
            return (row[0], row[1], row[2])

    load_demo(runtime)
    first = counts()
    assert first == (5, 3, 1)
    with runtime.database.reading() as session:
        assert (session.scalar(select(func.count()).select_from(Invitee)) or 0) >= 12
    load_demo(runtime)
    assert counts() == first


SERVER = """
import json, sys
from core.app import open_runtime
from core.jobs.worker import WorkerProcess
runtime = open_runtime(json.loads(sys.argv[1]))
worker = runtime.component(WorkerProcess)
worker.start()
print("ready", flush=True)
sys.stdin.readline()
runtime.close()
"""


def test_the_demo_leaves_the_work_to_a_worker_that_is_there(
    runtime: Runtime, bureau: Bureau, settings: dict[str, Any]
) -> None:
    bureau.network(Behaviour.DELIVER)
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        while server.stdout.readline() != "ready\n":
            assert server.poll() is None
        wait_for_lease(runtime)
        result = play(runtime)
    finally:
        server.communicate("end\n", timeout=60)
    assert result.return_value == 0, result.output
    assert "oleh proses abah yang sedang berjalan" in result.output


def wait_for_lease(runtime: Runtime) -> None:
    for _attempt in range(100):
        with runtime.database.reading() as session:
            if is_worked(session):
                return
        time.sleep(0.1)
    pytest.fail("the worker never took the lease")
