"""``abah plugins conflicts`` and ``settle``: what an Admin edited and a new version changed."""

from __future__ import annotations

import click

from core.api.cli import json_option, say, show_table, who
from core.cli.state import CliState, pass_state
from core.framework.conflicts import conflicts, settle
from core.framework.words import value_words
from core.i18n import _

__all__ = ["list_conflicts", "settle_conflict"]


@click.command(
    "conflicts", help=_("Isi yang diubah Admin dan juga diubah versi baru; menunggu keputusan.")
)
@click.argument("name", required=False, default="")
@json_option
@pass_state
def list_conflicts(state: CliState, name: str, as_json: bool) -> None:  # noqa: FBT001
    """List what waits for a decision, a row for each field."""
    with state.runtime().database.reading() as session:
        found = conflicts(session, name)
    show = (lambda value: value) if as_json else value_words
    rows = [
        {
            "plugin": one.owner,
            "id": one.id,
            "field": difference.field,
            "mine": show(difference.mine),
            "new": show(difference.new),
            "old": show(difference.old),
        }
        for one in found
        for difference in one.differences
    ]
    columns = {
        "plugin": _("Plugin"),
        "id": _("Id"),
        "field": _("Bagian"),
        "mine": _("Isi sekarang"),
        "new": _("Isi baru dari plugin"),
        "old": _("Isi lama dari plugin"),
    }
    show_table(rows, columns, as_json=as_json, empty=_("Tidak ada yang menunggu keputusan."))


@click.command("settle", help=_("Memutuskan satu isi dari abah plugins conflicts."))
@click.argument("conflict", metavar="ID")
@click.option(
    "--mine/--new",
    "mine",
    required=True,
    help=_("Pertahankan isi sekarang, atau ambil isi baru."),
)
@pass_state
def settle_conflict(state: CliState, conflict: str, mine: bool) -> None:  # noqa: FBT001
    """Keep the row as it is, or take what the plugin brings."""
    with state.runtime().database.writing() as session:
        settle(session, conflict, take_new=not mine, actor_id=None, actor=who())
    if mine:
        say(_("${id}: isi sekarang dipertahankan.", mapping={"id": conflict}))
    else:
        say(_("${id}: isi baru diambil.", mapping={"id": conflict}))
