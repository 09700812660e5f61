"""A workshop for the framework's tests: plugins written on the spot, and deployments."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Table

from core.app import open_runtime
from core.db import Base
from core.testing.fixtures import test_settings as settings_for

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from core.framework.runtime import Runtime

MANIFEST = """\
name = "{name}"
version = "{version}"
summary = "Plugin percobaan"
"""

REVISION = """\
import sqlalchemy as sa
from alembic import op

revision = "{name}_0001_base"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "{table}",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True)),
    )


def downgrade():
    op.drop_table("{table}")
"""


class Workshop:
    """Writes plugins into a folder of ``abah.plugins_path``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def plugin(
        self,
        name: str,
        *,
        version: str = "1.0",
        toml: str = "",
        code: str = "",
        files: Mapping[str, str] | None = None,
    ) -> Path:
        """Write a plugin; ``toml`` is added to its manifest, ``code`` is its ``plugin.py``."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        self.write(home / "__init__.py", "")
        self.write(home / "plugin.py", textwrap.dedent(code))
        for path, text in (files or {}).items():
            self.write(home / path, textwrap.dedent(text))
        manifest = MANIFEST.format(name=name, version=version) + textwrap.dedent(toml)
        self.write(home / "plugin.toml", manifest)
        return home

    @staticmethod
    def write(path: Path, text: str) -> None:
        """Write a file and let Python read it again, whatever it has cached."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()

    @staticmethod
    def migration(name: str, table: str) -> dict[str, str]:
        """Give the file of a first revision that makes one table with an ``id`` and a ``note``."""
        return {f"migrations/{name}_0001_base.py": REVISION.format(name=name, table=table)}


@contextmanager
def imported_from(folder: Path) -> Iterator[None]:
    """Forget afterwards what was imported as ``plugins.*`` from a folder meanwhile."""
    import plugins  # noqa: PLC0415 - the package that the folder becomes a part of

    path = list(plugins.__path__)
    yield
    plugins.__path__[:] = path
    own = {
        name
        for name, module in sys.modules.items()
        if str(getattr(module, "__file__", "")).startswith(str(folder))
    }
    for mapper in list(Base.registry.mappers):
        if mapper.class_.__module__ in own and isinstance(mapper.local_table, Table):
            Base.metadata.remove(mapper.local_table)
            # Or the next class of the name would be told that this one is still there.
            Base.registry._dispose_cls(mapper.class_)
            # It would be there until it is collected.
            Base.registry._managers.pop(mapper.class_manager, None)
    for name in own:
        module = sys.modules.pop(name)
        parent, _dot, child = name.rpartition(".")
        if getattr(sys.modules.get(parent), child, None) is module:
            delattr(sys.modules[parent], child)


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """Give a folder to write plugins into; what was imported from it is forgotten afterwards."""
    made = Workshop(tmp_path / "plugins")
    with imported_from(made.folder):
        yield made


@pytest.fixture
def deployment(database_url: URL, workshop: Workshop) -> Iterator[Callable[..., Runtime]]:
    """Give a function that opens runtimes on one database with the workshop's plugins."""
    opened: list[Runtime] = []

    def open_one(**more: Any) -> Runtime:
        settings = settings_for(database_url, abah__plugins_path=str(workshop.folder), **more)
        opened.append(open_runtime(settings))
        return opened[-1]

    yield open_one
    for runtime in opened:
        runtime.close()
