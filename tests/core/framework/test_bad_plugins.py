"""Whatever is wrong with a plugin is said in a sentence that names it and the way out.

All the bad ones of the table lie beside two good ones, which go on working.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
from sqlalchemy import inspect, text
from webtest import TestApp

from core.app import build_wsgi
from core.cli.root import _ask_plugins
from core.cli.state import CliState
from core.db.migrate import MigrationError
from core.errors import AbahError
from core.framework.doctor import examine
from core.framework.lifecycle import Lifecycle
from core.framework.overview import overview
from core.framework.removal import uninstall
from core.framework.runtime import Runtime
from core.framework.stored import save_settings
from core.i18n import plain
from core.jobs.runner import Jobs
from tests.core.conftest import Workshop
from tests.core.framework.listening import answer

pytestmark = pytest.mark.plugins()

GOOD = """
    import click
    from pyramid.response import Response
    from pyramid.security import NO_PERMISSION_REQUIRED

    from core.api.hooks import SettingField, SettingsSection, hookimpl
    from core.api.text import _


    @hookimpl
    def include_web(config):
        config.add_route("NAME.ada", "/ada")
        config.add_view(
            lambda request: Response("ada"),
            route_name="NAME.ada",
            permission=NO_PERMISSION_REQUIRED,
        )


    @hookimpl
    def register_commands():
        return [click.Command("hitung")]


    @hookimpl
    def register_settings():
        return SettingsSection(_("Warna"), [SettingField("warna", _("Warna"))])
"""
TEXT = '[[message_text]]\nkey = "satu.sapa"\ntitle = "Sapaan"\nbody = "Halo"\n'
GOOD_TOML = """
    data = ["data/a.toml"]
    [[permissions]]
    name = "satu.lihat"
    title = "Melihat"
    [[menus]]
    id = "satu.menu"
    label = "Satu"
    route = "satu.ada"
"""
ROUTE = """
    from core.api.hooks import hookimpl

    @hookimpl
    def include_web(config):
        config.add_route("satu.ada", "/lain")
"""
MODELS = """
    from sqlalchemy.orm import Mapped, mapped_column

    from core.api.db import Base


    class Thing(Base):
        __tablename__ = "satu_thing"

        id: Mapped[int] = mapped_column(primary_key=True)
"""
HALF = """
    import sqlalchemy as sa
    from alembic import op

    revision = "NAME_0001_base"
    down_revision = None


    def upgrade():
        op.create_table("NAME_thing", sa.Column("id", sa.Integer, primary_key=True))
        op.execute("UPDATE tidak_ada SET x = 1")
