"""Words that a template keeps are those of the reader, not of who came first."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "templates", *sorted(ROOT.glob("plugins/*/templates")))
PARSER = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True)


def _parsed() -> dict[str, nodes.Template]:
    return {
        path.relative_to(folder).as_posix(): PARSER.parse(path.read_text(encoding="utf-8"))
        for folder in FOLDERS
        for path in folder.rglob("*.jinja2")
    }


TREES = _parsed()


def _imports(tree: nodes.Template) -> list[nodes.Import | nodes.FromImport]:
    return list(tree.find_all((nodes.Import, nodes.FromImport)))


def _target(node: nodes.Import | nodes.FromImport) -> str:
    assert isinstance(node.template, nodes.Const)
    return str(node.template.value)


def _keeps_words(tree: nodes.Template) -> bool:
    """Tell whether the module itself, outside its macros and blocks, keeps translated words."""
    sets = [node for node in tree.body if isinstance(node, (nodes.Assign, nodes.AssignBlock))]
    return any(
        isinstance(call.node, nodes.Name) and call.node.name in {"_", "gettext", "ngettext"}
        for node in sets
        for call in node.find_all(nodes.Call)
    )


def _of_one_reader() -> set[str]:
    """Return the templates that keep words, and those that import one of them."""
    found = {name for name, tree in TREES.items() if _keeps_words(tree)}
    while True:
        more = {
            name
            for name, tree in TREES.items()
            if any(_target(node) in found for node in _imports(tree))
        }
        if more <= found:
            return found
        found |= more


def test_there_are_templates_that_keep_words() -> None:
    assert "hibah/card.jinja2" in _of_one_reader()


@pytest.mark.parametrize("name", sorted(TREES))
def test_a_template_that_keeps_words_is_imported_for_each_reader(name: str) -> None:
    of_one_reader = _of_one_reader()
    for node in _imports(TREES[name]):
        assert node.with_context or _target(node) not in of_one_reader, (
            f"{name} imports {_target(node)} without context: its words would stay in the "
            "language of the first reader"
        )
