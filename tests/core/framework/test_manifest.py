"""A manifest is read without running the plugin, and every mistake names file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.framework.manifest import (
    Manifest,
    ManifestError,
    Menu,
    Permission,
    Schedule,
    parse_manifest,
    read_manifest,
)

WHOLE = """
name = "peta"
version = "1.2"
summary = "Peta lembaga"
category = "Hibah"
core = ">=0.1,<1"
after = ["laporan"]
conflicts = ["atlas"]
auto_install = true
url_prefix = "/hibah/peta"
data = ["data/texts.toml"]

[depends]
hibah = ">=0.1,<1"
email = ""

[[permissions]]
name = "peta.map.read"
title = "Melihat peta"
roles = ["admin", "petugas"]

[[menus]]
id = "peta.map"
parent = "hibah"
label = "Peta"
route = "peta.map.show"
permission = "peta.map.read"
order = 20

[[schedules]]
task = "peta.refresh"
at = "07:30"

[removal]
warning = "Koordinat lembaga hilang."
purge = false
"""


def parse(text: str, folder: Path = Path()) -> Manifest:
    return parse_manifest(
        text,
        file="peta/plugin.toml",
        directory=folder,
        package="plugins.peta",
        module="plugins.peta.plugin",
    )


MINIMAL = 'name = "peta"\nversion = "1.0"\nsummary = "Peta"\n'


def test_a_whole_manifest_becomes_a_frozen_dataclass(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "texts.toml").write_text("")
    manifest = parse(WHOLE, tmp_path)
    assert manifest.depends == {"email": "", "hibah": ">=0.1,<1"}
    assert manifest.permissions == (
        Permission("peta.map.read", "Melihat peta", ("admin", "petugas")),
    )
    assert manifest.menus == (
        Menu("peta.map", "Peta", "peta.map.show", "hibah", "peta.map.read", order=20),
    )
    assert manifest.schedules == (Schedule("peta.refresh", at="07:30"),)
    assert manifest.removal.warning == "Koordinat lembaga hilang."
    assert not manifest.removal.purge
    assert manifest.table_prefix == "peta_"
    assert manifest.url_prefix == "/hibah/peta"
    with pytest.raises(AttributeError):
        manifest.name = "lain"  # type: ignore[misc]


def test_what_is_left_out_has_its_default() -> None:
    manifest = parse(MINIMAL)
    assert manifest.url_prefix == "/p/peta"
    assert manifest.core == ""
    assert manifest.removal.purge
    assert not manifest.auto_install


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (MINIMAL.replace('version = "1.0"\n', ""), "version"),
        (MINIMAL.replace('"1.0"', '"satu"'), "version"),
        (MINIMAL.replace('"peta"', '"Peta"'), "name"),
        (MINIMAL.replace('"peta"', '"core"'), "name"),
        (MINIMAL.replace('"peta"', '"peta_"'), "name"),
        (MINIMAL.replace('"peta"', f'"{"p" * 21}"'), "name"),
        (MINIMAL + "sumary = 1\n", "sumary"),
        (MINIMAL + 'core = "1 atau 2"\n', "core"),
        (MINIMAL + "auto_install = 1\n", "auto_install"),
        (MINIMAL + 'url_prefix = "hibah"\n', "url_prefix"),
        (MINIMAL + 'data = "data/texts.toml"\n', "data"),
        (MINIMAL + 'data = ["tidak/ada.toml"]\n', "data"),
        (MINIMAL + 'data = ["../luar.toml"]\n', "data"),
        (MINIMAL + 'after = ["a", "a"]\n', "after"),
        (MINIMAL + '[depends]\nhibah = "~~1"\n', "depends.hibah"),
        (MINIMAL + '[depends]\npeta = ""\n', "depends.peta"),
        (MINIMAL + "[depends]\nhibah = 1\n", "depends.hibah"),
        (MINIMAL + '[[permissions]]\nname = "hibah.x"\ntitle = "X"\n', "permissions[1].name"),
        (MINIMAL + '[[permissions]]\nname = "peta.x"\n', "permissions[1].title"),
        (MINIMAL + '[[menus]]\nid = "petak"\nlabel = "A"\n', "menus[1].id"),
        (MINIMAL + '[[menus]]\nid = "peta"\nlabel = "A"\nordre = 1\n', "menus[1].ordre"),
        (MINIMAL + '[[menus]]\nid = "peta"\nlabel = "A"\norder = "1"\n', "menus[1].order"),
        (MINIMAL + '[[schedules]]\ntask = "peta.x"\n', "schedules[1].every"),
        (MINIMAL + '[[schedules]]\ntask = "peta.x"\nevery = 0\n', "schedules[1].every"),
        (MINIMAL + '[[schedules]]\ntask = "peta.x"\nat = "25:00"\n', "schedules[1].at"),
        (MINIMAL + '[[schedules]]\ntask = "lain.x"\nevery = 5\n', "schedules[1].task"),
        (MINIMAL + "[removal]\nkeep = true\n", "removal.keep"),
        (MINIMAL + "name = ", ""),
    ],
)
def test_a_mistake_names_file_and_key(text: str, key: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(text)
    assert caught.value.key == key
    assert caught.value.file == "peta/plugin.toml"
    assert "peta/plugin.toml" in str(caught.value)
    assert key.rpartition(".")[2].split("[")[0] in str(caught.value)


def test_the_same_thing_twice_is_refused() -> None:
    twice = '[[menus]]\nid = "peta"\nlabel = "A"\n' * 2
    with pytest.raises(ManifestError, match="dua kali"):
        parse(MINIMAL + twice)


def test_reading_runs_no_code_of_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "plugin.toml").write_text(MINIMAL)
    assert (
        read_manifest(tmp_path / "plugin.toml", package="plugins.peta").module
        == "plugins.peta.plugin"
    )


def test_a_file_that_is_no_text_is_an_error_of_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "plugin.toml").write_bytes(b"name = \xff")
    with pytest.raises(ManifestError, match="tidak dapat dibaca"):
        read_manifest(tmp_path / "plugin.toml", package="plugins.peta")
    with pytest.raises(ManifestError, match="tidak dapat dibaca"):
        read_manifest(tmp_path / "lain.toml", package="plugins.peta")
