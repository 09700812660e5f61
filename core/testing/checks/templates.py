"""Templates: each compiles, and whatever is named is there."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError, meta
from pyramid_jinja2 import IJinja2Environment

from core.testing.checks.imports import sources
from core.testing.checks.pages import registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment

    from core.testing.specimen import Site, Specimen

__all__ = ["template_problems"]

NAME: Final = re.compile(r"[\w./-]+\.jinja2")

NEXT_LAYER: Final = "!"
"""What a template extends that changes another one of the same name."""


def template_problems(specimen: Specimen) -> list[str]:
    """Tell which templates cannot be compiled, lie in a foreign folder, or name one that is not."""
    environment = _environment(specimen.site)
    others = _environment(specimen.without)
    return [
        *_own(specimen, environment, others),
        *(
            f"{place} uses the template {name}, which does not exist"
            for place, name in sorted(set(_named(specimen)))
            if not _exists(environment, name)
        ),
    ]


def _environment(site: Site) -> Environment:
    found: Environment = site.router.registry.getUtility(IJinja2Environment, name=".jinja2")
    return found


def _own(specimen: Specimen, environment: Environment, others: Environment) -> Iterator[str]:
    folder = specimen.manifest.directory / "templates"
    for path in sorted(folder.rglob("*.jinja2")):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(f"{specimen.name}/") and not _exists(others, name):
            yield f"template {name} must lie in {specimen.name}/: it changes none that exists"
        source = path.read_text(encoding="utf-8")
        try:
            environment.compile(source, name, str(path))
        except TemplateSyntaxError as error:
            yield f"template {name}:{error.lineno} cannot be compiled: {error.message}"
            continue
        for other in meta.find_referenced_templates(environment.parse(source)):
            if other not in {None, NEXT_LAYER} and not _exists(environment, str(other)):
                yield f"template {name} uses {other}, which does not exist"


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
