"""``abah channel``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.api.hooks import Outcome, SendResult
from core.errors import AbahError, InvalidInputError, NotFoundError
from core.framework.runtime import Runtime
from core.messaging.cli import group
from tests.core.messaging.line import Line, LinePlugin


@pytest.fixture
def run(runtime: Runtime, plugin: LinePlugin) -> Any:
    """Run a verb."""

    def call(*args: str, given: str = "") -> Result:
        result = CliRunner().invoke(group, args, obj=runtime, input=given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def listed(run: Any) -> list[dict[str, Any]]:
    return list(json.loads(run("list", "--json").stdout))


def test_an_account_is_added_changed_paused_and_resumed(run: Any) -> None:
    assert listed(run) == []
    assert "line" in run("list").stderr, "it says what can be added"
    run("add", "Utama", "--transport", "line", "--set", "token=-", "--set", "pace=2", given="s\n")
    run("set", "Utama", "pace=3", "--weight", "7")
    (one,) = listed(run)
    assert (one["name"], one["transport"], one["state"], one["weight"]) == (
        "Utama",
        "line",
        "ok",
        7,
    )
    run("pause", "Utama")
    assert listed(run)[0]["state"] == "paused"
    run("resume", "Utama")
    assert run("list").stdout == "Utama\tline\tok\t0\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("add", "X", "--transport", "pigeon"), InvalidInputError),
        (("add", "X", "--transport", "line", "--set", "nothing"), InvalidInputError),
        (("set", "Nobody", "pace=1"), NotFoundError),
        (("pause", "Nobody"), NotFoundError),
        (("test", "+6281230900951", "--channel", "Nobody"), NotFoundError),
        (("test", "not a number"), AbahError),
    ],
)
def test_mistakes_are_named(run: Any, arguments: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(*arguments)


def test_a_test_message_is_sent_and_its_result_told(run: Any, line: Line) -> None:
    run("add", "Utama", "--transport", "line")
    result = run("test", "08123090095", "--channel", "Utama")
    assert result.exit_code == 0
    assert "Utama" in result.stderr
    assert line.seen[0].address == "+628123090095"


def test_a_test_message_that_fails_is_an_error_with_its_reason(run: Any, line: Line) -> None:
    line.behave = lambda m: SendResult(m.ref, Outcome.PERMANENT, reason="Nomor tidak ada")
    run("add", "Utama", "--transport", "line")
    result = run("test", "08123090095")
    assert result.exit_code == 1
    assert "Nomor tidak ada" in result.stderr


def test_a_test_message_without_a_channel_says_so_at_once(run: Any) -> None:
    result = run("test", "08123090095")
    assert result.exit_code == 1
    assert "kanal" in result.stderr
