"""What a plugin says about itself: ``plugin.toml``, read without importing the plugin.

A broken plugin can therefore be listed, shown, and refused. Every mistake in the file is an error
that names the file and the key, because the person who reads it is the one who has to mend it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from core.errors import AbahError
from core.framework.tomltable import TomlTable, bad_value
from core.i18n import TranslationString, _

__all__ = [
    "MANIFEST_FILE",
    "MAX_NAME",
    "NAME_PATTERN",
    "RESERVED",
    "Manifest",
    "ManifestError",
    "Menu",
    "Permission",
    "Removal",
    "Schedule",
    "parse_manifest",
    "read_manifest",
]

MANIFEST_FILE: Final = "plugin.toml"

NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""A name is a package, a table prefix, a route prefix and part of a migration's id at once."""

MAX_NAME: Final = 20
"""Longest name: ``<name>_0001_…`` has to fit into the 32 characters of a migration's id."""

RESERVED: Final = frozenset({"abah", "core", "plugins", "alembic", "sqlite", "pg"})


class ManifestError(AbahError):
    """A ``plugin.toml`` that cannot be used; ``file`` and ``key`` say where to look."""

    def __init__(self, file: str, key: str, explanation: TranslationString) -> None:
        """Remember where the mistake is beside the sentence that explains it."""
        self.file = file
        self.key = key
        super().__init__(explanation)


@dataclass(frozen=True, slots=True)
class Permission:
    """Something a role may be allowed to do."""

    name: str
    title: str
    """Indonesian; translated through the catalogue when shown."""
    roles: tuple[str, ...] = ()
    """Roles that get it when the plugin is installed. Later the administrator decides."""


