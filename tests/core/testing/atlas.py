"""A plugin that keeps every promise, written on the spot, for tests that break one of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.core.conftest import Workshop

NAME: Final = "atlas"

TOML: Final = """
category = "Peta"
core = ">=0.1,<1"
data = ["data/texts.toml"]

[[permissions]]
name = "atlas.page.read"
title = "Melihat atlas"
roles = ["petugas"]

[[menus]]
id = "atlas.page"
parent = "ucp"
label = "Atlas"
route = "atlas.page.show"
permission = "atlas.page.read"

[[schedules]]
task = "atlas.draw"
every = 3600
"""

PLUGIN: Final = '''
from core.api.hooks import SettingField, SettingsSection, Slot, hookimpl
from core.api.jobs import sweep, task
from core.api.text import _
from plugins.atlas import models as models


def show(request):
    return {"may": request.has_permission("atlas.page.read")}


@task("atlas.draw")
def draw(runtime):
    """Draw."""


@sweep("atlas.look", every=60)
def look(runtime):
    """Look around."""


@hookimpl
def include_web(config):
    """Add the page."""
    config.add_route("atlas.page.show", "/")
    name, template = "atlas.page.show", "atlas/page.jinja2"
    config.add_view(show, route_name=name, renderer=template, permission="atlas.page.read")


@hookimpl
def register_slots():
    """Show how many there are."""
    return [Slot("dashboard.waiting", "atlas/tile.jinja2", variables=lambda request, given: {})]


@hookimpl
def register_settings():
    """Say how far one sees."""
    return SettingsSection(_("Atlas"), (SettingField("scale", _("Skala")),))


@hookimpl
def register_tasks():
    """Give the work."""
    return [draw]


@hookimpl
def register_sweeps():
    """Give what is looked for."""
    return [look]


@hookimpl
def threads_opened(session, threads):
    """Hear of conversations."""
'''

MODELS: Final = """
from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from core.api.db import Base


class Sheet(Base):
    __tablename__ = "atlas_sheet"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    scale: Mapped[int | None]
"""

FIRST: Final = """
import sqlalchemy as sa
from alembic import op

revision = "atlas_0001_base"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "atlas_sheet",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_atlas_sheet"),
    )


def downgrade():
    op.drop_table("atlas_sheet")
"""

SECOND: Final = """
import sqlalchemy as sa
from alembic import op

revision = "atlas_0002_scale"
down_revision = "atlas_0001_base"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("atlas_sheet") as batch:
        batch.add_column(sa.Column("scale", sa.Integer(), nullable=True))


def downgrade():
    with op.batch_alter_table("atlas_sheet") as batch:
        batch.drop_column("scale")
"""

PAGE: Final = """\
{% extends layout %}
{% block title %}{{ _("Atlas") }}{% endblock title %}
{% block content %}
<p>{{ _("Skala") }}</p>
{% endblock content %}
"""

README: Final = "# atlas\n\n`atlas.page.read` shows it, `scale` says how far.\n"

TEXTS: Final = """
[[message_text]]
key = "atlas.ready"
title = "Atlas siap"
body = "Atlas Anda siap."
"""

CATALOGUE: Final = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "Plugin percobaan"
msgstr "A plugin to try"

msgid "Peta"
msgstr "Maps"

msgid "Atlas"
msgstr "Atlas"

msgid "Melihat atlas"
msgstr "See the atlas"

msgid "Skala"
msgstr "Scale"

msgid "Atlas siap"
msgstr "Atlas ready"
"""

TEST: Final = """
from plugins.atlas.plugin import draw


def test_drawing_takes_no_time():
    assert draw(None) is None
"""

FILES: Final[Mapping[str, str]] = {
    "models.py": MODELS,
    "migrations/atlas_0001_base.py": FIRST,
    "migrations/atlas_0002_scale.py": SECOND,
    "templates/atlas/page.jinja2": PAGE,
    "templates/atlas/tile.jinja2": "<p>{{ _('Atlas') }}</p>\n",
    "data/texts.toml": TEXTS,
    "locale/en/LC_MESSAGES/abah.po": CATALOGUE,
    "README.md": README,
    "tests/conftest.py": 'pytest_plugins = ["core.testing.fixtures"]\n',
    "tests/test_drawing.py": TEST,
}


def write(
    workshop: Workshop,
    *,
    toml: str = TOML,
    code: str = PLUGIN,
    files: Mapping[str, str] | None = None,
) -> None:
    """Write the plugin, with some of its files changed."""
    home = workshop.plugin(NAME, toml=toml, code=code, files={**FILES, **(files or {})})
    source = home / "locale" / "en" / "LC_MESSAGES" / "abah.po"
    with source.with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, read_po(io.StringIO(source.read_text(encoding="utf-8")), "en"))
