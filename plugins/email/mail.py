"""A message as mail: plain text, the same as HTML, and headers that no text can break."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader

from core.api.db import utcnow
from plugins.email.addresses import split_address

if TYPE_CHECKING:
    from core.api.hooks import OutgoingMessage
    from plugins.email.settings import Mailbox

__all__ = ["compose", "message_id"]

_BLANK_LINES: Final = re.compile(r"\n\s*\n")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SUBJECT_LIMIT: Final = 300

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
)


def message_id(ref: str, domain: str) -> str:
    """Return the Message-ID: the same for every attempt, so that doubles can be seen."""
    return f"<{ref}@{domain.encode('idna').decode()}>"


def compose(mailbox: Mailbox, message: OutgoingMessage) -> bytes:
    """Write a message as RFC 5322 wants it, lines ended with CRLF.

    :raises InvalidAddressError: its address cannot be used.
    """
    body = _CONTROL.sub("", message.body.replace("\r\n", "\n").replace("\r", "\n"))
    subject = _one_line(message.title)[:_SUBJECT_LIMIT] or _one_line(body)[:78]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(mailbox.sender_address, _one_line(mailbox.sender_name))
    mail["To"] = _address(message.address)
    if mailbox.reply_to:
        mail["Reply-To"] = _address(mailbox.reply_to)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(utcnow())
    mail["Message-ID"] = message_id(message.ref, mailbox.domain)
    # Keeps holiday notices and other machines from answering (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body, charset="utf-8")
    mail.add_alternative(_html(mailbox, subject, body), subtype="html", charset="utf-8")
    policy = SMTP if message.address.isascii() else SMTPUTF8
    return mail.as_bytes(policy=policy)


def _address(address: str, name: str = "") -> Address:
    local, domain = split_address(address)
    return Address(name, local, domain.encode("idna").decode())


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _html(mailbox: Mailbox, subject: str, body: str) -> str:
    return _templates.get_template("email/message.jinja2").render(
        subject=subject,
        sender=mailbox.sender_name,
        paragraphs=[block.strip("\n").split("\n") for block in _BLANK_LINES.split(body) if block],
    )
