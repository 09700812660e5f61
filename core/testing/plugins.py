"""The conformance suite of plugins: what is promised of every plugin, tried on real databases.

A plugin's tests hold one subclass, and pytest does the rest::

    from core.testing.plugins import PluginConformance


    class TestPeta(PluginConformance):
        plugin = "peta"

Each test is one promise and belongs to a grade. ``abah plugins check`` runs all of them together
with the plugin's own tests and computes the grade: bronze when everything of bronze passed, silver
when everything of silver did too, then gold. What could not be tried (no PostgreSQL, no Chromium)
is not counted as passed.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import pytest

from core.testing.checks.channels import channel_problems
from core.testing.checks.documents import document_problems
from core.testing.checks.fences import fence_problems
from core.testing.checks.imports import import_problems
from core.testing.checks.leaving import disable_problems, purge_problems
from core.testing.checks.lifecycle import lifecycle_problems
from core.testing.checks.manifest import manifest_problems
from core.testing.checks.own import test_problems
from core.testing.checks.pages import permission_problems, route_problems
from core.testing.checks.screens import screen_problems
from core.testing.checks.templates import template_problems
from core.testing.checks.texts import text_problems
from core.testing.fixtures import test_settings
from core.testing.places import bundled, found_plugins, own_tests
from core.testing.screens import NoBrowserError, Screens
from core.testing.specimen import Specimen, deployed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.framework.manifest import Manifest
    from core.testing.databases import DatabaseFactory

__all__ = ["GRADES", "PluginConformance", "grade"]

Grade = Literal["bronze", "silver", "gold"]

GRADES: Final[tuple[Grade, ...]] = ("bronze", "silver", "gold")
"""The lowest first."""


def grade(name: Grade) -> pytest.MarkDecorator:
    """Mark a check as one that this grade asks for."""
    return pytest.mark.grade(name)


def clean(problems: list[str]) -> None:
    """Fail with every problem in one sentence each."""
    if problems:
        pytest.fail("; ".join(problems), pytrace=False)


class PluginConformance:
    """The suite. Subclass it, name the plugin, and let pytest collect the subclass."""

    plugin: ClassVar[str]
    """Name of the plugin, as in its ``plugin.toml``."""

    @pytest.fixture(scope="class")
    @classmethod
    def manifest(cls) -> Manifest:
        """Give what the plugin says of itself."""
        found = found_plugins().get(cls.plugin)
        if found is None or found.manifest is None:
            pytest.fail("; ".join(manifest_problems(cls.plugin, found)), pytrace=False)
        return found.manifest

    @pytest.fixture(scope="class")
    @classmethod
    def specimen(
        cls, manifest: Manifest, database_factories: Callable[[str], DatabaseFactory]
    ) -> Iterator[Specimen]:
        """Give the plugin as it is after an install; nothing is changed in it."""
        with deployed(manifest, database_factories("sqlite"), test_settings) as specimen:
            yield specimen

    @pytest.fixture(params=["sqlite", "postgresql"])
    def uninstalled(
        self,
        manifest: Manifest,
        request: pytest.FixtureRequest,
        database_factories: Callable[[str], DatabaseFactory],
    ) -> Iterator[Specimen]:
        """Give a database of each kind with what the plugin needs, for the test to change."""
        factory = database_factories(request.param)
        if request.param == "postgresql":
            try:
                factory.server  # noqa: B018 - it starts here
            except Exception as error:  # noqa: BLE001 - there are many ways not to be there
                pytest.skip(f"PostgreSQL cannot be started: {error}")
        with deployed(manifest, factory, test_settings, install=False) as specimen:
            yield specimen

    @classmethod
    def _tests(cls, manifest: Manifest) -> Path:
        """Find the plugin's own tests; those of an installed one lie where this class was found."""
        return own_tests(manifest) or Path(inspect.getfile(cls)).parent

    @grade("bronze")
    def test_manifest(self) -> None:
        """``plugin.toml`` can be read and says everything that an administrator wants to know."""
        clean(manifest_problems(self.plugin, found_plugins().get(self.plugin)))

    @grade("bronze")
    def test_imports(self, manifest: Manifest) -> None:
        """Only what is promised or declared is imported, inside functions too."""
        # What lies in this repository is tested together with the core.
        tests = None if self.plugin in bundled() else self._tests(manifest)
        clean(import_problems(manifest, found_plugins(), tests))

    @grade("bronze")
    def test_routes(self, specimen: Specimen) -> None:
        """Routes are named after the plugin and lie below its prefix."""
        clean(route_problems(specimen))

    @grade("bronze")
    def test_permissions(self, specimen: Specimen) -> None:
        """Every view asks for a permission that a manifest declares, or is public on purpose."""
        clean(permission_problems(specimen))

    @grade("bronze")
    def test_has_tests(self, manifest: Manifest) -> None:
        """The plugin has tests of its own, besides this suite."""
        clean(test_problems(self._tests(manifest)))

    @grade("silver")
    def test_lifecycle(self, uninstalled: Specimen) -> None:
        """Tables have the plugin's prefix, fit its models, and survive every way down and up."""
        clean(lifecycle_problems(uninstalled))

    @grade("silver")
    def test_templates(self, specimen: Specimen) -> None:
        """Every template that is named exists; an install has seen that each compiles."""
        clean(template_problems(specimen))

    @grade("silver")
    def test_texts(self, specimen: Specimen) -> None:
        """Every text that a person reads is there in each language."""
        clean(text_problems(specimen))

    @grade("silver")
    def test_channels(self, specimen: Specimen, manifest: Manifest) -> None:
        """What carries messages is named after the plugin and held to the suite of channels."""
        clean(channel_problems(specimen, self._tests(manifest)))

    @grade("gold")
    def test_fences(self, specimen: Specimen) -> None:
        """Whatever of the plugin raises: pages and work of the others go on."""
        clean(fence_problems(specimen))

    @grade("gold")
    def test_disable(
        self, manifest: Manifest, database_factories: Callable[[str], DatabaseFactory]
    ) -> None:
        """Disabled, nothing of it is at work, its data stay, and no page misses it."""
        with deployed(manifest, database_factories("sqlite"), test_settings) as specimen:
            clean(disable_problems(specimen))

    @grade("gold")
    def test_purge(self, uninstalled: Specimen) -> None:
        """Purged, the database is as it was before the install."""
        clean(purge_problems(uninstalled))

    @grade("gold")
    def test_documents(self, specimen: Specimen) -> None:
        """README.md names every permission, setting and command; hooks have docstrings."""
        clean(document_problems(specimen))

    @grade("gold")
    def test_screens(self, specimen: Specimen, screens: Screens) -> None:
        """Axe finds nothing on its pages, on a phone and on a desk, light and dark."""
        try:
            clean(screen_problems(specimen, screens))
        except NoBrowserError as error:
            pytest.skip(str(error))
