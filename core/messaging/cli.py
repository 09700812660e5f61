"""``abah channel``: channel accounts, from the command line."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from core.errors import InvalidInputError, NotFoundError
from core.i18n import TranslationString, _
from core.jobs.temporary import working
from core.messaging.accounts import (
    ChannelFacts,
    add_account,
    list_accounts,
    pause_account,
    resume_account,
    set_account,
)
from core.messaging.channels import Channels
from core.messaging.drafts import Draft, MessageFacts
from core.messaging.facts import message_facts
from core.messaging.queue import queue_message
from core.messaging.states import Lane, State

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["group"]

TEST_TEXT: Final = _("Pesan uji dari abah. Kanal ini bekerja.")
PAUSE_SECONDS: Final = 0.2
UNDER_WAY: Final = frozenset({State.QUEUED, State.SENDING})

_values = click.option(
    "--set",
    "pairs",
    metavar="KUNCI=NILAI",
    multiple=True,
    help=_("Pengaturan kanal; boleh berulang. KUNCI=- membaca nilai dari masukan baku."),
)
_weight = click.option(
    "--weight",
    type=click.IntRange(0, 1_000_000),
    help=_("Bobot; kanal sehat terberat yang dipakai."),
)


@click.group("channel", help=_("Kanal pengiriman: melihat, menambah, mengatur, mencoba."))
def group() -> None:
    """Hold the verbs."""


@group.command("list", help=_("Menampilkan semua kanal dan keadaannya."))
@click.option("--json", "as_json", is_flag=True, help=_("Keluaran JSON untuk dibaca program."))
@click.pass_obj
def list_all(runtime: Runtime, *, as_json: bool) -> None:
    """Show every account; settings are left out, they hold secrets."""
    with runtime.database.reading() as session:
        accounts = list_accounts(session)
    if as_json:
        click.echo(json.dumps([_as_json(account) for account in accounts], indent=2))
        return
    for account in accounts:
        click.echo(f"{account.name}\t{account.transport}\t{_health(account)}\t{account.waiting}")
    if not accounts:
        _say(
            _(
                "Belum ada kanal. Jenis yang tersedia: ${known}.",
                mapping={"known": ", ".join(sorted(runtime.component(Channels).transports))},
            )
        )


@group.command("add", help=_("Menambah kanal."))
@click.argument("name")
@click.option("--transport", required=True, help=_("Jenis kanal, misalnya sms_http."))
@_values
@_weight
@click.pass_obj
def add(
    runtime: Runtime, *, name: str, transport: str, pairs: Sequence[str], weight: int | None
) -> None:
    """Store an account; what waited for one is sent by the running worker."""
    with runtime.database.writing() as session:
        add_account(
            session,
            name,
            transport=transport,
            settings=_settings(pairs),
            weight=100 if weight is None else weight,
        )
    _say(_("Kanal ${name} ditambahkan.", mapping={"name": name}))


@group.command("set", help=_("Mengubah pengaturan kanal; yang tidak disebut tetap."))
@click.argument("name")
@click.argument("pairs", metavar="KUNCI=NILAI", nargs=-1)
@_weight
@click.pass_obj
def change(runtime: Runtime, *, name: str, pairs: Sequence[str], weight: int | None) -> None:
    """Change settings; every process opens the channel anew."""
    with runtime.database.writing() as session:
        set_account(session, name, settings=_settings(pairs), weight=weight)
    _say(_("Kanal ${name} diperbarui.", mapping={"name": name}))


@group.command("pause", help=_("Menghentikan kanal untuk sementara."))
@click.argument("name")
@click.pass_obj
def pause(runtime: Runtime, *, name: str) -> None:
    """Stop an account."""
    with runtime.database.writing() as session:
        pause_account(session, name)
    _say(_("Kanal ${name} dihentikan.", mapping={"name": name}))


@group.command("resume", help=_("Menjalankan kembali kanal."))
@click.argument("name")
@click.pass_obj
def resume(runtime: Runtime, *, name: str) -> None:
    """Let an account work again."""
    with runtime.database.writing() as session:
        resume_account(session, name)
    _say(_("Kanal ${name} dijalankan kembali.", mapping={"name": name}))


@group.command("test", help=_("Mengirim pesan uji ke sebuah alamat dan menunggu hasilnya."))
@click.argument("number")
@click.option("--channel", help=_("Nama kanal; tanpa ini dipilih seperti biasa."))
@click.option("--text", help=_("Isi pesan uji."))
@click.option(
    "--wait",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    help=_("Detik menunggu hasilnya."),
)
@click.pass_obj
def try_out(
    runtime: Runtime, *, number: str, channel: str | None, text: str | None, wait: float
) -> None:
    """Send one message, by this process or the one that is at work, and say what became of it."""
    kind, address = _recipient(number)
    with runtime.database.reading() as session:
        account_id = _named(list_accounts(session), channel)
    draft = Draft(
        address,
        text or str(TEST_TEXT),
        "core.test",
        kind=kind,
        lane=Lane.PERSON,
        title=str(TEST_TEXT) if kind == "email" else None,
        account_id=account_id,
    )
    with working(runtime):
        with runtime.database.writing() as session:
            message_id = queue_message(session, draft)
        found = _result(runtime, message_id, wait)
    _tell(found)
    if found.state not in {State.SENT, State.DELIVERED}:
        sys.exit(1)


def _result(runtime: Runtime, message_id: int, seconds: float) -> MessageFacts:
    deadline = time.monotonic() + seconds
    while True:
        with runtime.database.reading() as session:
            found = message_facts(session, [message_id])[message_id]
        # A reason on a message that still waits will not go away by waiting.
        if found.state not in UNDER_WAY or found.reason or time.monotonic() >= deadline:
            return found
        time.sleep(PAUSE_SECONDS)


def _tell(found: MessageFacts) -> None:
    sentences: Mapping[State, TranslationString] = {
        State.SENT: _("Pesan uji diterima oleh kanal ${channel}."),
        State.DELIVERED: _("Pesan uji sudah sampai lewat kanal ${channel}."),
        State.UNCERTAIN: _("Belum pasti apakah pesan uji terkirim lewat kanal ${channel}."),
        State.QUEUED: _("Pesan uji masih menunggu."),
        State.SENDING: _("Pesan uji masih dikirim lewat kanal ${channel}."),
    }
    sentence = sentences.get(found.state, _("Pesan uji gagal."))
    mapping = {"channel": found.account_name or "-"}
    _say(TranslationString(sentence, mapping=mapping))
    if found.reason:
        _say(found.reason)


def _recipient(text: str) -> tuple[str, str]:
    """Return kind and address; any spelling of a number is understood."""
    if "@" in text:
        return "email", text
    from core.contacts.numbers import parse_number  # noqa: PLC0415 - its tables are slow to load

    return "sms", parse_number(text)


def _named(accounts: Sequence[ChannelFacts], name: str | None) -> int | None:
    if name is None:
        return None
    for account in accounts:
        if account.name == name:
            return account.id
    raise NotFoundError(_("Tidak ada kanal bernama ${name}.", mapping={"name": name}))


def _settings(pairs: Sequence[str]) -> dict[str, str]:
    """Read ``key=value``; ``key=-`` takes the value from standard input, out of sight of ``ps``."""
    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise InvalidInputError(
                field="set",
                explanation=_(
                    "${pair} tidak dapat dibaca. Tulis KUNCI=NILAI.", mapping={"pair": pair}
                ),
            )
        values[key.strip()] = sys.stdin.read().rstrip("\n") if value == "-" else value
    return values


def _as_json(account: ChannelFacts) -> dict[str, Any]:
    return {
        "name": account.name,
        "transport": account.transport,
        "state": _health(account),
        "weight": account.weight,
        "waiting": account.waiting,
        "last_error": account.last_error.interpolate() if account.last_error else None,
        "last_error_at": account.last_error_at.isoformat() if account.last_error_at else None,
        "last_success_at": account.last_success_at.isoformat() if account.last_success_at else None,
    }


def _health(account: ChannelFacts) -> str:
    """Say in one word how an account is."""
    if not account.available:
        return "missing"
    if account.is_paused:
        return "paused"
    return "ok" if account.open_until is None else "broken"


def _say(sentence: TranslationString) -> None:
    click.echo(sentence.interpolate(), err=True)
