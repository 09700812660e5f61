"""Who uses a hook that is going is told before installing, by the doctor, and to his face."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from webtest import TestApp

from core.app import build_wsgi
from core.cli import hookdocs
from core.framework import hooks
from core.framework.deprecation import DeprecatedUse, deprecated_uses
from core.framework.hooks import Hooks
from core.framework.runtime import Runtime
from core.hookspecs import SPEC_MODULES
from core.hookspecs.markers import Lifetime, hookimpl, hookspec
from core.i18n import plain, unstored
from core.testing.people import People
from tests.core.cli.conftest import Answer
from tests.core.conftest import Workshop

pytestmark = [
    pytest.mark.plugins(),
    pytest.mark.filterwarnings("ignore:.* goes in abah 9.0:DeprecationWarning"),
]

CODE = """
from core.api.hooks import hookimpl

@hookimpl
def register_maps():
    return []

@hookimpl
def draw_map(scale):
    pass
"""


@pytest.fixture
def going(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Specifications of which one hook and one argument go."""
    module = ModuleType("core.hookspecs.maps", "Maps.")

    @hookspec(since="0.1", deprecated="Use `register_atlas`.", remove_in="9.0")
    def register_maps() -> None:
        """Give maps.

        *collect* hook.
        """

    @hookspec(since="0.1", deprecated_arguments={"scale": "Ask the `sheet`."}, remove_in="9.0")
    def draw_map(sheet: str, scale: int) -> None:
        """Draw.

        *tell* hook.
        """

    vars(module).update(register_maps=register_maps, draw_map=draw_map)
    for reader in (hooks, hookdocs):
        monkeypatch.setattr(reader, "SPEC_MODULES", (*SPEC_MODULES, module))
    return module


@pytest.mark.usefixtures("going")
def test_uses_are_listed_wherever_somebody_looks(
    abah: Callable[..., Answer],
    workshop: Workshop,
    deployment: Callable[..., Runtime],
    monkeypatch: pytest.MonkeyPatch,
    people: People,
    sign_in: Callable[[TestApp, int], None],
) -> None:
    # As wide as the sentences that are looked for.
    monkeypatch.setenv("COLUMNS", "400")
    workshop.plugin("peta", code=CODE)
    sentence = "Plugin peta memakai hook {}, yang dihapus mulai abah 9.0. Penggantinya: {}"
    sentences = [
        sentence.format("draw_map(scale)", "Ask the `sheet`."),
        sentence.format("register_maps", "Use `register_atlas`."),
    ]
    preview = abah("plugins", "preview", "peta", "--json").json
    assert [plain(unstored(one)) for one in preview[0]["warnings"]] == sentences
    for words in (["install"], ["show"], ["doctor"]):
        name = [] if words == ["doctor"] else ["peta"]
        answer = abah("plugins", *words, *name)
        assert answer.code == 0
        assert all(sentence in answer.out for sentence in sentences), words
    runtime = deployment()
    assert deprecated_uses(runtime) == [
        DeprecatedUse("peta", "draw_map", "scale", "Ask the `sheet`.", "9.0"),
        DeprecatedUse("peta", "register_maps", "", "Use `register_atlas`.", "9.0"),
    ]
    app = TestApp(build_wsgi(runtime), extra_environ={"REMOTE_ADDR": "127.0.0.1"})
    sign_in(app, people.admin().id)
    page = app.get("/aplikasi/peta").html
    assert [each.text.strip() for each in page.select(".alert-warning")] == sentences
    (marked,) = app.get("/aplikasi").html.select(".app-card:has(.app-problem)")
    assert "2 pemakaian hook yang akan dihapus" in marked.text
    assert marked.h2.text.strip() == "peta"


@pytest.mark.usefixtures("going", "database_kind")
def test_the_author_is_warned_and_the_reference_says_it() -> None:
    plugin = ModuleType("peta")
    vars(plugin)["register_maps"] = hookimpl(_register_maps)
    with pytest.warns(DeprecationWarning, match=r"register_maps goes in abah 9\.0: Use"):
        Hooks().register("peta", plugin)
    reference = hookdocs.render()
    assert "Since 0.1.\n\n**Deprecated, goes in 9.0.** Use `register_atlas`." in reference
    assert "**Argument `scale` is deprecated, goes in 9.0.** Ask the `sheet`." in reference


def _register_maps() -> list[str]:
    return []


@pytest.mark.parametrize(
    "facts",
    [
        {"deprecated": "Use another."},
        {"remove_in": "0.3"},
        {"deprecated": "Use another.", "remove_in": "0.1"},
    ],
)
def test_a_lifetime_that_contradicts_itself_is_refused(
    database_kind: str, facts: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="remove_in"):
        Lifetime("0.1", **facts)
