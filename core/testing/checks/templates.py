"""Templates: whatever is named is there."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from jinja2 import TemplateError, TemplateNotFound, meta

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
    """Tell which templates are named, by code or by other templates, and do not exist.

    That each compiles and fits what it extends was asked when the plugin was installed.
    """
    environment = templates_of(specimen.site.router.registry)
    named = {*_named(specimen), *_used(specimen, environment)}
    return [
        f"{place} uses the template {name}, which does not exist"
        for place, name in sorted(named)
        if not _exists(environment, name)
    ]


def _used(specimen: Specimen, environment: Environment) -> Iterator[tuple[str, str]]:
    for name, path in template_files(specimen.manifest.directory / "templates"):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        for other in meta.find_referenced_templates(tree):
            if other not in {None, BELOW}:
                yield f"template {name}", str(other)


def _exists(environment: Environment, name: str) -> bool:
    try:
        environment.get_template(name)
    except TemplateNotFound:
        return False
    except TemplateError:
        # There, and wrong: that is told where it lies.
        return True
    return True


def _named(specimen: Specimen) -> Iterator[tuple[str, str]]:
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