"""


@dataclass(frozen=True)
class Bad:
    """A plugin with one mistake, and the words that have to stand in the message."""

    name: str
    says: tuple[str, ...]
    toml: str = ""
    code: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def data(name: str, content: str, *says: str) -> Bad:
    return Bad(name, says, toml='data = ["data/a.toml"]', files={"data/a.toml": content})


def makes(name: str, table: str) -> Mapping[str, str]:
    return Workshop.migration(name, table)


def declares(name: str, directive: str, *says: str) -> Bad:
    code = f"""
        from core.api.hooks import hookimpl


        def tween(handler, registry):
            1 / 0


        @hookimpl
        def include_web(config):
            config.{directive}
    """
    return Bad(name, (f"Plugin {name}", "tidak dapat dimuat", *says), code=code)


def answers(name: str, hook: str, answer: str, *says: str) -> Bad:
    code = f"""
        from core.api.hooks import SettingField, SettingsSection, Slot, hookimpl
        from core.api.text import _

        @hookimpl
        def {hook}():
            return {answer}
    """
    return Bad(name, (f"Plugin {name}", hook, *says), code=code)


TWO_VIEWS = """add_route('kembar.satu', '/')
            config.add_view(lambda request: {}, route_name='kembar.satu')
            config.add_view(lambda request: {}, route_name='kembar.satu')"""

TABLE = [
    Bad("bukan_toml", ("bukan_toml/plugin.toml", "TOML", "line 4"), toml="salah = = 1"),
    Bad("kunci", ("kunci/plugin.toml", "kunci salah", "Kunci yang dikenal"), toml="salah = 1"),
    Bad("lingkar", ("lingkar → balik → lingkar", "depends"), toml='[depends]\nbalik = ""'),
    Bad("balik", ("balik → lingkar → balik", "depends"), toml='[depends]\nlingkar = ""'),
    Bad("kurang", ("kurang → entah", "Pasang"), toml='[depends]\nentah = ""'),
    Bad("lama", ("lama → satu", ">=9", "1.0", "Pasang versi"), toml='[depends]\nsatu = ">=9"'),
    Bad("inti", ("inti", "abah >=99", "perbarui abah"), toml='core = ">=99"'),
    Bad("rute", ("rute", "route satu.ada", "pada satu", "Ganti namanya"), code=ROUTE),
    Bad("alamat", ("alamat", "satu", "/p/satu", "url_prefix"), toml='url_prefix = "/p/satu"'),
    Bad("model", ("model", "satu_thing", "diawali model_"), files={"models.py": MODELS}),
    Bad(
        "polos",
        ("model untuk tabel polos_thing", "abah db revision polos"),
        files={"models.py": MODELS.replace("satu_", "polos_")},
    ),
    Bad(
        "meja",
        ("meja_0001_base", "satu_thing", "lalu ulangi"),
        files=makes("meja", "satu_thing"),
    ),
    Bad("asing", ("asing", "satu_baru", "diawali asing_"), files=makes("asing", "satu_baru")),
    Bad(
        "paruh",
        ("paruh_0001_base", "tidak_ada", "Perbaiki migrasi"),
        files={"migrations/paruh_0001_base.py": HALF.replace("NAME", "paruh")},
    ),
    Bad(
        "izin",
        ("izin/plugin.toml", "satu.lihat", "permissions[1].name", "diawali nama plugin"),
        toml='[[permissions]]\nname = "satu.lihat"\ntitle = "x"',
    ),
    Bad(
        "menu",
        ("menu/plugin.toml", "satu.menu", "menus[1].id", "diawali nama plugin"),
        toml='[[menus]]\nid = "satu.menu"\nlabel = "x"',
    ),
    Bad(
        "ucp",
        ("Plugin ucp", "menu ucp.applications is there already", "Perbaiki"),
        toml='[[menus]]\nid = "ucp.applications"\nlabel = "x"',
    ),
    Bad(
        "jalan",
        ("jalan", "jalan.menu", "jalan.tiada"),
        toml='[[menus]]\nid = "jalan.menu"\nlabel = "x"\nroute = "jalan.tiada"',
    ),
    Bad("impor", ("impor", "ZeroDivisionError", "Perbaiki kodenya"), code="1 / 0"),
    Bad("keluar", ("keluar", "SystemExit: 3", "Perbaiki"), code="import sys\nsys.exit(3)"),
    Bad(
        "pergi", ("pergi", "SystemExit: 3", "Perbaiki"), files={"models.py": "raise SystemExit(3)"}
    ),
    declares("kembar", TWO_VIEWS, "view kembar.satu ada dua kali"),
    declares("tamu", "add_view(tween, route_name='satu.ada')", "view satu.ada sudah ada pada satu"),
    replace(
        declares("tindih", "add_route('tindih.satu', '/satu/{x}')"),
        says=("tindih", "/p/satu/ada", "milik satu", "url_prefix"),
        toml='url_prefix = "/p"',
    ),
    replace(
        declares("inti_halaman", "add_route('inti_halaman.satu', '/{x:[a-z]+}')"),
        says=("inti_halaman", "/aplikasi/", "milik core", "url_prefix"),
        toml='url_prefix = "/aplikasi"',
    ),
    declares("ayun", "add_tween('plugins.ayun.plugin.tween')", "tweens", "pages of others"),
    declares("simak", "add_subscriber(print, 'pyramid.events.NewRequest')", "subscribers"),
    declares("pabrik", "set_request_factory(tween)", "request factory"),
    answers("tindakan", "register_grant_actions", "[1]", "answers 1 ", "GrantAction"),
    answers("kanal", "register_transports", "[int]", "class 'int'", "Transport"),
    answers("sapu", "register_sweeps", "3", "answers 3 ", "@sweep"),
    answers("atur", "register_settings", "{}", "answers {} ", "SettingsSection"),
    Bad(
        "jadwal",
        ("Plugin jadwal", "schedules", "jadwal.tiada"),
        toml='[[schedules]]\ntask = "jadwal.tiada"\nat = "07:30"',
    ),
    answers("celah", "register_slots", "[Slot('dashboard.tiles', 'celah/tiada.jinja2')]", "tiada"),
    answers(
        "kunci_ganda",
        "register_settings",
        "SettingsSection(_('Dua'), [SettingField('a', _('A')), SettingField('a', _('B'))])",
        "key a more than once",
    ),
    data("teks", TEXT, "Data plugin teks", "satu.sapa:id", "dibawa satu", "Beri nama lain"),
    data("sapaan", TEXT.replace("satu.sapa", "lain.salam"), "lain.salam", "diawali nama plugin"),
    Bad(
        "peran",
        ("peran/plugin.toml", "izin peran.x", "peran juragan", "petugas"),
        toml='[[permissions]]\nname = "peran.x"\ntitle = "x"\nroles = ["juragan"]',
        files=makes("peran", "peran_thing"),
    ),
    data("titik", "[[message_text]\n", "titik/data/a.toml", "line 1"),
    data("jenis", "[[entah]]\n", "jenis/data/a.toml", "entah", "Yang dikenal: message_text"),
    data("tanpa", '[[message_text]]\ntitle = "x"', "tanpa/data/a.toml", "message_text[1].key"),
    data("angka", "[[message_text]]\nkey = 7", "angka/data/a.toml", "message_text[1].key", "teks"),
]


@pytest.fixture
def good(deployment: Callable[..., Runtime], workshop: Workshop) -> Runtime:
    """Two plugins that run, one of them with everything that another might want to have too."""
    for name in ("satu", "lain"):
        files = {**workshop.migration(name, f"{name}_thing"), "data/a.toml": TEXT}
        workshop.plugin(
            name,
            toml=GOOD_TOML if name == "satu" else "",
            code=GOOD.replace("NAME", name),
            files=files,
        )
    runtime = deployment()
    Lifecycle(runtime).install("satu", "lain")
    return runtime


def works(runtime: Runtime, *names: str) -> None:
    app = TestApp(build_wsgi(runtime))
    for name in names:
        assert app.get(f"/p/{name}/ada").text == "ada"


def test_each_mistake_has_its_own_message_and_the_others_go_on(
    good: Runtime, deployment: Callable[..., Runtime], workshop: Workshop
) -> None:
    for bad in TABLE:
        workshop.plugin(bad.name, toml=bad.toml, code=bad.code, files=bad.files)
    for bad in TABLE:
        with pytest.raises(AbahError) as caught:
            Lifecycle(good).install(bad.name)
        message = plain(caught.value.explanation)
        assert [word for word in bad.says if word not in message] == [], message
        assert "\n" not in message
        assert message.endswith("."), message
    tables = set(inspect(good.database.engine).get_table_names())
    assert not tables & {f"{bad.name}_thing" for bad in TABLE} | tables & {"satu_baru"}
    shown = {status.name: status for status in overview(deployment())}
    assert [bad.name for bad in TABLE if not shown[bad.name].problem] == []
    assert {name for name, one in shown.items() if str(one.state) == "installed"} == {
        "satu",
        "lain",
    }
    works(deployment(), "satu", "lain")


def test_a_plugin_that_vanished_is_named_and_can_be_removed(
    good: Runtime, deployment: Callable[..., Runtime], workshop: Workshop, tmp_path: Any
) -> None:
    shutil.rmtree(workshop.folder / "satu")
    runtime = deployment()
    works(runtime, "lain")
    (told,) = [plain(one.text) for one in examine(runtime) if one.plugin == "satu"]
    assert "abah plugins uninstall satu" in told
    (status,) = [one for one in overview(runtime) if one.name == "satu"]
    assert (str(status.state), "abah.plugins_path" in plain(status.problem)) == ("missing", True)
    with pytest.raises(AbahError, match=r"abah\.plugins_path"):
        Lifecycle(runtime).upgrade("satu")
    uninstall(runtime, "satu", export_to=tmp_path / "satu.zip", purge=True)
    assert not inspect(good.database.engine).has_table("satu_thing")
    works(deployment(), "lain")


def test_a_command_of_two_goes_to_the_first_and_settings_are_each_plugins_own(
    good: Runtime, deployment: Callable[..., Runtime], capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = deployment()
    state = CliState()
    state._runtime = runtime
    assert list(_ask_plugins(state)) == ["hitung"]
    told = " ".join(capsys.readouterr().err.split())
    assert "hitung dari plugin satu dilewati" in told
    assert "dipakai lain" in told
    assert "register_commands" in told
    for owner in ("satu", "lain"):
        with runtime.database.writing() as session:
            save_settings(session, owner, {"warna": f"warna {owner}"})
    assert runtime.plugin_settings("satu")["warna"] == "warna satu"
    assert runtime.plugin_settings("lain")["warna"] == "warna lain"
    with good.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM abah_setting WHERE key = 'warna'")) == 2


def test_a_circle_among_installed_plugins_can_be_taken_apart(
    good: Runtime, deployment: Callable[..., Runtime], workshop: Workshop
) -> None:
    for name in ("putar", "balas"):
        workshop.plugin(name)
    Lifecycle(deployment()).install("putar", "balas")
    workshop.plugin("putar", toml='[depends]\nbalas = ""')
    workshop.plugin("balas", toml='[depends]\nputar = ""')
    runtime = deployment()
    Lifecycle(runtime).disable("lain")
    uninstall(runtime, "lain", export_to=None, purge=False)
    Lifecycle(runtime).disable("putar")
    uninstall(runtime, "balas", export_to=None, purge=False)
    shown = {one.name: one for one in overview(deployment())}
    assert str(shown["satu"].state) == "installed"
    assert [shown[name].installed_version for name in ("lain", "balas")] == ["", ""]


def test_a_history_that_cannot_be_read_stops_only_its_plugin(
    good: Runtime, deployment: Callable[..., Runtime], workshop: Workshop
) -> None:
    base = workshop.folder / "satu" / "migrations"
    start = 'revision = "satu_{0}"\ndown_revision = {1}\ndef upgrade():\n    pass\n'
    broken = {
        "satu_0002_rusak.py": ("def (", "SyntaxError"),
        "satu_0002_keluar.py": ("import sys\nsys.exit(3)", "SystemExit"),
        "satu_0002_kepala.py": (start.format("0002_kepala", None), "heads"),
        "satu_0002_yatim.py": (start.format("0002_yatim", "'satu_0001_tiada'"), "tiada"),
    }
    for file, (code, says) in broken.items():
        (base / file).write_text(code)
        runtime = deployment()
        assert Lifecycle(runtime).outdated() == []
        told = [plain(one.text) for one in examine(runtime) if one.plugin == "satu"]
        assert any(says in one and str(base) in one and "lalu ulangi" in one for one in told), told
        assert [one for one in examine(runtime) if one.plugin == "lain"] == []
        (base / file).unlink()
    assert Lifecycle(deployment()).outdated() == []
    (base / "satu_0002_rusak.py").write_text("def (")
    with pytest.raises(MigrationError, match=r"Riwayat migrasi satu.*satu_0002_rusak\.py"):
        Lifecycle(deployment()).upgrade("satu")
    works(deployment(), "lain")


LEAVES = """
    import sys

    from core.api.hooks import hookimpl


    @hookimpl
    def register_commands():
        sys.exit(3)
