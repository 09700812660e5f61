"""The tables of docs/plugins/templates.md say which slots and blocks there are, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from core.web.layers import EXTENSIONS, read_template, template_files

ROOT = Path(__file__).parents[2]
FILES = {
    name: path
    for folder in (ROOT / "templates", *sorted(ROOT.glob("plugins/*/templates")))
    for name, path in template_files(folder)
}
PARSER = Environment(extensions=EXTENSIONS, autoescape=True)

Row = tuple[str, str]


def table(heading: str) -> Iterator[list[str]]:
    """Give the rows of the table whose first column is called so."""
    text = (ROOT / "docs" / "plugins" / "templates.md").read_text(encoding="utf-8")
    lines = text.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    for line in lines:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def pairs(rows: Iterable[list[str]]) -> list[Row]:
    return sorted((names(row[0])[0], name) for row in rows for name in names(row[1]))


def slots() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Give place, template and variables of every slot that is printed."""
    for name, path in FILES.items():
        tree = PARSER.parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "slot":
                place = call.args[0].as_const()
                yield place, name, frozenset(each.key for each in call.kwargs)


def inherited(name: str) -> set[str]:
    parents = read_template(FILES[name]).parents
    return {
        block
        for parent in parents
        for block in read_template(FILES[parent]).blocks | inherited(parent)
    }


def test_every_slot_is_in_the_table_with_its_variables() -> None:
    printed = list(slots())
    rows = list(table("place"))
    assert pairs(rows) == sorted({(place, name) for place, name, _variables in printed})
    told = {names(row[0])[0]: set(names(row[2])) for row in rows}
    assert all(told[place] == variables for place, _name, variables in printed)


def test_every_block_that_others_inherit_is_in_the_table() -> None:
    """Those of templates that are extended, and of those that extend nothing: for layers alone."""
    facts = {name: read_template(path) for name, path in FILES.items()}
    extended = {parent for each in facts.values() for parent in each.parents}
    own = {
        (block, name)
        for name, each in facts.items()
        if name in extended or not each.parents
        for block in each.blocks
        # A layout repeats blocks of what it extends, around others of its own.
        if name.startswith("layouts/") or block not in inherited(name)
    }
    assert pairs(table("block")) == sorted(own)
