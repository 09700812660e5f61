from __future__ import annotations

import asyncio
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from core.api.hooks import Outcome, OutgoingMessage, SendResult, TransportContext
from core.testing.channels import outgoing
from plugins.sms_http.channel import HttpTransport
from plugins.sms_http.targets import is_public
from tests.plugins.sms_http.gateway_server import GatewayServer, breaking, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    with closing(GatewayServer()) as server:
        yield server


def transport(server: GatewayServer, **settings: Any) -> HttpTransport:
    values = {"url": server.url, "allow_private": True, "total_seconds": 10, **settings}
    return HttpTransport(TransportContext(1, "Uji", values, "http://x/hook/1/t", lambda _i: None))


def messages(count: int) -> list[OutgoingMessage]:
    return [outgoing(f"r{i}", f"+62812309{i:05d}", f"Pesan {i}") for i in range(count)]


def hand_over(channel: HttpTransport, batch: list[OutgoingMessage]) -> Mapping[str, SendResult]:
    async def run() -> Mapping[str, SendResult]:
        try:
            return {result.ref: result for result in await channel.send(batch)}
        finally:
            channel.close()
            await asyncio.sleep(0.05)

    return asyncio.run(run())


def outcomes(results: Mapping[str, SendResult]) -> set[Outcome]:
    return {result.outcome for result in results.values()}


def test_no_more_connections_than_allowed_are_used_at_once(server: GatewayServer) -> None:
    now, most = 0, 0

    async def slow(request: web.Request, values: Mapping[str, str]) -> None:
        nonlocal now, most
        del request, values
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1

    server.answer = slow
    results = hand_over(transport(server, connections=4), messages(40))
    assert outcomes(results) == {Outcome.ACCEPTED}
    assert most == 4


def test_a_get_that_breaks_on_a_kept_connection_is_not_sent_again(server: GatewayServer) -> None:
    channel = transport(
        server, method="GET", body="query", fields="to={{ to }}\nref={{ ref }}", connections=1
    )
    batch = messages(3)
    server.behaviours[batch[1].address] = breaking(server)
    results = hand_over(channel, batch)
    assert results["r1"].outcome is Outcome.UNCERTAIN
    assert [values["ref"] for values in server.taken] == ["r0", "r1", "r2"]


def test_a_gateway_that_is_away_is_not_asked_for_every_message(server: GatewayServer) -> None:
    server.stop()
    results = hand_over(transport(server, connections=5), messages(500))
    assert outcomes(results) == {Outcome.TEMPORARY, Outcome.NOT_TRIED}
    found = [result.outcome for result in results.values()]
    assert found.count(Outcome.NOT_TRIED) > 400


def test_a_name_that_does_not_exist_is_temporary(server: GatewayServer) -> None:
    results = hand_over(transport(server, url="http://tidak-ada.invalid/send"), messages(1))
    assert outcomes(results) == {Outcome.TEMPORARY}


def test_no_tls_where_tls_was_expected_is_temporary(server: GatewayServer) -> None:
    url = server.url.replace("http:", "https:")
    results = hand_over(transport(server, url=url), messages(1))
    assert outcomes(results) == {Outcome.TEMPORARY}
    assert server.taken == []


def test_a_silent_gateway_costs_one_time_out_not_one_per_message(server: GatewayServer) -> None:
    server.answer = silent(server)
    started = time.monotonic()
    results = hand_over(transport(server, connections=20, total_seconds=1), messages(20))
    assert outcomes(results) == {Outcome.UNCERTAIN}
    assert time.monotonic() - started < 10


def test_a_megabyte_of_answer_is_not_read(server: GatewayServer) -> None:
    sent = 0

    async def huge(request: web.Request, values: Mapping[str, str]) -> web.StreamResponse:
        nonlocal sent
        del values
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        try:
            for _block in range(256):
                await response.write(b"x" * 65_536)
                sent += 65_536
        except ConnectionError:
            pass
        return response

    server.answer = huge
    results = hand_over(
        transport(server, success_path="$.ok", total_seconds=5, connections=1), messages(1)
    )
    assert outcomes(results) == {Outcome.UNCERTAIN}
    assert sent < 16_000_000


def test_a_redirect_is_not_followed(server: GatewayServer) -> None:
    async def redirect(request: web.Request, values: Mapping[str, str]) -> web.StreamResponse:
        del request, values
        return web.Response(status=307, headers={"Location": "/other"})

    server.behaviours["+6281230900000"] = redirect
    results = hand_over(transport(server), messages(1))
    assert outcomes(results) == {Outcome.PERMANENT}
    assert server.taken == []


def test_a_refusal_that_breaks_off_is_still_a_refusal(server: GatewayServer) -> None:
    async def broken(request: web.Request, values: Mapping[str, str]) -> web.StreamResponse:
        del values
        response = web.StreamResponse(status=400)
        await response.prepare(request)
        await response.write(b"bad number")
        assert request.transport is not None
        request.transport.abort()
        return response

    server.answer = broken
    assert outcomes(hand_over(transport(server), messages(1))) == {Outcome.PERMANENT}


def test_a_message_that_the_template_cannot_take_fails_alone(server: GatewayServer) -> None:
    channel = transport(server, fields="to={{ to }}\nn=a{{ 10 / (text|length - 7) }}")
    batch = [*messages(2), outgoing("bad", "+6281230900950", "1234567"[:7])]
    batch[0] = outgoing("r0", "+6281230900000", "lain")
    batch[1] = outgoing("r1", "+6281230900001", "dan lain lagi")
    results = hand_over(channel, batch)
    assert results["bad"].outcome is Outcome.PERMANENT
    assert results["r0"].outcome is results["r1"].outcome is Outcome.ACCEPTED


def test_wrong_settings_keep_messages_waiting_and_say_why(server: GatewayServer) -> None:
    channel = transport(server, fields="")
    results = hand_over(channel, messages(2))
    assert outcomes(results) == {Outcome.TEMPORARY}
    assert {result.code for result in results.values()} == {"fields"}
    assert not channel.health().ok
    assert channel.health().detail


def test_the_same_instance_works_on_a_new_loop(server: GatewayServer) -> None:
    channel = transport(server)
    assert outcomes(hand_over(channel, messages(2))) == {Outcome.ACCEPTED}
    assert outcomes(hand_over(channel, messages(2))) == {Outcome.ACCEPTED}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_target_is_refused_before_anything_is_written(
    server: GatewayServer, host: str
) -> None:
    url = server.url.replace("127.0.0.1", host)
    channel = transport(server, allow_private=False, url=url)
    results = hand_over(channel, messages(1))
    assert {result.code for result in results.values()} == {"private"}
    assert outcomes(results) == {Outcome.TEMPORARY}
    assert server.headers == []
    assert not channel.health().ok


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("0.0.0.0", False),  # noqa: S104 - no socket is bound
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