"""


INCLUDED: Final = LEAVES.replace("register_commands()", "include_web(config)")


@pytest.mark.parametrize("code", ["raise SystemExit(3)", LEAVES, INCLUDED])
def test_a_plugin_that_would_end_the_process_is_left_out(
    good: Runtime, deployment: Callable[..., Runtime], workshop: Workshop, code: str
) -> None:
    workshop.plugin("pulang")
    Lifecycle(good).install("pulang")
    for module in [one for one in sys.modules if one.split(".")[-2:] == ["pulang", "plugin"]]:
        del sys.modules[module]
    workshop.plugin("pulang", code=code)
    runtime = deployment()
    works(runtime, "satu", "lain")
    state = CliState()
    state._runtime = runtime
    assert list(_ask_plugins(state)) == ["hitung"]
    assert "SystemExit" in " ".join(
        plain(one.text) for one in examine(runtime) if one.plugin == "pulang"
    )


def test_a_wrong_answer_of_one_plugin_leaves_the_work_of_the_others(runtime: Runtime) -> None:
    jobs = runtime.component(Jobs)
    before = (list(jobs.tasks()), jobs.sweeps())
    answer(runtime, register_tasks=lambda: [int], register_sweeps=lambda: [int])
    assert (list(jobs.tasks()), jobs.sweeps()) == before
    for hook in ("register_tasks", "register_sweeps"):
        assert runtime.hooks.stats("uji", hook).failures
