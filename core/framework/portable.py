"""A portable copy of tables: one zip, one file of JSON lines per table, the same on every database.

Used by ``abah db backup`` and by the export before a purge. It needs neither the models nor
``pg_dump``: tables are read as the database describes them, in one consistent snapshot. Reading
goes line by line, so that a copy may be larger than the memory.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final

from sqlalchemy import Connection, MetaData, Table, inspect, select, text

from core.db import Database, utcnow
from core.db.migrate import search_index_tables
from core.errors import AbahError
from core.framework.runtime import Runtime
from core.framework.version import CORE_VERSION
from core.i18n import _

__all__ = [
    "CONTENTS",
    "FORMAT",
    "Contents",
    "PortableFileError",
    "RestoreError",
    "bad_line",
    "check_key",
    "data_tables",
    "dump_tables",
    "key_check",
    "partial_of",
    "read_contents",
    "read_json",
    "read_rows",
    "snapshot",
    "version_tables",
]

FORMAT: Final = "abah-tables-1"
CONTENTS: Final = "contents.json"
VERSION_SUFFIX: Final = "_alembic_version"
_BATCH: Final = 1000
_UNREADABLE: Final = (
    OSError,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged zip, or one of somebody else's making, may raise."""


class PortableFileError(AbahError):
    """A file that is no copy made by abah, or one that was cut off."""


class RestoreError(AbahError):
    """A copy that does not fit what is installed here."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a copy."""

    format: str
    core_version: str
    created_at: str
    dialect: str
    """Database it was made from, for information only."""
    key_check: str
    """Fingerprint of the key that encrypted the secrets inside."""
    revisions: Mapping[str, str]
    """Revision in force, by version table."""
    rows: Mapping[str, int]
    """How many rows each table has."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the lines of each table."""
    plugin: str = ""
    """Plugin whose tables these are; empty for a copy of the whole database."""
    version: str = ""
    """Version of that plugin."""


def key_check(runtime: Runtime) -> str:
    """Return what tells whether secrets in a copy can be read with this deployment's key."""
    return runtime.secrets.hash_code("backup", "key")


def check_key(*, fits: bool) -> None:
    """Refuse a copy whose secrets could not be read here.

    :raises RestoreError: they could not.
    """
    if not fits:
        raise RestoreError(
            _(
                "Salinan ini dibuat dengan kunci rahasia (abah.secret) yang lain, sehingga rahasia "
                "di dalamnya tidak akan terbaca. Pakai kunci yang sama dengan saat salinan dibuat."
            )
        )


def data_tables(connection: Connection) -> list[str]:
    """List the tables that hold data: neither version tables nor SQLite's search indexes."""
    names = [
        name for name in inspect(connection).get_table_names() if not name.endswith(VERSION_SUFFIX)
    ]
    hidden = search_index_tables(connection)
    return sorted(name for name in names if name not in hidden)


def version_tables(connection: Connection) -> dict[str, str]:
    """Return the revision in force of every version table."""
    names = [
        name for name in inspect(connection).get_table_names() if name.endswith(VERSION_SUFFIX)
    ]
    found = {}
    for name in sorted(names):
        quoted = connection.dialect.identifier_preparer.quote(name)
        revision = connection.scalar(text(f"SELECT version_num FROM {quoted}"))  # noqa: S608
        if revision is not None:
            found[name] = str(revision)
    return found


def dump_tables(  # noqa: PLR0913 - what stands in the head of a copy, by name
    database: Database,
    path: Path,
    *,
    tables: Sequence[str] | None = None,
    key_check: str = "",
    plugin: tuple[str, str] = ("", ""),
    extra: Mapping[str, Any] | None = None,
) -> Contents:
    """Write tables to a zip at ``path`` and return what it holds; all tables when none is named.

    ``plugin`` names the one whose tables they are, with its version. ``extra`` are more files, by
    name, written as JSON for people to read. The file appears under its name only when it is
    complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    try:
        with (
            snapshot(database) as connection,
            zipfile.ZipFile(partial, "w", compression=zipfile.ZIP_DEFLATED) as archive,
        ):
            names = data_tables(connection) if tables is None else list(tables)
            metadata = MetaData()
            metadata.reflect(connection, only=names)
            written = {
                name: _write_table(archive, connection, metadata.tables[name]) for name in names
            }
            contents = Contents(
                format=FORMAT,
                core_version=CORE_VERSION,
                created_at=utcnow().isoformat(),
                dialect=database.dialect,
                key_check=key_check,
                revisions=version_tables(connection),
                rows={name: count for name, (count, _sum) in written.items()},
                checksums={name: checksum for name, (_count, checksum) in written.items()},
                plugin=plugin[0],
                version=plugin[1],
            )
            for name, values in (extra or {}).items():
                archive.writestr(name, json.dumps(values, ensure_ascii=False, indent=1))
            archive.writestr(CONTENTS, json.dumps(asdict(contents), indent=1))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return contents


def partial_of(path: Path) -> Path:
    """Make the empty file that becomes ``path`` when it is complete.

    It holds personal data: nobody but the owner of the process may read it, from the first byte on,
    and nobody can have put another file in its place.
    """
    number, name = mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    os.close(number)
    return Path(name)


def read_contents(path: Path) -> Contents:
    """Read what a copy holds.

    :raises PortableFileError: it is no copy, or damaged.
    """
    if not path.is_file():
        raise PortableFileError(_("Berkas ${file} tidak ada.", mapping={"file": str(path)}))
    try:
        with zipfile.ZipFile(path) as archive:
            contents = Contents(**json.loads(archive.read(CONTENTS)))
            broken = archive.testzip()
            for table in contents.rows:
                archive.getinfo(_member(table))
    except _UNREADABLE as error:
        raise _damaged(path, error) from error
    if contents.format != FORMAT or broken is not None:
        raise PortableFileError(
            _(
                "Berkas ${file} dibuat dengan format yang tidak dikenal atau rusak.",
                mapping={"file": path.name},
            )
        )
    return contents


def read_json(path: Path, name: str) -> Any:
    """Read one of the ``extra`` files of a copy; None where there is no such file.

    :raises PortableFileError: it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(name)) if name in archive.namelist() else None
    except _UNREADABLE as error:
        raise _damaged(path, error) from error


