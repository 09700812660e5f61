"""The plugin's own tests, read from their syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ["CHANNEL_SUITE", "has_channel_suite", "test_problems"]

CHANNEL_SUITE = "ChannelConformance"


def test_problems(tests: Path | None) -> list[str]:
    """Tell where there is no test at all."""
    if tests is None:
        return ["no tests were found: they lie in tests/ of the package or of its project"]
    if not any(_is_test(node) for tree in _trees(tests) for node in ast.walk(tree)):
        return [f"there is no test in {tests.name}/ besides the conformance suite"]
    return []


test_problems.__test__ = False  # type: ignore[attr-defined]


def has_channel_suite(tests: Path | None) -> bool:
    """Tell whether some class of the tests is held to the suite of channels."""
    return tests is not None and any(
        _has_base(node, CHANNEL_SUITE) for tree in _trees(tests) for node in ast.walk(tree)
    )


def _trees(tests: Path) -> list[ast.Module]:
    files = [tests] if tests.is_file() else sorted(tests.rglob("test_*.py"))
    return [ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in files]


def _is_test(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name.startswith("test")
    return _has_base(node, CHANNEL_SUITE)


def _has_base(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        getattr(base, "id", getattr(base, "attr", "")) == name for base in node.bases
    )