@dataclass(frozen=True, slots=True)
class Menu:
    """An entry of the menu."""

    id: str
    label: str
    """Indonesian; translated through the catalogue when shown."""
    route: str | None = None
    """Route without variables, or None for an entry that only holds others."""
    parent: str | None = None
    permission: str | None = None
    order: int = 100
    icon: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task that is started by the clock."""

    task: str
    every: float | None = None
    """Seconds between two starts."""
    at: str | None = None
    """Hour and minute in Asia/Jakarta at which it starts every day, as ``07:30``."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What a person must know before the plugin goes."""

    warning: str = ""
    """Indonesian; shown before an uninstall is confirmed."""
    purge: bool = True
    """False where the law asks that the data stay: a purge is refused then."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything the framework knows about a plugin before any of its code runs."""

    name: str
    version: str
    summary: str
    directory: Path
    """Folder of the package; the files of ``data`` and ``demo`` lie below it."""
    package: str
    """Python package, as ``plugins.hibah``."""
    module: str
    """Module with the implementations of hooks, as ``plugins.hibah.plugin``."""
    category: str = ""
    core: str = ""
    """Range of core versions it works with, as ``>=0.1,<1``."""
    depends: Mapping[str, str] = field(default_factory=dict)
    """Names of the plugins it needs, each with a range of versions (empty: any)."""
    after: tuple[str, ...] = ()
    """Plugins that are loaded before it where they are there, without being needed."""
    conflicts: tuple[str, ...] = ()
    auto_install: bool = False
    """Whether it is installed by itself as soon as everything it depends on is installed."""
    url_prefix: str = ""
    data: tuple[str, ...] = ()
    demo: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    menus: tuple[Menu, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    removal: Removal = field(default_factory=Removal)

    @property
    def table_prefix(self) -> str:
        """What the names of all its tables begin with."""
        return f"{self.name}_"

    @property
    def migrations(self) -> Path:
        """Folder of its migrations; it need not exist."""
        return self.directory / "migrations"


def read_manifest(path: Path, *, package: str, module: str | None = None) -> Manifest:
    """Read the ``plugin.toml`` at ``path``; the plugin itself is not imported.

    :raises ManifestError: the file cannot be read, or something in it is wrong.
    """
    file = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(
            file,
            "",
            _(
                "Berkas ${file} tidak dapat dibaca (${reason}). Simpan sebagai teks UTF-8 yang "
                "boleh dibaca oleh abah, atau pasang ulang plugin itu.",
                mapping={"file": file, "reason": getattr(error, "strerror", None) or "UTF-8"},
            ),
        ) from error
    return parse_manifest(
        text,
        file=file,
        directory=path.parent,
        package=package,
        module=module or f"{package}.plugin",
    )


def parse_manifest(text: str, *, file: str, directory: Path, package: str, module: str) -> Manifest:
    """Turn the text of a ``plugin.toml`` into a manifest.

    :raises ManifestError: something in it is wrong; the error names the key.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(
            file,
            "",
            _(
                "Berkas ${file} bukan TOML yang benar: ${reason}.",
                mapping={"file": file, "reason": str(error)},
            ),
        ) from error
    table = TomlTable(values, file=file, error=ManifestError)
    name = _name(table)
    manifest = Manifest(
        name=name,
        version=_version(table),
        summary=table.text("summary", required=True),
        directory=directory,
        package=package,
        module=module,
        category=table.text("category"),
        core=_range(table, "core", table.text("core")),
        depends=_depends(table, name),
        after=_names(table, "after"),
        conflicts=_names(table, "conflicts"),
        auto_install=table.flag("auto_install"),
        url_prefix=_url_prefix(table, name),
        data=_files(table, "data", directory),
        demo=_files(table, "demo", directory),
        permissions=_permissions(table, name),
        menus=_menus(table, name),
        schedules=_schedules(table, name),
        removal=_removal(table),
    )
    table.finish()
    return manifest


def _name(table: TomlTable) -> str:
    name = table.text("name", required=True)
    if not NAME_PATTERN.fullmatch(name) or len(name) > MAX_NAME or name in RESERVED:
        explanation = _(
            '${file}: nama "${value}" pada kunci name tidak boleh dipakai. Nama terdiri atas huruf '
            "kecil, angka dan garis bawah, diawali huruf, paling panjang ${limit} karakter, dan "
            "bukan kata khusus.",
            mapping={"file": table.file, "value": name, "limit": MAX_NAME},
        )
        raise ManifestError(table.file, "name", explanation)
    return name


def _version(table: TomlTable) -> str:
    text = table.text("version", required=True)
    try:
        Version(text)
    except InvalidVersion as error:
        explanation = _(
            '${file}: "${value}" pada kunci ${key} bukan nomor versi. Tulis misalnya "1.0.0".',
            mapping={"file": table.file, "key": "version", "value": text},
        )
        raise ManifestError(table.file, "version", explanation) from error
    return text


def _range(table: TomlTable, key: str, text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        explanation = _(
            '${file}: "${value}" pada kunci ${key} bukan rentang versi. Tulis misalnya ">=1.0,<2".',
            mapping={"file": table.file, "key": key, "value": text},
        )
        raise ManifestError(table.file, key, explanation) from error
    return text


def _plugin_name(table: TomlTable, key: str, name: str) -> str:
    if not NAME_PATTERN.fullmatch(name):
        raise bad_value(table, key, name, _('nama plugin, misalnya "hibah"'))
    return name


def _names(table: TomlTable, key: str) -> tuple[str, ...]:
    return tuple(_plugin_name(table, key, name) for name in table.texts(key))


def _depends(table: TomlTable, name: str) -> Mapping[str, str]:
    depends: dict[str, str] = {}
    for other, value in table.mapping("depends").items():
        key = f"depends.{other}"
        _plugin_name(table, key, other)
        if not isinstance(value, str) or other == name:
            raise bad_value(table, key, value, _('rentang versi plugin lain, misalnya ">=0.1,<1"'))
        depends[other] = _range(table, key, value)
    return dict(sorted(depends.items()))


def _url_prefix(table: TomlTable, name: str) -> str:
    prefix = table.text("url_prefix", default=f"/p/{name}")
    if not re.fullmatch(r"(/[a-z0-9][a-z0-9_-]*)+", prefix):
        raise bad_value(
            table, "url_prefix", prefix, _('alamat yang diawali garis miring, "/hibah"')
        )
    return prefix


def _files(table: TomlTable, key: str, directory: Path) -> tuple[str, ...]:
    files = table.texts(key)
    for name in files:
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or not (directory / pure).is_file():
            explanation = _(
                '${file}: berkas "${value}" pada kunci ${key} tidak ada di dalam folder plugin.',
                mapping={"file": table.file, "key": key, "value": name},
            )
            raise ManifestError(table.file, key, explanation)
    return files


def _permissions(table: TomlTable, owner: str) -> tuple[Permission, ...]:
    permissions = []
    for entry in table.tables("permissions"):
        name = entry.text("name", required=True)
        if not re.fullmatch(rf"{re.escape(owner)}(\.[a-z0-9_]+)+", name):
            raise bad_value(entry, "name", name, _("nama izin yang diawali nama plugin dan titik"))
        permissions.append(
            Permission(
                name=name, title=entry.text("title", required=True), roles=entry.texts("roles")
            )
        )
        entry.finish()
    table.unique("permissions", [permission.name for permission in permissions])
    return tuple(permissions)


def _menus(table: TomlTable, owner: str) -> tuple[Menu, ...]:
    menus = []
    for entry in table.tables("menus"):
        which = entry.text("id", required=True)
        if which != owner and not which.startswith(f"{owner}."):
            raise bad_value(
                entry, "id", which, _("nama plugin, atau nama yang diawali nama plugin dan titik")
            )
        menus.append(
            Menu(
                id=which,
                label=entry.text("label", required=True),
                route=entry.text("route") or None,
                parent=entry.text("parent") or None,
                permission=entry.text("permission") or None,
                order=entry.number("order", default=100),
                icon=entry.text("icon") or None,
            )
        )
        entry.finish()
    table.unique("menus", [menu.id for menu in menus])
    return tuple(menus)


def _schedules(table: TomlTable, owner: str) -> tuple[Schedule, ...]:
    schedules = []
    for entry in table.tables("schedules"):
        task = entry.text("task", required=True)
        if not task.startswith(f"{owner}."):
            raise bad_value(entry, "task", task, _("nama tugas yang diawali nama plugin dan titik"))
        every = entry.seconds("every")
        at = entry.text("at") or None
        if at is not None and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", at):
            raise bad_value(entry, "at", at, _('jam dan menit WIB, misalnya "07:30"'))
        if (every is None) == (at is None):
            raise bad_value(entry, "every", every, _('salah satu dari "every" atau "at"'))
        schedules.append(Schedule(task=task, every=every, at=at))
        entry.finish()
    return tuple(schedules)


def _removal(table: TomlTable) -> Removal:
    entry = table.table("removal")
    removal = Removal(warning=entry.text("warning"), purge=entry.flag("purge", default=True))
    entry.finish()
    return removal


def as_dict(manifest: Manifest) -> dict[str, Any]:
    """Give what a person may want to see of a manifest, ready for JSON."""
    return {
        "name": manifest.name,
        "version": manifest.version,
        "summary": manifest.summary,
        "category": manifest.category,
        "core": manifest.core,
        "depends": dict(manifest.depends),
        "after": list(manifest.after),
        "conflicts": list(manifest.conflicts),
        "auto_install": manifest.auto_install,
        "url_prefix": manifest.url_prefix,
        "data": list(manifest.data),
        "demo": list(manifest.demo),
        "permissions": [permission.name for permission in manifest.permissions],
        "menus": [menu.id for menu in manifest.menus],
        "schedules": [schedule.task for schedule in manifest.schedules],
    }
