"""Each enabled plugin is loaded by itself: one that fails takes only its dependents along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from core.app import build_wsgi
from core.framework.lifecycle import Lifecycle
from core.framework.loading import LoadedPlugins, StrictError
from core.framework.runtime import Runtime
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]


def names(runtime: Runtime) -> list[str]:
    return [manifest.name for manifest in runtime.plugins]


def test_only_enabled_plugins_are_loaded_in_load_order(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("zebra")
    workshop.plugin("ayam", toml='[depends]\nzebra = ""\n')
    workshop.plugin("badak")
    Lifecycle(deployment()).install("ayam")
    runtime = deployment()
    assert names(runtime) == ["zebra", "ayam"]
    assert runtime.hooks.plugins == ["zebra", "ayam"]
    assert LoadedPlugins.of(runtime).number == 2


def test_a_plugin_that_cannot_be_imported_is_left_out_with_its_dependents(
    deployment: Deployment, workshop: Workshop
) -> None:
    home = workshop.plugin("dasar")
    workshop.plugin("atas", toml='[depends]\ndasar = ""\n')
    workshop.plugin("lain")
    Lifecycle(deployment()).install("atas", "lain")
    workshop.write(home / "plugin.py", "1 / 0")
    sys.modules.pop("plugins.dasar.plugin")
    runtime = deployment()
    assert names(runtime) == ["lain"]
    problems = LoadedPlugins.of(runtime).problems
    assert set(problems) == {"dasar", "atas"}
    assert "ZeroDivisionError" in str(problems["dasar"])
    assert "dasar" in str(problems["atas"])


def test_a_hook_that_does_not_exist_leaves_the_plugin_out(
    deployment: Deployment, workshop: Workshop
) -> None:
    home = workshop.plugin("peta")
    Lifecycle(deployment()).install("peta")
    code = "from core.api.hooks import hookimpl\n@hookimpl\ndef tidak_ada(): pass\n"
    workshop.write(home / "plugin.py", code)
    sys.modules.pop("plugins.peta.plugin")
    assert "tidak_ada" in str(LoadedPlugins.of(deployment()).problems["peta"])


def test_a_plugin_that_vanished_or_became_too_old_is_skipped_and_named(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("dasar", version="2.0")
    workshop.plugin("atas", toml='[depends]\ndasar = ">=2"\n')
    hilang = workshop.plugin("hilang")
    Lifecycle(deployment()).install("atas", "hilang")
    workshop.plugin("dasar", version="1.0")
    (hilang / "plugin.toml").unlink()
    runtime = deployment()
    assert names(runtime) == ["dasar"]
    assert set(LoadedPlugins.of(runtime).problems) == {"atas", "hilang"}


def test_strict_refuses_to_start_and_names_every_reason(
    deployment: Deployment, workshop: Workshop
) -> None:
    home = workshop.plugin("peta")
    Lifecycle(deployment()).install("peta")
    workshop.write(home / "plugin.py", "1 / 0")
    sys.modules.pop("plugins.peta.plugin")
    with pytest.raises(StrictError, match="ZeroDivisionError"):
        deployment(abah__strict="true")


def test_safe_mode_loads_only_the_core(
    deployment: Deployment, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.plugin("peta")
    Lifecycle(deployment()).install("peta")
    monkeypatch.setenv("ABAH_SAFE_MODE", "1")
    assert names(deployment()) == []


def test_before_the_first_set_up_there_is_nothing_to_load(tmp_path: Path) -> None:
    code = (
        "import json\nfrom core.app import open_runtime\n"
        f"runtime = open_runtime({{'sqlalchemy.url': 'sqlite:///{tmp_path}/x.db', "
        "'abah.secret': 'x' * 40})\nprint(json.dumps([m.name for m in runtime.plugins]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "ABAH_SAFE_MODE": "0"},
    )
    assert json.loads(done.stdout) == []


PAGES = """
from core.api.hooks import hookimpl
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

@hookimpl
def include_web(config):
    config.add_route("{name}", "/{name}")
    config.add_view(
        lambda request: Response("ada"), route_name="{name}", permission=NO_PERMISSION_REQUIRED
    )
    {more}
"""


@pytest.mark.parametrize("more", ["1 / 0", 'config.add_route("baik", "/lain")'])
def test_a_plugin_whose_pages_cannot_be_added_is_left_out_of_the_web(
    deployment: Deployment, workshop: Workshop, more: str
) -> None:
    workshop.plugin("baik", code=PAGES.format(name="baik", more=""))
    home = workshop.plugin("cacat", code=PAGES.format(name="cacat", more=""))
    Lifecycle(deployment()).install("baik", "cacat")
    workshop.write(home / "plugin.py", PAGES.format(name="cacat", more=more))
    sys.modules.pop("plugins.cacat.plugin")
    runtime = deployment()
    app = TestApp(build_wsgi(runtime))
    assert app.get("/p/baik/baik").text == "ada"
    assert app.get("/p/cacat/cacat", status=404)
    problems = LoadedPlugins.of(runtime).problems
    assert set(problems) == {"cacat"}
    if "lain" in more:
        assert "route baik sudah ada pada baik" in str(problems["cacat"])


def test_what_needs_a_plugin_without_pages_is_left_out_and_named(
    deployment: Deployment, workshop: Workshop
) -> None:
    home = workshop.plugin("dasar", code=PAGES.format(name="dasar", more=""))
    workshop.plugin("atas", toml='[depends]\ndasar = ""\n')
    Lifecycle(deployment()).install("atas")
    workshop.write(home / "plugin.py", PAGES.format(name="dasar", more="1 / 0"))
    sys.modules.pop("plugins.dasar.plugin")
    runtime = deployment()
    build_wsgi(runtime)
    problems = LoadedPlugins.of(runtime).problems
    assert set(problems) == {"dasar", "atas"}
    assert "dasar" in str(problems["atas"])