def read_rows(path: Path, table: Table, checksum: str = "") -> Iterator[list[dict[str, Any]]]:
    """Give the rows of one table in batches, as values for its columns.

    The first row stands in the second line. The last batch comes before ``checksum`` is compared.

    :raises PortableFileError: the copy has a column that the table has not, a line that cannot be
        read, other lines than were written, or is damaged.
    """
    try:
        yield from _read_rows(path, table, checksum)
    except _UNREADABLE as error:
        raise _damaged(path, error) from error


def bad_line(path: Path, table: str, line: int, reason: str) -> PortableFileError:
    """Build the error for a line that cannot be read or stored."""
    return PortableFileError(
        _(
            "Berkas ${file}: ${member} baris ${line} tidak dapat dimuat (${reason}). "
            "Tidak ada yang dimuat; perbaiki berkasnya atau pakai salinan lain.",
            mapping={
                "file": path.name,
                "member": _member(table),
                "line": line,
                "reason": reason,
            },
        )
    )


def _read_rows(path: Path, table: Table, checksum: str) -> Iterator[list[dict[str, Any]]]:
    with zipfile.ZipFile(path) as archive, archive.open(_member(table.name)) as lines:
        first = next(lines, b"")
        seen = hashlib.sha256(first)
        try:
            columns: list[str] = json.loads(first)
        except ValueError as error:
            raise bad_line(path, table.name, 1, str(error)) from error
        unknown = sorted(set(columns) - set(table.columns.keys()))
        if unknown:
            raise PortableFileError(
                _(
                    "Salinan berisi kolom ${column} yang tidak ada di tabel ${table}.",
                    mapping={"column": unknown[0], "table": table.name},
                )
            )
        batch: list[dict[str, Any]] = []
        for number, line in enumerate(lines, start=2):
            seen.update(line)
            try:
                values = map(_decode, json.loads(line))
                batch.append(dict(zip(columns, values, strict=True)))
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                raise bad_line(path, table.name, number, str(error)) from error
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch
    if checksum and seen.hexdigest() != checksum:
        raise PortableFileError(
            _(
                "Berkas ${file}: isi ${member} bukan lagi yang dahulu ditulis. "
                "Tidak ada yang dimuat; pakai salinan lain.",
                mapping={"file": path.name, "member": _member(table.name)},
            )
        )


def _damaged(path: Path, error: Exception) -> PortableFileError:
    return PortableFileError(
        _(
            "Berkas ${file} bukan salinan data abah atau rusak (${reason}).",
            mapping={"file": path.name, "reason": str(error)},
        )
    )


def _member(table: str) -> str:
    """Name the file of a table's rows inside the zip."""
    return f"{table}.jsonl"


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """Give a connection whose reads all see the same moment."""
    engine = database.engine.execution_options(abah_mode="read")
    if database.dialect == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        yield connection


def _write_table(archive: zipfile.ZipFile, connection: Connection, table: Table) -> tuple[int, str]:
    """Write a line with the names of the columns, then a line per row; give count and checksum."""
    count = 0
    seen = hashlib.sha256()
    statement = select(table).order_by(*table.primary_key.columns)
    result = connection.execution_options(yield_per=_BATCH).execute(statement)
    with archive.open(_member(table.name), "w") as file:
        for values in itertools.chain([table.columns.keys()], result):
            line = _line([_encode(value) for value in values])
            seen.update(line)
            file.write(line)
            count += 1
    return count - 1, seen.hexdigest()


def _line(values: Iterable[Any]) -> bytes:
    return json.dumps(list(values), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _encode(value: Any) -> Any:  # noqa: PLR0911 - one line per type is the clearest form
    """Turn a value into what JSON holds; into a mark and a text where JSON has no type."""
    match value:
        case datetime():
            # SQLite gives UTC without a zone.
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return {"$at": aware.astimezone(UTC).isoformat()}
        case date():
            return {"$date": value.isoformat()}
        case time():
            return {"$time": value.isoformat()}
        case Decimal():
            return {"$number": str(value)}
        case uuid.UUID():
            return {"$uuid": str(value)}
        case bytes() | memoryview():
            return {"$bytes": base64.b64encode(bytes(value)).decode()}
        case dict() | list():
            return {"$json": value}
        case _:
            return value


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((mark, inner),) = value.items()
    return _DECODERS[mark](inner)


_DECODERS: Final[Mapping[str, Any]] = {
    "$at": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$number": Decimal,
    "$uuid": uuid.UUID,
    "$bytes": base64.b64decode,
    "$json": lambda inner: inner,
}
