"""Plugins are found in folders and distributions, each by itself, without being imported."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.framework.discovery import discover
from core.framework.settings import Settings
from core.i18n import plain
from tests.core.conftest import Workshop

BOMB = "raise RuntimeError('imported')"


def found(workshop: Workshop, **more: Any) -> Any:
    return discover(Settings({"abah.plugins_path": str(workshop.folder), **more}))


def test_bundled_plugins_and_dropped_in_folders_are_found(workshop: Workshop) -> None:
    workshop.plugin("peta", code=BOMB, files={"__init__.py": BOMB})
    plugins = found(workshop)
    assert {"hibah", "nphd", "peta"} <= set(plugins)
    assert plugins["peta"].usable
    assert plugins["peta"].manifest.package == "plugins.peta"
    assert "plugins.peta" not in sys.modules


def test_a_broken_manifest_is_listed_and_crashes_nobody(workshop: Workshop) -> None:
    workshop.plugin("rusak", toml="tidak_dikenal = 1\n")
    workshop.plugin("baik")
    plugins = found(workshop)
    assert not plugins["rusak"].usable
    assert "tidak_dikenal" in plain(plugins["rusak"].error)
    assert plugins["baik"].usable


def test_the_name_inside_must_be_the_name_of_the_folder(workshop: Workshop) -> None:
    home = workshop.plugin("peta")
    workshop.write(home / "plugin.toml", 'name = "lain"\nversion = "1"\nsummary = "x"\n')
    assert found(workshop)["peta"].error is not None


def test_the_bundled_one_wins_over_a_double_and_the_double_is_told(workshop: Workshop) -> None:
    workshop.plugin("hibah")
    plugins = found(workshop)
    doubles = [plugin for plugin in plugins.values() if plugin.name == "hibah"]
    assert [plugin.usable for plugin in doubles].count(True) == 1
    assert not next(p for p in doubles if p.source.startswith(str(workshop.folder))).usable


def test_the_allow_list_limits_what_may_load(workshop: Workshop) -> None:
    workshop.plugin("satu")
    workshop.plugin("dua")
    plugins = found(workshop, **{"abah.plugins_allow": "satu hibah"})
    assert plugins["satu"].usable
    assert not plugins["dua"].usable
    assert not plugins["dua"].allowed


def test_a_folder_that_is_not_there_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"abah\.plugins_path"):
        discover(Settings({"abah.plugins_path": str(tmp_path / "tidak_ada")}))


def test_plugins_never_come_onto_the_module_path(workshop: Workshop) -> None:
    workshop.plugin("peta")
    found(workshop)
    assert str(workshop.folder) not in sys.path
    import email  # noqa: PLC0415 - the standard library's, not plugins/email

    assert "plugins" not in str(email.__file__)


def distribution(site: Path, name: str, value: str) -> None:
    """Make an installed distribution with one entry point, as pip leaves it behind."""
    info = site / f"{name}-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(f"[abah.plugins]\n{name} = {value}\n")


def test_installed_distributions_offer_plugins_without_being_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "acme_kirim" / "inner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text(BOMB)
    (package / "__init__.py").write_text(BOMB)
    (package / "hooks.py").write_text(BOMB)
    (package / "plugin.toml").write_text('name = "kirim"\nversion = "2.0"\nsummary = "x"\n')
    distribution(tmp_path, "kirim", "acme_kirim.inner.hooks")
    distribution(tmp_path, "hilang", "tidak_ada.plugin")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins = discover(Settings({}))
    assert plugins["kirim"].usable
    assert plugins["kirim"].manifest is not None
    assert plugins["kirim"].manifest.module == "acme_kirim.inner.hooks"
    assert plugins["kirim"].source == "kirim 2.0"
    assert not plugins["hilang"].usable
    assert "tidak_ada.plugin" in plain(plugins["hilang"].error or "")
    assert "acme_kirim" not in sys.modules
