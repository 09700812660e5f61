"""The channel against a server that speaks Kait's API: alone, and together with the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from webtest import TestApp

from abah_kait.channel import KaitTransport
from abah_kait.webhook import signature
from core.api.hooks import Outcome, OutgoingMessage, ReportState, SendResult, WebhookRequest
from core.api.messaging import (
    Draft,
    State,
    add_account,
    ensure_thread,
    message_facts,
    queue_messages,
)
from core.api.runtime import Runtime
from core.testing.channels import SECRET, ChannelConformance, Fault, Line
from core.testing.http_peers import Call, HttpPeer, Reply, json_call
from core.testing.work import Worker

pytestmark = pytest.mark.plugins("kait")

WORDS = {ReportState.DELIVERED: "delivered", ReportState.UNDELIVERED: "failed"}
ERRORS = {Fault.REFUSED: "unknown user", Fault.BUSY: "throttled"}


class KaitPeer(HttpPeer):
    """Kait, as its documentation describes it."""

    transport = KaitTransport
    together = True

    def __init__(self) -> None:
        super().__init__()
        self.forgets: set[str] = set()
        """Addresses whose messages are left out of the answer."""

    def settings(self) -> Mapping[str, Any]:
        return {"url": self.url, "token": SECRET, "signing_key": SECRET, "seconds": 1}

    def answer(self, call: Call) -> Reply:
        if call.headers["authorization"] != f"Bot {SECRET}":
            return Reply(401, {"error": f"unknown token {call.headers['authorization']}"})
        if call.path == "/bot/me":
            return Reply(200, {"name": "abah"})
        assert call.path == "/bot/send"
        results = [self._taken(message) for message in call.json()["messages"]]
        return Reply(200, {"results": [one for one in results if one is not None]})

    def _taken(self, message: Mapping[str, str]) -> Mapping[str, str] | None:
        fault = self.take(message["to"], message["text"])
        if message["to"] in self.forgets:
            return None
        if fault is not None:
            return {"ref": message["ref"], "error": ERRORS[fault]}
        return {"ref": message["ref"], "id": f"k-{message['ref']}"}

    def report(
        self, line: Line, message: OutgoingMessage, result: SendResult, state: ReportState
    ) -> None:
        reference = result.references[0]
        event = {"type": "status", "ref": message.ref, "id": reference, "status": WORDS[state]}
        assert line.call(signed([event | {"at": 1_700_000_000}])).status == 200

    def text_in(self, line: Line, sender: str, body: str) -> None:
        event = {"type": "message", "id": "in-1", "from": sender, "text": body}
        assert line.call(signed([event])).status == 200


def signed(events: Sequence[Mapping[str, Any]], key: str = SECRET) -> WebhookRequest:
    body = json.dumps({"events": events}).encode()
    return json_call("", {"events": events}, headers={"X-Kait-Signature": signature(key, body)})


@pytest.fixture
def peer() -> Iterator[KaitPeer]:
    with closing(KaitPeer()) as peer:
        yield peer


@pytest.fixture
def line(peer: KaitPeer) -> Iterator[Line]:
    with closing(peer.open()) as line:
        yield line


class TestChannel(ChannelConformance):
    """Everything that the core relies on."""


def test_a_chunk_is_one_call_and_each_message_has_its_own_outcome(
    peer: KaitPeer, line: Line
) -> None:
    refused, busy, forgotten = peer.addresses
    peer.misbehave(Fault.REFUSED, refused)
    peer.misbehave(Fault.BUSY, busy)
    peer.forgets.add(forgotten)
    taken = "+6281230900954"
    messages = [
        peer.message(f"m{number}", address)
        for number, address in enumerate((refused, busy, forgotten, taken))
    ]
    results = line.send(*messages)
    assert [results[message.ref].outcome for message in messages] == [
        Outcome.PERMANENT,
        Outcome.TEMPORARY,
        Outcome.UNCERTAIN,
        Outcome.ACCEPTED,
    ]
    assert len(peer.calls) == 1


def test_a_silent_server_leaves_the_whole_chunk_uncertain(peer: KaitPeer, line: Line) -> None:
    peer.misbehave(Fault.SILENT, peer.addresses[1])
    messages = [peer.message(f"m{i}", address) for i, address in enumerate(peer.addresses)]
    results = line.send(*messages)
    assert {result.outcome for result in results.values()} == {Outcome.UNCERTAIN}


def test_a_wrong_token_keeps_the_messages_waiting_and_is_not_shown(
    peer: KaitPeer, line: Line
) -> None:
    settings = {**peer.settings(), "token": "another-one"}
    transport = KaitTransport(replace(line.transport.context, settings=settings))
    (result,) = transport.send([peer.message("m1", peer.addresses[0])])
    assert result.outcome is Outcome.TEMPORARY
    assert "another-one" not in repr(result)
    health = transport.health()
    assert not health.ok
    assert "another-one" not in repr(health)
    assert peer.received() == ()


@pytest.mark.parametrize("key", ["", "somebody-else"])
def test_what_is_not_signed_by_kait_is_refused_and_not_kept(line: Line, key: str) -> None:
    event = {"type": "message", "id": "in-1", "from": "+6281230900959", "text": "HADIR"}
    call = signed([event], key) if key else json_call("", {"events": [event]})
    answer = line.call(call)
    assert (answer.status, answer.unreadable, line.collected) == (403, "", [])


def test_a_signed_call_that_makes_no_sense_is_refused_and_kept(line: Line) -> None:
    for events in (["x"], [{"type": "status", "id": "k-1"}], [{"type": "message"}]):
        answer = line.call(signed(events))  # type: ignore[arg-type]
        assert answer.status == 400
        assert answer.unreadable
    assert line.call(signed([{"type": "sticker"}])).status == 200
    assert line.collected == []


def test_messages_reports_and_texts_go_through_the_engine(
    runtime: Runtime, app: TestApp, worker: Worker, peer: KaitPeer
) -> None:
    with runtime.database.writing() as session:
        add_account(session, "Bot", transport="kait", settings=peer.settings())
        thread = ensure_thread(session, "test.subject:1", title="Uji")
        draft = Draft(peer.addresses[0], "Halo", "test", thread_id=thread.id)
        ids = queue_messages(session, [draft])
    worker.run()
    sent = peer.calls[-1].json()
    address = urlsplit(sent["callback"]).path
    ref = sent["messages"][0]["ref"]
    events = [
        {"type": "status", "ref": ref, "id": f"k-{ref}", "status": "delivered"},
        {"type": "message", "id": "in-1", "from": peer.addresses[0], "text": "HADIR"},
    ]
    call = signed(events)
    app.post(address, call.body, headers=dict(call.headers))
    app.post(address, call.body, headers={**call.headers, "X-Kait-Signature": "0"}, status=403)
    with runtime.database.reading() as session:
        assert [one.state for one in message_facts(session, ids).values()] == [State.DELIVERED]
