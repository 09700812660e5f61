from __future__ import annotations

import email
import email.policy
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from core.api.hooks import Outcome, OutgoingMessage, SendResult, TransportContext
from core.testing.channels import SECRET
from plugins.email.addresses import InvalidAddressError, envelope_address
from plugins.email.channel import EmailTransport
from plugins.email.mail import compose
from plugins.email.settings import SettingsError, read_mailbox
from tests.plugins.email.mail_server import MailServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import EmailMessage
    from pathlib import Path

ACCOUNT = {"host": "127.0.0.1", "sender_address": "biro@example.go.id", "security": "none"}


@contextmanager
def running(**options: Any) -> Iterator[MailServer]:
    server = MailServer(**options)
    try:
        yield server
    finally:
        server.stop()


def transport(server: MailServer, **settings: Any) -> EmailTransport:
    values = {
        **ACCOUNT,
        "port": server.port,
        "answer_seconds": 10,
        "connect_seconds": 10,
        **settings,
    }
    return EmailTransport(TransportContext(1, "Uji", values, "http://x/hook/1/t", lambda _i: None))


def mail(ref: str, address: str = "nur@example.go.id", body: str = "Halo") -> OutgoingMessage:
    return OutgoingMessage(ref, address, body, kind="email", title="Undangan", encoding="utf8")


def sent(channel: EmailTransport, *messages: OutgoingMessage) -> Mapping[str, SendResult]:
    return {result.ref: result for result in channel.send(messages)}


def composed(message: OutgoingMessage, **settings: Any) -> EmailMessage:
    content = compose(read_mailbox({**ACCOUNT, **settings}), message)
    return email.message_from_bytes(content, policy=email.policy.default)


def test_a_mail_has_plain_text_and_the_same_as_html() -> None:
    body = "Yth <b>Nur</b>,\n\nbuka https://biro.example.go.id/u?a=1&b=2\nTerima kasih"
    message = composed(mail("r1", body=body))
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == body
    page = html.get_content()
    assert "Yth &lt;b&gt;Nur&lt;/b&gt;," in page
    assert 'href="https://biro.example.go.id/u?a=1&amp;b=2"' in page
    assert message.get_content_type() == "multipart/alternative"


def test_headers_say_who_when_and_which() -> None:
    message = composed(mail("r1"), sender_name="Biro Hibah", reply_to="balas@example.go.id")
    assert str(message["From"]) == "Biro Hibah <biro@example.go.id>"
    assert str(message["Reply-To"]) == "balas@example.go.id"
    assert message["Message-ID"] == "<r1@example.go.id>"
    assert abs(parsedate_to_datetime(message["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert message["Auto-Submitted"] == "auto-generated"


@given(st.text(), st.text(), st.text())
def test_no_text_can_add_a_header(title: str, body: str, name: str) -> None:
    message = OutgoingMessage("r1", "nur@example.go.id", body, kind="email", title=title)
    headers = composed(message, sender_name=name)
    expected = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"]
    assert [key for key in headers if key not in {"MIME-Version", "Content-Type"}] == expected
    assert str(headers["To"]) == "nur@example.go.id"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nur",
        "nur@",
        "@example.go.id",
        "nur@example.go.id\r\nBcc: x@example.com",
        "nur@example.go.id\nRCPT TO:<x@example.com>",
        "nur@example.go.id> SIZE=1",
        '"a b"@example.go.id',
        "a b@example.go.id",
        "a,b@example.go.id",
        "nur@exa mple.go.id",
        "nur@-example.go.id",
        "nur@example..go.id",
        ".nur@example.go.id",
        "+6281230900950",
    ],
)
def test_what_is_no_address_is_refused_alone(address: str) -> None:
    with pytest.raises(InvalidAddressError):
        envelope_address(address)
    with running() as server:
        results = sent(transport(server), mail("bad", address), mail("good"))
    assert results["bad"].outcome is Outcome.PERMANENT
    assert results["good"].outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("address", "envelope"),
    [
        ("nur@example.go.id", ("nur@example.go.id", False)),
        ("nur+abah@dinsos.example.go.id", ("nur+abah@dinsos.example.go.id", False)),
        ("nur@bücher.example", ("nur@xn--bcher-kva.example", False)),
        ("nür@example.go.id", ("nür@example.go.id", True)),
    ],
)
def test_addresses_of_other_alphabets_are_understood(
    address: str, envelope: tuple[str, bool]
) -> None:
    assert envelope_address(address) == envelope
    with running() as server:
        assert sent(transport(server), mail("r", address))["r"].outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("550 5.1.1 no such user", Outcome.PERMANENT),
        ("552 5.2.2 mailbox full", Outcome.PERMANENT),
        ("450 4.2.1 busy", Outcome.TEMPORARY),
        ("451 4.7.1 greylisted", Outcome.TEMPORARY),
    ],
)
@pytest.mark.parametrize("moment", ["next_rcpt", "next_data"])
def test_refusals_are_told_apart(answer: str, outcome: Outcome, moment: str) -> None:
    with running() as server:
        getattr(server.handler, moment)["nur@example.go.id"] = answer
        results = sent(transport(server), mail("r1"), mail("r2", "ani@example.go.id"))
    assert results["r1"].outcome is outcome
    assert results["r1"].code == answer[:3]
    assert answer[4:] in results["r1"].reason.interpolate()  # type: ignore[union-attr]
    assert results["r2"].outcome is Outcome.ACCEPTED


