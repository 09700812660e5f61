"""Tables whose rows are only ever added: the database itself refuses to change or delete one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import DDL, FromClause, Table, event

__all__ = ["append_only", "append_only_statements"]

_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION abah_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME;
END
$$
"""


def append_only_statements(table: str, dialect: str) -> list[str]:
    """Give the statements that make ``table`` append-only; migrations run them after creating it.

    On SQLite they have to be run again after a batch migration has rebuilt the table.
    """
    if dialect == "postgresql":
        return [
            _FUNCTION,
            (
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION abah_refuse_change()"
            ),
        ]
    return [
        f"CREATE TRIGGER {table}_no_{action} BEFORE {action.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'table {table} is append-only'); END"
        for action in ("update", "delete")
    ]


def append_only(table: FromClause) -> None:
    """Let the triggers be made together with ``table`` where it is created from the models."""
    assert isinstance(table, Table)  # noqa: S101 - narrows what the mapper declares too widely
    for dialect in ("sqlite", "postgresql"):
        for statement in append_only_statements(table.name, dialect):
            escaped = statement.replace("%", "%%")
            ddl = DDL(escaped)  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", ddl.execute_if(dialect=dialect))
