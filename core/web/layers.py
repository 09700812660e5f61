"""Templates in layers: a plugin extends a template of the same name, and others extend that.

``{% extends "!" %}`` means the next layer of the same name. Layers lie in load order, the core's at
the bottom; a page is rendered by the topmost. The layers of a build are known when it is made, so
rendering looks nothing up on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import BaseLoader, Environment, TemplateNotFound, TemplateSyntaxError, nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyramid.registry import Registry

__all__ = [
    "BELOW",
    "CORE",
    "CORE_TEMPLATES",
    "EXTENSIONS",
    "LAYOUTS",
    "LayeredEnvironment",
    "Layers",
    "TemplateFacts",
    "read_template",
    "set_templates",
    "template_files",
    "templates_of",
]

BELOW: Final = "!"
"""What a template calls the layer below it."""
CORE: Final = "core"
"""Owner of the lowest layer."""
CORE_TEMPLATES: Final = Path(import_module("core.templates").__path__[0])
LAYOUTS: Final = ("layouts/base.jinja2", "layouts/dialog.jinja2", "layouts/plain.jinja2")
"""What the variable ``layout`` can be."""
EXTENSIONS: Final = ("jinja2.ext.i18n",)

_KEY: Final = "abah.web.templates"


def template_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Give the name and file of every template below a folder; nothing where there is none."""
    for path in sorted(folder.rglob("*.jinja2")):
        yield path.relative_to(folder).as_posix(), path


class Layers(BaseLoader):
    """Loader of one build. ``name!owner`` is the layer of an owner, ``name`` the topmost."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._layers: dict[str, list[tuple[str, Path]]] = {}

    def add(self, owner: str, folder: Path) -> None:
        """Lay the templates of a folder on top of those that are there."""
        for name, path in template_files(folder):
            self._layers.setdefault(name, []).insert(0, (owner, path))

    def leave_out(self, owner: str, name: str) -> None:
        """Take one layer away."""
        self._layers[name] = [layer for layer in self._layers[name] if layer[0] != owner]

    def below(self, template: str) -> str:
        """Give the full name of the layer below one.

        :raises TemplateNotFound: it is the lowest.
        """
        name, _mark, owner = template.partition(BELOW)
        owners = [each for each, _path in self._layers[name]]
        position = owners.index(owner) + 1 if owner else 1
        if position == len(owners):
            raise TemplateNotFound(name, f"nothing lies below {name} of {owners[-1]}")
        return f"{name}{BELOW}{owners[position]}"

    def get_source(
        self,
        environment: Environment,  # noqa: ARG002 - Jinja gives it
        template: str,
    ) -> tuple[str, str, Callable[[], bool]]:
        """Read a layer. Its file is part of the key under which its code is kept."""
        name, _mark, owner = template.partition(BELOW)
        layers = self._layers.get(name, ())
        path = next((path for each, path in layers if owner in {"", each}), None)
        if path is None:
            raise TemplateNotFound(template)
        unchanged = partial(_is_of, path, path.stat().st_mtime_ns)
        return path.read_text(encoding="utf-8"), str(path), unchanged


def _is_of(path: Path, moment: int) -> bool:
    """Tell whether a file was last changed at a moment."""
    return path.is_file() and path.stat().st_mtime_ns == moment


class LayeredEnvironment(Environment):
    """An environment in which ``!`` is the layer below."""

    loader: Layers

    def join_path(self, template: str, parent: str) -> str:
        """Name the template that another one refers to."""
        return self.loader.below(parent) if template == BELOW else template


def set_templates(registry: Registry, environment: LayeredEnvironment) -> None:
    """Give a build its templates."""
    registry[_KEY] = environment


def templates_of(registry: Registry) -> LayeredEnvironment:
    """Return the templates of a build."""
    found: LayeredEnvironment = registry[_KEY]
    return found


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """What a template says about itself."""

    parents: tuple[str, ...] = ()
    """What it can extend, as far as that stands in it: names of templates, or :data:`BELOW`."""
    layer: bool = False
    """Whether it begins with ``{% extends "!" %}``."""
    fills: frozenset[str] = frozenset()
    """Blocks that are lost unless a parent has them: those that lie within no other block."""
    blocks: frozenset[str] = frozenset()
    """All of its blocks."""
    macros: frozenset[str] = frozenset()
    """What can be imported from it."""
    error: tuple[int, str] | None = None
    """Line and reason where it cannot be understood."""


def read_template(path: Path) -> TemplateFacts:
    """Find out what a template extends and what it brings; it is not rendered."""
    return _read(path, path.stat().st_mtime_ns)


_PARSER: Final = Environment(extensions=EXTENSIONS, autoescape=True)


@lru_cache(maxsize=1024)
def _read(path: Path, _changed: int) -> TemplateFacts:
    try:
        tree = _PARSER.parse(path.read_text(encoding="utf-8"))
    except TemplateSyntaxError as error:
        return TemplateFacts(error=(error.lineno, error.message or ""))
    except UnicodeDecodeError as error:
        return TemplateFacts(error=(1, str(error)))
    extended = [node.template for node in tree.find_all(nodes.Extends)]
    first = next((node for node in tree.body if not _is_blank(node)), None)
    blocks = list(tree.find_all(nodes.Block))
    inner = {each.name for block in blocks for each in block.find_all(nodes.Block)}
    return TemplateFacts(
        parents=tuple(name for expression in extended for name in _names(expression)),
        layer=isinstance(first, nodes.Extends) and _names(first.template) == [BELOW],
        fills=frozenset({block.name for block in blocks} - inner if extended else ()),
        blocks=frozenset(block.name for block in blocks),
        macros=frozenset(node.name for node in tree.body if isinstance(node, nodes.Macro)),
    )


def _is_blank(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Output) and all(
        isinstance(part, nodes.TemplateData) and not part.data.strip() for part in node.nodes
    )


def _names(expression: nodes.Expr) -> Sequence[str]:
    """List the templates that an expression can mean; the test of a choice is none."""
    if isinstance(expression, nodes.Const):
        return [str(expression.value)]
    if isinstance(expression, nodes.Name):
        return LAYOUTS if expression.name == "layout" else ()
    if isinstance(expression, nodes.CondExpr):
        either = [expression.expr1, *([expression.expr2] if expression.expr2 else [])]
        return [name for each in either for name in _names(each)]
    return ()