def test_a_chunk_takes_one_connection() -> None:
    with running() as server:
        results = sent(transport(server), *(mail(f"r{i}") for i in range(10)))
        assert {result.outcome for result in results.values()} == {Outcome.ACCEPTED}
        assert server.handler.sessions == 1


def test_a_server_that_closes_after_some_mails_gets_the_rest_on_a_new_connection() -> None:
    with running() as server:
        server.handler.mails_per_session = 3
        results = sent(transport(server), *(mail(f"r{i}", body=f"Surel {i}") for i in range(8)))
        assert {result.outcome for result in results.values()} == {Outcome.ACCEPTED}
        assert [str(one["Message-ID"]) for one in server.handler.mails] == [
            f"<r{i}@example.go.id>" for i in range(8)
        ]


def test_a_broken_connection_makes_only_its_own_mail_uncertain() -> None:
    with running() as server:
        server.handler.next_data["nur@example.go.id"] = "drop"
        results = sent(transport(server), mail("r1"), mail("r2", "ani@example.go.id"))
    assert results["r1"].outcome is Outcome.UNCERTAIN
    assert results["r2"].outcome is Outcome.ACCEPTED


def test_a_server_that_hangs_again_and_again_is_left_alone() -> None:
    addresses = [f"nur{i}@example.go.id" for i in range(6)]
    with running() as server:
        server.handler.next_data.update(dict.fromkeys(addresses, "hang"))
        channel = transport(server, answer_seconds=0.3)
        results = sent(channel, *(mail(f"r{i}", one) for i, one in enumerate(addresses)))
    outcomes = [results[f"r{i}"].outcome for i in range(6)]
    assert outcomes == [Outcome.UNCERTAIN] * 2 + [Outcome.NOT_TRIED] * 4


def test_a_wrong_password_keeps_mail_waiting_and_is_not_shown() -> None:
    with running() as server:
        channel = transport(server, username="biro", password="salah-sekali")
        result = sent(channel, mail("r1"))["r1"]
        assert result.outcome is Outcome.TEMPORARY
        assert result.code == "auth"
        health = channel.health()
    assert not health.ok
    assert "salah-sekali" not in repr((result, health))


def test_a_lone_dot_stays_text() -> None:
    with running() as server:
        sent(transport(server), mail("r1", body="Satu\n.\n..dua\nQUIT"))
        (content,) = server.handler.mails
        plain = content.get_body(("plain",))
        assert plain is not None
        assert plain.get_content().split() == ["Satu", ".", "..dua", "QUIT"]


def certificate(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_secured_connections_work_and_certificates_are_checked(
    security: str, tmp_path: Path
) -> None:
    with running(tls=certificate(tmp_path), starttls=security == "starttls") as server:
        trusting = transport(
            server, security=security, verify=False, username="biro", password=SECRET
        )
        assert sent(trusting, mail("r1"))["r1"].outcome is Outcome.ACCEPTED
        result = sent(transport(server, security=security), mail("r2"))["r2"]
        assert result.outcome is Outcome.TEMPORARY
        assert len(server.handler.accepted) == 1


def test_mail_is_not_sent_in_the_clear_where_starttls_was_asked_for() -> None:
    with running() as server:
        result = sent(transport(server, security="starttls"), mail("r1"))["r1"]
        assert result.outcome is Outcome.TEMPORARY
        assert server.handler.accepted == []


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"host": ""}, "host"),
        ({"port": "smtp"}, "port"),
        ({"security": "tls13"}, "security"),
        ({"sender_address": "biro"}, "sender_address"),
        ({"reply_to": "a b@example.go.id"}, "reply_to"),
        ({"answer_seconds": 0}, "answer_seconds"),
    ],
)
def test_a_wrong_setting_is_named_and_keeps_mail_waiting(
    settings: dict[str, Any], key: str
) -> None:
    with pytest.raises(SettingsError) as problem:
        read_mailbox({**ACCOUNT, **settings})
    assert problem.value.key == key
    context = TransportContext(1, "Uji", {**ACCOUNT, **settings}, "", lambda _i: None)
    channel = EmailTransport(context)
    assert not channel.health().ok
    assert sent(channel, mail("r1"))["r1"].outcome is Outcome.TEMPORARY


def test_a_text_that_cannot_be_written_fails_alone() -> None:
    with running() as server:
        results = sent(transport(server), mail("bad", body="\ud800"), mail("good"))
    assert results["bad"].outcome is Outcome.PERMANENT
    assert results["good"].outcome is Outcome.ACCEPTED
