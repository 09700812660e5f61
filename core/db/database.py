"""One database of the deployment: engine, sessions for reading and for writing.

SQLite (WAL) and PostgreSQL behave alike for the rest of the code. On SQLite a session that will
write says so at the beginning (``BEGIN IMMEDIATE``): a transaction that reads first and writes
later would fail with "database is locked" whenever somebody else wrote in between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import zope.sqlalchemy
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from transaction import TransactionManager

from core.db.locks import FairLock

__all__ = ["Database", "database_url"]

BUSY_SECONDS: Final = 30.0
"""How long a writer waits for the writer before it."""

_MODE: Final = "abah_mode"
_HELD: Final = "abah_write_lock"


def database_url(text: str) -> URL:
    """Parse an address; ``postgresql://`` means psycopg 3 here."""
    url = make_url(text)
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    return url


class Database:
    """Sessions on one database. Safe to share between threads; one per process."""

    def __init__(
        self,
        url: str | URL,
        *,
        info: Mapping[str, Any] | None = None,
        engine: Engine | None = None,
    ) -> None:
        """Prepare the engine, or share one; nothing is connected yet.

        ``info`` is copied into ``Session.info`` of every session, which is how services reach the
        runtime.
        """
        self.url = database_url(url) if isinstance(url, str) else url
        self.info: dict[str, Any] = dict(info or {})
        self.engine = engine or self._create_engine()
        self._reading = self.engine.execution_options(**{_MODE: "read"})
        self._writing = self.engine.execution_options(**{_MODE: "write"})

    def beside(self) -> Database:
        """Return another one on the same connections, with an ``info`` of its own."""
        return Database(self.url, engine=self.engine)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    def session(self, *, write: bool = True) -> Session:
        """Return a new session; the caller commits or closes it."""
        bind = self._writing if write else self._reading
        return Session(bind=bind, info=dict(self.info), expire_on_commit=False)

    def managed_session(self, manager: TransactionManager) -> Session:
        """Return a writing session that commits and aborts together with ``manager``'s."""
        session = self.session()
        # "changed": bulk statements and text() count as work, or they would silently not be
        # committed.
        zope.sqlalchemy.register(session, initial_state="changed", transaction_manager=manager)
        return session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a writing session, committed when the block ends and rolled back when it raises."""
        with self.session(write=True) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a reading session. What it writes is lost."""
        with self.session(write=False) as session:
            yield session

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _create_engine(self) -> Engine:
        if self.url.get_backend_name() != "sqlite":
            return create_engine(
                self.url, pool_pre_ping=True, pool_size=10, max_overflow=20, hide_parameters=True
            )
        if self.url.database and self.url.database != ":memory:":
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        # isolation_level None: the driver must not open transactions behind our back.
        engine = create_engine(
            self.url,
            connect_args={"isolation_level": None, "timeout": BUSY_SECONDS},
            pool_size=10,
            max_overflow=20,
            # Errors are logged; numbers and texts of messages are not.
            hide_parameters=True,
        )
        _prepare_sqlite(engine)
        return engine


def _prepare_sqlite(engine: Engine) -> None:
    lock = FairLock()

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_MODE, "write") == "read":
            connection.exec_driver_sql("BEGIN")
            return
        if not connection.info.get(_HELD):
            if not lock.acquire(BUSY_SECONDS):
                statement = "BEGIN IMMEDIATE"
                reason = sqlite3.OperationalError("database is locked")
                raise OperationalError(statement, None, reason)
            connection.info[_HELD] = True
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            connection.info.pop(_HELD, None)
            lock.release()
            raise

    def give_back(_connection: Any, record: Any, *_rest: object) -> None:
        if record is not None and record.info.pop(_HELD, None):
            lock.release()

    event.listen(engine, "checkin", give_back)
    event.listen(engine, "invalidate", give_back)
    event.listen(engine, "close", give_back)
