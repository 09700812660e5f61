"""One conversation with an SMTP server, step by step, so that it is known how far a message got."""

from __future__ import annotations

import contextlib
import enum
import re
import smtplib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from core.api.text import TranslationString, _

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from plugins.email.settings import Mailbox

__all__ = ["Connection", "ConnectionFailedError", "Reply", "Step"]

START_DATA: Final = 354
SERVICE_GOES: Final = 421
PERMANENT: Final = 500
TEMPORARY: Final = 400


class Step(enum.StrEnum):
    """Where a hand-over ended."""

    DONE = "done"
    REFUSED = "refused"
    """The server answered no; ``Reply.code`` says whether for good."""
    BROKEN_BEFORE = "broken-before"
    """The connection broke, or nobody answered, before any content was sent."""
    BROKEN_AFTER = "broken-after"
    """It broke when the content was, or may have been, with the server."""
    UNSUPPORTED = "unsupported"
    """The address needs SMTPUTF8 and the server does not speak it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How the hand-over of one message ended."""

    step: Step
    code: int = 0
    text: str = ""


class ConnectionFailedError(Exception):
    """No usable connection; nothing was sent. ``explanation`` is for people."""

    def __init__(self, code: str, explanation: TranslationString) -> None:
        """Keep both."""
        self.code = code
        self.explanation = explanation
        super().__init__(code)


class Connection:
    """An open connection, signed in and ready for mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        """Connect, secure, and sign in.

        :raises ConnectionFailedError: one of these did not work.
        """
        self.used = False
        self._mailbox = mailbox
        try:
            self._smtp = self._open()
        except smtplib.SMTPAuthenticationError as error:
            msg = "auth"
            raise self._failed(msg, _text(error.smtp_error)) from None
        except smtplib.SMTPResponseException as error:
            raise self._failed(str(error.smtp_code), _text(error.smtp_error)) from None
        except ssl.SSLError as error:
            msg = "tls"
            raise self._failed(msg, error.reason or type(error).__name__) from None
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise self._failed(type(error).__name__, reason) from None

    def __enter__(self) -> Self:
        """Return the connection itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye."""
        self.close()

    def hand_over(self, sender: str, recipient: str, content: bytes, *, utf8: bool) -> Reply:
        """Send one message to one recipient."""
        smtp, self.used = self._smtp, True
        if utf8 and not smtp.has_extn("smtputf8"):
            return Reply(Step.UNSUPPORTED)
        try:
            reply = self._envelope(sender, recipient, utf8=utf8)
        except (OSError, smtplib.SMTPException) as error:
            return Reply(Step.BROKEN_BEFORE, text=_named(error))
        if reply is not None:
            return reply
        try:
            smtp.send(_dotted(content))
            code, text = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return Reply(Step.BROKEN_AFTER, text=_named(error))
        step = Step.DONE if code < TEMPORARY else Step.REFUSED
        return Reply(step, code, _text(text))

    def close(self) -> None:
        """Leave politely where possible."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if self._smtp.sock is not None:
                self._smtp.sock.settimeout(2)
            self._smtp.quit()
        self._smtp.close()

    def _envelope(self, sender: str, recipient: str, *, utf8: bool) -> Reply | None:
        """Give sender and recipient and ask for the word to go on; None when it was given."""
        smtp = self._smtp
        options = ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else []
        steps: tuple[Callable[[], tuple[int, bytes]], ...] = (
            lambda: smtp.mail(sender, options),
            lambda: smtp.rcpt(recipient),
            lambda: smtp.docmd("DATA"),
        )
        for step in steps:
            code, text = step()
            if code == START_DATA:
                return None
            if code == SERVICE_GOES:
                return Reply(Step.BROKEN_BEFORE, code, _text(text))
            if code >= TEMPORARY:
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    smtp.rset()
                return Reply(Step.REFUSED, code, _text(text))
        return Reply(Step.BROKEN_BEFORE, code, _text(text))

    def _open(self) -> smtplib.SMTP:
        mailbox = self._mailbox
        context = ssl.create_default_context()
        if not mailbox.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        name = mailbox.domain.encode("idna").decode()
        smtp: smtplib.SMTP
        if mailbox.security == "ssl":
            smtp = smtplib.SMTP_SSL(
                mailbox.host,
                mailbox.port,
                local_hostname=name,
                timeout=mailbox.connect_seconds,
                context=context,
            )
        else:
            smtp = smtplib.SMTP(
                mailbox.host, mailbox.port, local_hostname=name, timeout=mailbox.connect_seconds
            )
        try:
            smtp.ehlo_or_helo_if_needed()
            if mailbox.security == "starttls":
                smtp.starttls(context=context)
                smtp.ehlo()
            if mailbox.username:
                smtp.login(mailbox.username, mailbox.password)
            if smtp.sock is not None:
                smtp.sock.settimeout(mailbox.answer_seconds)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _failed(self, code: str, reason: str) -> ConnectionFailedError:
        return ConnectionFailedError(
            code,
            _(
                "Server email ${host} belum dapat dipakai: ${reason}",
                mapping={"host": self._mailbox.host, "reason": reason[:160]},
            ),
        )


def _dotted(content: bytes) -> bytes:
    """Double leading dots and add the end (RFC 5321, 4.5.2)."""
    ending = b"" if content.endswith(b"\r\n") else b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", content) + ending + b".\r\n"


def _text(answer: bytes | str) -> str:
    text = answer.decode("utf-8", errors="replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())


def _named(error: BaseException) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
