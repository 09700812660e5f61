"""Templates: whatever is named is there."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from jinja2 import TemplateNotFound, meta

from core.testing.checks.imports import sources
from core.testing.checks.pages import registered
from core.web.layers import BELOW, template_files, templates_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment

    from core.testing.specimen import Specimen

__all__ = ["template_problems"]

NAME: Final = re.compile(r"[\w./-]+\.jinja2")


def template_problems(specimen: Specimen) -> list[str]:
    """Tell who names a template that does not exist.

    That each compiles, and fits the layer below it, is seen when the plugin is installed.
    """
    environment = templates_of(specimen.site.router.registry)
    return [
        f"{place} uses the template {name}, which does not exist"
        for place, name in sorted(set(_named(specimen, environment)))
        if not _exists(environment, name)
    ]


def _exists(environment: Environment, name: str) -> bool:
    try:
        environment.get_template(name)
    except TemplateNotFound:
        return False
    return True


def _named(specimen: Specimen, environment: Environment) -> Iterator[tuple[str, str]]:
    for file, path in template_files(specimen.manifest.directory / "templates"):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        found = meta.find_referenced_templates(tree)
        yield from ((file, name) for name in found if name not in {None, BELOW})
    yield from (
        (f"the view of {page.route}", page.template) for page in specimen.pages if page.template
    )
    for hook, answer in registered(specimen):
        name = getattr(answer, "template", None)
        if isinstance(name, str):
            yield hook, name
    for path in sources(specimen.manifest.directory):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and NAME.fullmatch(node.value)
            ):
                yield path.name, node.value
