"""``abah demo``: the whole path of an invitation on the command line, until it was delivered."""

from __future__ import annotations

import time
from typing import Final

import click

from core.api.cli import in_words, pass_runtime, say
from core.api.contacts import format_number, parse_number
from core.api.jobs import working
from core.api.messaging import MessageFacts, State
from core.api.runtime import Runtime
from core.api.text import TranslationString, _
from plugins.nphd.days import date_words
from plugins.nphd.services.calls import newest_calls
from plugins.nphd.services.inviting import Invited
from plugins.nphd.services.rehearsal import Stage, prepare_channel, rehearse, set_stage
from plugins.nphd.services.sending import send

__all__ = ["demo"]

STEPS: Final = 6
INDENT: Final = " " * 6
LOOK_SECONDS: Final = 0.25
FAILED: Final = frozenset({State.UNDELIVERED, State.REJECTED, State.CANCELLED, State.EXPIRED})

STATES: Final[dict[State, TranslationString]] = {
    State.QUEUED: _("menunggu dikirim"),
    State.SENDING: _("sedang dikirim"),
    State.SENT: _("terkirim, menunggu laporan penerimaan"),
    State.DELIVERED: _("diterima"),
    State.UNDELIVERED: _("tidak dapat diterima"),
    State.UNCERTAIN: _("belum pasti"),
    State.REJECTED: _("ditolak"),
    State.EXPIRED: _("kedaluwarsa"),
    State.CANCELLED: _("dibatalkan"),
}


@click.command("demo", help=_("Memainkan undangan NPHD dari awal sampai pesannya diterima."))
@click.option("--number", help=_("Nomor telepon yang dikirimi; wajib bila kanalnya sungguhan."))
@click.option(
    "--timeout",
    type=click.IntRange(1, 3600),
    default=60,
    show_default=True,
    help=_("Detik menunggu pesan diterima."),
)
@pass_runtime
def demo(runtime: Runtime, number: str | None, timeout: int) -> int:
    """Play the path; exit code 0 only when the invitation was delivered."""
    called = parse_number(number) if number else None
    with runtime.database.writing() as session:
        channel = prepare_channel(session, own_number=called is not None)
        stage = set_stage(session)
    _tell_stage(stage, channel)
    with runtime.database.writing() as session:
        invited = rehearse(session, stage, called)
    _step(
        3,
        _(
            "Lembaga diundang untuk ${tanggal}: undangan ${id}.",
            mapping={"tanggal": date_words(invited.day), "id": invited.invitation_id},
        ),
    )
    with working(runtime) as here:
        with runtime.database.writing() as session:
            result = send(session, {invited.invitation_id: None}, stage.officer)[0]
        if result.refused is not None:
            say(result.refused, style="red")
            return 1
        _step(4, _("Proses: ${n} pesan masuk antrean.", mapping={"n": result.queued}))
        _step(
            5,
            _("Pengiriman dikerjakan oleh proses ini.")
            if here
            else _("Pengiriman dikerjakan oleh proses abah yang sedang berjalan."),
        )
        last = _wait(runtime, invited, timeout)
    return _tell_end(last, timeout)


def _tell_stage(stage: Stage, channel: str) -> None:
    _step(
        1,
        _(
            "Petugas ${nama}, kanal ${kanal}.",
            mapping={"nama": stage.officer.name, "kanal": channel},
        ),
    )
    if stage.cleared:
        _note(_("Demo sebelumnya dibatalkan agar tanggalnya dapat dipakai lagi."))
    _step(
        2,
        _(
            "Hibah ${kode}, ${lembaga}.",
            mapping={"kode": stage.grant.code, "lembaga": stage.grant.institution_name},
        ),
    )


def _wait(runtime: Runtime, invited: Invited, timeout: int) -> MessageFacts | None:
    """Follow the message until its fate is known or the time is over; print every change."""
    end = time.monotonic() + timeout
    facts: MessageFacts | None = None
    seen: State | None = None
    while time.monotonic() < end:
        with runtime.database.reading() as session:
            facts = newest_calls(session, [invited.invitee_id]).get(invited.invitee_id)
        if facts is not None and facts.state is not seen:
            if seen is None:
                _note(f"{format_number(facts.address)}: {facts.body}")
            seen = facts.state
            _note(_("Pesan ${state}.", mapping={"state": in_words(STATES[seen])}))
        if seen is State.DELIVERED or seen in FAILED:
            break
        time.sleep(LOOK_SECONDS)
    return facts


def _tell_end(facts: MessageFacts | None, timeout: int) -> int:
    if facts is not None and facts.state is State.DELIVERED:
        _step(6, _("Selesai: undangan sudah diterima."), style="green")
        return 0
    if facts is not None and facts.state in FAILED:
        _step(6, _("Gagal: undangan tidak diterima."), style="red")
    else:
        _step(
            6,
            _(
                "Gagal: belum ada bukti penerimaan setelah ${n} detik. Periksa kanal dan worker.",
                mapping={"n": timeout},
            ),
            style="red",
        )
    if facts is not None and facts.reason is not None:
        _note(facts.reason)
    return 1


def _step(number: int, text: TranslationString, *, style: str | None = None) -> None:
    say(f"[{number}/{STEPS}] {in_words(text)}", style=style)


def _note(text: str) -> None:
    say(f"{INDENT}{in_words(text)}", style="dim")
