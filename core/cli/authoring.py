"""``abah plugins new`` and ``abah plugins texts``: for people who write a plugin."""

from __future__ import annotations

import keyword
import os
from importlib.util import find_spec
from pathlib import Path

import click

from core.api.cli import say
from core.cli.root import OWN, ROOMS
from core.cli.scaffold import KINDS, write_plugin
from core.cli.state import CONFIG_VARIABLE, DEFAULT_CONFIG, CliState, pass_state
from core.errors import AbahError, ConflictError, InvalidInputError, NotFoundError
from core.framework.discovery import discover, plugin_folders
from core.framework.manifest import MAX_NAME, NAME_PATTERN, RESERVED, Manifest
from core.framework.settings import Settings
from core.i18n import TranslationString, _
from core.locale_build import update_plugin

__all__ = ["new", "texts"]


@click.command("new", help=_("Menulis plugin baru yang langsung bekerja, beserta ujinya."))
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    required=True,
    help=_("channel: kanal pengiriman; module: tabel, halaman dan perintah."),
)
@click.option(
    "--into",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help=_("Folder tempat plugin ditulis; tanpa ini folder pertama abah.plugins_path."),
)
@click.option(
    "--distribution", is_flag=True, help=_("Tulis sebagai paket tersendiri yang dipasang pip.")
)
@pass_state
def new(state: CliState, name: str, kind: str, into: Path | None, *, distribution: bool) -> None:
    """Write a plugin, and say what to do with it."""
    settings = _settings(state)
    _check_name(name, settings, distribution=distribution)
    folders = plugin_folders(settings)
    home = into or (folders[0] if folders and not distribution else Path())
    if home.is_absolute() and home.is_relative_to(Path.cwd()):
        home = home.relative_to(Path.cwd())
    target = home / name
    if not home.is_dir():
        raise NotFoundError(_("Folder ${folder} tidak ada.", mapping={"folder": str(home)}))
    try:
        write_plugin(name, kind, target, distribution=distribution)
    except FileExistsError:
        raise ConflictError(
            _(
                "Folder ${folder} sudah ada. Pilih nama lain, atau hapus folder itu lebih dahulu.",
                mapping={"folder": str(target)},
            )
        ) from None
    except OSError as error:
        raise AbahError(
            _(
                "Folder ${folder} tidak dapat ditulis: ${reason}.",
                mapping={"folder": str(home), "reason": error.strerror or type(error).__name__},
            )
        ) from error
    mapping = {"name": name, "folder": str(target)}
    say(_("Plugin ${name} ditulis di ${folder}.", mapping=mapping), style="green")
    if not distribution and home.resolve() not in folders:
        say(
            _(
                "Tambahkan ${folder} pada abah.plugins_path di berkas konfigurasi lebih dahulu.",
                mapping={"folder": str(home.resolve())},
            )
        )
    say(_("Langkah berikutnya:"))
    abah = f"abah -c {state.config}" if state.config else "abah"
    first = f"pip install -e {target}" if distribution else f"python -m pytest {target}"
    for line in (first, f"{abah} plugins install {name}", f"{abah} plugins check {name}"):
        say(f"  {line}")


@click.command("texts", help=_("Mengumpulkan teks plugin sendiri ke katalog bahasa Inggrisnya."))
@click.argument("name")
@pass_state
def texts(state: CliState, name: str) -> int:
    """Bring a plugin's catalogues up to date; exit code 1 where a translation is missing."""
    manifest = _manifest(name, _settings(state))
    missing = update_plugin(manifest.directory)
    for path, count in missing.items():
        mapping = {"file": str(path), "count": count}
        say(
            _("${file}: ${count} teks belum diterjemahkan.", mapping=mapping)
            if count
            else _("${file}: lengkap.", mapping=mapping)
        )
    return int(any(missing.values()))


def _settings(state: CliState) -> Settings:
    """Read the configuration; none is needed to write the first plugin."""
    told = state.config is not None or os.environ.get(CONFIG_VARIABLE)
    if not told and not Path(DEFAULT_CONFIG).is_file():
        return Settings({})
    return Settings(state.settings())


def _manifest(name: str, settings: Settings) -> Manifest:
    found = discover(settings).get(name)
    if found is None:
        raise NotFoundError(_("Plugin ${name} tidak ditemukan.", mapping={"name": name}))
    if found.manifest is None:
        assert found.error is not None  # noqa: S101 - one of the two is there
        raise AbahError(found.error)
    return found.manifest


def _check_name(name: str, settings: Settings, *, distribution: bool) -> None:
    problem = _name_problem(name, settings, distribution=distribution)
    if problem is not None:
        raise InvalidInputError(field="name", explanation=problem)


def _name_problem(name: str, settings: Settings, *, distribution: bool) -> TranslationString | None:
    mapping = {"name": name, "limit": MAX_NAME}
    if not NAME_PATTERN.fullmatch(name):
        return _(
            '"${name}" bukan nama plugin. Pakai huruf kecil, angka dan garis bawah, diawali huruf, '
            "misalnya wa_kantor.",
            mapping=mapping,
        )
    if len(name) > MAX_NAME:
        return _("Nama ${name} terlalu panjang: paling banyak ${limit} karakter.", mapping=mapping)
    if name in RESERVED or name in OWN or name in ROOMS or keyword.iskeyword(name):
        return _("Nama ${name} sudah berarti hal lain. Pilih nama lain.", mapping=mapping)
    if name in discover(settings) or (distribution and find_spec(f"abah_{name}") is not None):
        return _("Sudah ada plugin bernama ${name}. Pilih nama lain.", mapping=mapping)
    return None
