"""What a plugin imports, read from its syntax trees: inside functions too, and by name."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from importlib.metadata import (
    Distribution,
    distribution,
    entry_points,
    packages_distributions,
)
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.framework.discovery import ENTRY_POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from core.framework.discovery import FoundPlugin
    from core.framework.manifest import Manifest

__all__ = ["import_problems", "imports_of", "sources"]

PROMISED: Final = "core.api"
FOR_TESTS: Final = "core.testing"
BY_NAME: Final = frozenset({"import_module", "__import__"})


@dataclass(frozen=True, slots=True)
class Import:
    """A module that a file asks for."""

    module: str
    line: int


def import_problems(
    manifest: Manifest, found: Mapping[str, FoundPlugin], tests: Path | None = None
) -> list[str]:
    """Tell which imports are not declared, in the plugin and in its ``tests``.

    Allowed are the standard library, ``core.api``, the distributions that its own one requires
    (those of abah itself where it has none), and ``api`` of the plugins in ``[depends]``. Tests may
    use ``core.testing`` and whatever is installed besides.
    """
    rules = _Rules(manifest, found)
    problems = [
        f"{path.relative_to(manifest.directory)}:{one.line} imports {one.module}: {problem}"
        for path in sources(manifest.directory)
        for one in imports_of(path, _module(manifest, path))
        if (problem := rules.problem(one.module))
    ]
    if tests is not None:
        problems += [
            f"{tests.name}/{path.relative_to(tests)}:{one.line} imports {one.module}: {problem}"
            for path in sorted(tests.rglob("*.py"))
            for one in imports_of(path, f"{manifest.package}.{path.stem}")
            if (problem := rules.problem(one.module, in_tests=True))
        ]
    return problems


def sources(directory: Path) -> list[Path]:
    """List the Python files of a plugin, without its tests."""
    return [
        path
        for path in sorted(directory.rglob("*.py"))
        if path.relative_to(directory).parts[0] != "tests"
    ]


def imports_of(path: Path, module: str) -> Iterator[Import]:
    """Give every module that a file imports; ``module`` is its own name."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        match node:
            case ast.Import():
                yield from (Import(alias.name, node.lineno) for alias in node.names)
            case ast.ImportFrom():
                base = _absolute(node, package)
                yield from (
                    Import(f"{base}.{alias.name}" if base else alias.name, node.lineno)
                    for alias in node.names
                )
            case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if (
                getattr(function, "id", getattr(function, "attr", "")) in BY_NAME
            ):
                yield Import(name, node.lineno)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1])
    return f"{base}.{node.module}" if node.module else base


def _module(manifest: Manifest, path: Path) -> str:
    parts = path.relative_to(manifest.directory).with_suffix("").parts
    inside = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join((manifest.package, *inside))


def _below(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


class _Rules:
    """What one plugin may import."""

    def __init__(self, manifest: Manifest, found: Mapping[str, FoundPlugin]) -> None:
        self._manifest = manifest
        self._packages = {
            plugin.manifest.package: name
            for name, plugin in found.items()
            if plugin.manifest is not None and name != manifest.name
        }
        self._brought = packages_distributions()
        self._declared = _requirements(_distribution(manifest))

    def problem(self, module: str, *, in_tests: bool = False) -> str:
        """Say why a module may not be imported; nothing where it may."""
        top = module.partition(".")[0]
        if _below(module, self._manifest.package) or top in sys.stdlib_module_names:
            return ""
        if top == "core":
            allowed = _below(module, PROMISED) or (in_tests and _below(module, FOR_TESTS))
            return "" if allowed else f"only {PROMISED} is promised to plugins"
        for package, name in self._packages.items():
            if _below(module, package):
                return self._other_plugin(module, package, name)
        if top == "plugins":
            return "there is no such plugin"
        return "" if in_tests or self._is_declared(top) else "no declared requirement brings it"

    def _other_plugin(self, module: str, package: str, name: str) -> str:
        if name not in self._manifest.depends:
            return f"plugin {name} is not among its [depends]"
        return "" if _below(module, f"{package}.api") else f"of plugin {name} only {package}.api"

    def _is_declared(self, top: str) -> bool:
        return any(canonicalize_name(name) in self._declared for name in self._brought.get(top, ()))


def _distribution(manifest: Manifest) -> Distribution:
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == manifest.name and point.module == manifest.module and point.dist:
            return point.dist
    return distribution("abah")


def _requirements(owner: Distribution) -> frozenset[str]:
    wanted = map(Requirement, owner.requires or ())
    return frozenset(
        canonicalize_name(one.name)
        for one in wanted
        if one.marker is None or one.marker.evaluate({"extra": ""})
    )
