"""What a manifest must say, beyond being readable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from core.framework.version import CORE_VERSION
from core.i18n import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.framework.discovery import FoundPlugin
    from core.framework.manifest import Manifest

__all__ = ["manifest_problems"]


def manifest_problems(name: str, found: FoundPlugin | None) -> list[str]:
    """Tell what is wrong with, or missing from, ``plugin.toml``.

    That versions follow PEP 440, that files exist and that names of permissions and menus begin
    with the plugin's is seen while it is read.
    """
    if found is None:
        return [f"no plugin named {name} was found"]
    if found.manifest is None or found.error is not None:
        return [plain(found.error) if found.error else "plugin.toml cannot be read"]
    return list(_missing(found.manifest))


def _missing(manifest: Manifest) -> Iterator[str]:
    if not manifest.category:
        yield "category is missing"
    if not manifest.core:
        yield 'core is missing, as ">=0.1,<1"'
    elif not SpecifierSet(manifest.core).contains(CORE_VERSION, prereleases=True):
        yield f"core {manifest.core} does not take in this version, {CORE_VERSION}"
    yield from (
        f"depends.{other} names no range of versions"
        for other, wanted in manifest.depends.items()
        if not wanted
    )
