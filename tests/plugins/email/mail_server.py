"""A real SMTP server on this machine that can be told to refuse, defer, drop, and hang."""

from __future__ import annotations

import asyncio
import email
import email.policy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from core.testing.channels import SECRET, ChannelPeer, Fault, Received
from plugins.email.channel import EmailTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence
    from email.message import EmailMessage


@dataclass
class Handler:
    """Keeps what was accepted, and what to do with the next message to an address."""

    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    next_rcpt: dict[str, str] = field(default_factory=dict)
    next_data: dict[str, str] = field(default_factory=dict)
    sessions: int = 0
    mails_per_session: int = 0

    async def handle_EHLO(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: Any
    ) -> list[str]:
        del server, envelope
        session.host_name = hostname
        self.sessions += 1
        return list(responses)

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        del server, session, options
        answer = self.next_rcpt.pop(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del session
        (address,) = envelope.rcpt_tos
        behaviour = self.next_data.pop(address, "250 OK queued as 1")
        if behaviour[:3].isdigit() and behaviour[0] != "2":
            return behaviour
        assert isinstance(envelope.content, bytes)
        self.accepted.append((address, envelope.content))
        if behaviour == "drop":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        elif behaviour == "hang":
            await asyncio.sleep(5)
        if self.mails_per_session and len(self.accepted) % self.mails_per_session == 0:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.write(b"250 OK\r\n421 too many\r\n")
            server.transport.close()
        return behaviour if behaviour.startswith("250") else "250 OK late"

    @property
    def mails(self) -> list[EmailMessage]:
        return [
            email.message_from_bytes(content, policy=email.policy.default)
            for _address, content in self.accepted
        ]


class MailServer:
    """Runs the server in a thread of its own."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, starttls: bool = False) -> None:
        self.handler = Handler()
        self._tls = tls
        self._starttls = starttls
        self.port = 0
        self._controller: Controller | None = None
        self.start()

    def start(self) -> None:
        direct = self._tls is not None and not self._starttls
        self._controller = Controller(
            self.handler,
            hostname="127.0.0.1",
            port=self.port or _free_port(),
            ssl_context=self._tls if direct else None,
            tls_context=self._tls if self._starttls else None,
            authenticator=_authenticate,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
            timeout=30,
        )
        self._controller.start()
        self.port = self._controller.port

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    @property
    def running(self) -> bool:
        return self._controller is not None


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    del server, session, envelope, mechanism
    good = isinstance(data, LoginPassword) and data.password == SECRET.encode()
    return AuthResult(success=good, handled=good)


def _free_port() -> int:
    import socket  # noqa: PLC0415 - used here alone

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MailPeer(ChannelPeer):
    """The mail server of the conformance suite."""

    transport = EmailTransport
    addresses = ("nur@example.go.id", "budi@example.go.id", "ani@example.go.id")
    faults = frozenset(Fault)

    def __init__(self) -> None:
        self.server = MailServer()

    def settings(self) -> Mapping[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.server.port,
            "security": "none",
            "username": "biro",
            "password": SECRET,
            "sender_address": "biro@example.go.id",
            "connect_seconds": 5,
            "answer_seconds": 3,
        }

    def received(self) -> Sequence[Received]:
        found = []
        for mail in self.server.handler.mails:
            plain = mail.get_body(("plain",))
            assert plain is not None
            body = plain.get_content().replace("\r\n", "\n").removesuffix("\n")
            found.append(Received(str(mail["To"]), body, str(mail["Subject"])))
        return found

    def misbehave(self, fault: Fault, address: str) -> None:
        handler = self.server.handler
        if fault is Fault.AWAY:
            self.server.stop()
        elif fault is Fault.REFUSED:
            handler.next_rcpt[address] = "550 5.1.1 no such user"
        elif fault is Fault.BUSY:
            handler.next_rcpt[address] = "451 4.7.1 greylisted"
        else:
            handler.next_data[address] = "drop" if fault is Fault.BROKEN else "hang"

    def recover(self) -> None:
        if not self.server.running:
            self.server.start()

    def close(self) -> None:
        self.server.stop()
