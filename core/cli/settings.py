"""``abah settings``: settings that are kept in the database, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from sqlalchemy import select

from core.api.cli import in_words, json_option, say, show_table
from core.cli.state import CliState, pass_state
from core.errors import InvalidInputError, NotFoundError
from core.framework.models import StoredSetting
from core.framework.stored import save_settings, settings_sections
from core.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.framework.runtime import Runtime
    from core.hookspecs.system import SettingField

__all__ = ["command"]

HIDDEN: Final = "•••"


@click.group("settings", help=_("Melihat dan mengubah pengaturan inti dan plugin."))
def command() -> None:
    """Hold the verbs."""


@command.command("list", help=_("Daftar pengaturan; rahasia tidak ditampilkan."))
@click.argument("owner", required=False)
@json_option
@pass_state
def list_settings(state: CliState, owner: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List settings with their present values."""
    runtime = state.runtime()
    rows = list(_rows(runtime, owner))
    if owner is not None and not rows:
        raise NotFoundError(_("Tidak ada pengaturan untuk ${owner}.", mapping={"owner": owner}))
    columns = {
        "owner": _("Pemilik"),
        "key": _("Kunci"),
        "value": _("Nilai"),
        "label": _("Arti"),
    }
    show_table(rows, columns, as_json=as_json)


@command.command(
    "set", help=_("Mengubah satu pengaturan; nilai rahasia ditanyakan bila dikosongkan.")
)
@click.argument("owner")
@click.argument("key")
@click.argument("value", required=False)
@pass_state
def set_setting(state: CliState, owner: str, key: str, value: str | None) -> None:
    """Store one value."""
    runtime = state.runtime()
    field = _field(runtime, owner, key)
    if value is None:
        # Typed here, so that a secret is not kept in the history of the shell.
        value = click.prompt(in_words(field.label), hide_input=field.kind == "secret", err=True)
    _save(runtime, owner, key, value)


@command.command("unset", help=_("Mengembalikan satu pengaturan ke nilai bawaannya."))
@click.argument("owner")
@click.argument("key")
@pass_state
def unset_setting(state: CliState, owner: str, key: str) -> None:
    """Forget one stored value."""
    runtime = state.runtime()
    _field(runtime, owner, key)
    _save(runtime, owner, key, None)


def _rows(runtime: Runtime, only: str | None) -> Iterator[dict[str, Any]]:
    with runtime.database.reading() as session:
        stored = {(row.owner, row.key) for row in session.execute(_STORED)}
    for owner, section in settings_sections(runtime).items():
        if only not in {None, owner}:
            continue
        values = runtime.plugin_settings(owner)
        for field in section.fields:
            value = values[field.key]
            yield {
                "owner": owner,
                "key": field.key,
                "value": HIDDEN if field.kind == "secret" and value else value,
                "stored": (owner, field.key) in stored,
                "label": in_words(field.label),
            }


_STORED: Final = select(StoredSetting.owner, StoredSetting.key)


def _field(runtime: Runtime, owner: str, key: str) -> SettingField:
    section = settings_sections(runtime).get(owner)
    if section is None:
        raise NotFoundError(_("Tidak ada pengaturan untuk ${owner}.", mapping={"owner": owner}))
    for field in section.fields:
        if field.key == key:
            return field
    known = ", ".join(field.key for field in section.fields)
    raise InvalidInputError(
        key,
        _(
            "Pengaturan ${key} tidak dikenal. Yang ada: ${known}.",
            mapping={"key": key, "known": known},
        ),
    )


def _save(runtime: Runtime, owner: str, key: str, value: str | None) -> None:
    with runtime.database.writing() as session:
        changed = save_settings(session, owner, {key: value})
    say(_("Pengaturan disimpan.") if changed else _("Tidak ada yang berubah."))
