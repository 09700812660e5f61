"""The hook reference says what the code says, and no hook is undocumented or untested."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from core.cli.hookdocs import HookDoc, hook_docs, render, undocumented
from core.framework.version import CORE_VERSION
from core.hookspecs import channels
from core.hookspecs.markers import Lifetime

ROOT = Path(__file__).parents[2]


@cache
def hooks_with_a_test() -> set[str]:
    """Name the hooks that have a test of their own, ``test_hook_<name>…``, anywhere in the tree."""
    tests = {
        node.name.removeprefix("test_hook_")
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_hook_")
    }
    names = sorted((doc.name for doc in hook_docs()), key=len, reverse=True)
    # The longest name that fits, so that contacts_changed is not taken for
    # subject_contacts_changed.
    return {next((name for name in names if test.startswith(name)), "") for test in tests}


def test_the_reference_is_what_the_specifications_say() -> None:
    written = (ROOT / "docs" / "plugins" / "hooks.md").read_text(encoding="utf-8")
    assert written == render(), "run: abah docs hooks"


def test_every_hook_states_its_kind_where_its_second_paragraph_begins() -> None:
    assert undocumented() == []


def test_no_hook_outlives_the_version_that_was_to_do_without_it() -> None:
    assert [doc.name for doc in hook_docs() if doc.lifetime.over(CORE_VERSION)] == []
    going = Lifetime("0.1", "Use another.", "0.10")
    assert [version for version in ("0.9.9", "0.10.0", "1.0") if going.over(version)] == [
        "0.10.0",
        "1.0",
    ]


@pytest.mark.parametrize("name", [doc.name for doc in hook_docs()])
def test_every_hook_is_exercised_by_a_test_of_its_own(name: str) -> None:
    assert name in hooks_with_a_test(), f"write a test named test_hook_{name}"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Give.\n\n*collect* hook. Called once.", "collect"),
        ("Give.\n\n*tell* hook, called in order.", "tell"),
        ("Give.\n\nCalled once. *collect* hook.", None),
        ("Give.\n\n*listen* hook.", None),
        ("*collect* hook.", None),
        ("", None),
    ],
)
def test_the_kind_is_read_from_the_docstring_and_nowhere_else(text: str, kind: str | None) -> None:
    assert HookDoc("x", channels, "def x()", text, Lifetime("0.1")).kind == kind
