"""Finding out whether the templates of plugins fit those that they extend.

Jinja drops an override of a block that no longer exists without a word, and a file of the same name
hides another without a word. Here both are errors that name plugin, template and block.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import TemplateSyntaxError

from core.errors import AbahError
from core.framework.manifest import Manifest
from core.i18n import TranslationString, _
from core.web.layers import (
    BELOW,
    CORE,
    CORE_TEMPLATES,
    LayeredEnvironment,
    TemplateFacts,
    read_template,
    template_files,
)

__all__ = ["TemplateError", "compile_templates", "layer_problems", "template_problems"]


class TemplateError(AbahError):
    """A template that cannot be used as it is."""

    def __init__(
        self, plugin: str, template: str, explanation: TranslationString, *, owner: str = ""
    ) -> None:
        """Remember whose it is; ``owner`` is the plugin (or ``core``) whose template it extends."""
        self.plugin = plugin
        self.template = template
        self.owner = owner
        super().__init__(explanation)

    @property
    def concerns(self) -> frozenset[str]:
        """Both plugins, that of the template and that of what it extends."""
        return frozenset({self.plugin, self.owner})


def layer_problems(manifests: Sequence[Manifest]) -> list[TemplateError]:
    """Find the layers that cannot be laid on what is below; ``manifests`` are in load order.

    A build leaves them out, so each counts as absent for those above it.
    """
    return _Layers(manifests).problems


def template_problems(manifests: Sequence[Manifest]) -> list[TemplateError]:
    """Find what is wrong with any template of these plugins, which are in load order.

    Beside the problems of layers: mistakes, and blocks that no parent of a page has.
    """
    layers = _Layers(manifests)
    pages = (
        layers.fault(manifest, name, read_template(path))
        for manifest in manifests
        for name, path in _templates(manifest)
        if not layers.is_foreign(manifest, name)
    )
    return [*layers.problems, *(problem for problem in pages if problem is not None)]


def compile_templates(environment: LayeredEnvironment, manifest: Manifest) -> None:
    """Compile every template of a plugin with all that templates can call in one build.

    :raises TemplateError: one of them names a filter or test that does not exist.
    """
    for name, _path in _templates(manifest):
        try:
            environment.get_template(f"{name}{BELOW}{manifest.name}")
        except TemplateSyntaxError as error:
            raise _mistake(manifest, name, error.lineno, error.message or "") from error


def _templates(manifest: Manifest) -> Iterator[tuple[str, Path]]:
    return template_files(manifest.directory / "templates")


@dataclass(frozen=True, slots=True)
class _Layer:
    name: str
    """Name of the template."""
    owner: str
    facts: TemplateFacts


class _Layers:
    """The layers of some plugins over the core's, without those that cannot be used."""

    def __init__(self, manifests: Sequence[Manifest]) -> None:
        self._manifests = {one.name: one for one in manifests}
        self._place = {one.name: place for place, one in enumerate(manifests)}
        self._core = frozenset(name for name, _path in template_files(CORE_TEMPLATES))
        self._layers: dict[str, list[_Layer]] = {}
        """By name of the template, the lowest first."""
        self.problems: list[TemplateError] = []
        for manifest in manifests:
            for name, path in _templates(manifest):
                if self.is_foreign(manifest, name):
                    self._lay(manifest, name, read_template(path))

    def is_foreign(self, manifest: Manifest, name: str) -> bool:
        """Tell whether a template is somebody else's: not in the plugin's folder, or the core's."""
        return self._owner(name) != manifest.name

    def fault(self, manifest: Manifest, name: str, facts: TemplateFacts) -> TemplateError | None:
        """Find a mistake in a template, or a block or macro of it that would be lost."""
        if facts.error is not None:
            return _mistake(manifest, name, *facts.error)
        reach = self._reach(manifest)
        below = list(self._ancestors(_Layer(name, manifest.name, facts), reach))
        if facts.layer and not below:
            text = _(
                "Templat ${template} dari plugin ${name} memperluas templat yang tidak ada pada "
                "${owner}.",
                mapping=self._names(manifest, name),
            )
            return TemplateError(manifest.name, name, text, owner=self._owner(name))
        there = {block for each in below for block in each.facts.blocks}
        if not facts.fills <= there:
            return self._lost(manifest, name, facts, there)
        hidden = facts.macros & {macro for each in below for macro in each.facts.macros}
        if facts.layer and hidden:
            text = _(
                "Templat ${template} dari plugin ${name} mendefinisikan makro ${macro}, yang sudah "
                "ada pada templat yang diperluasnya dan tidak dapat diganti. Pakai nama lain.",
                mapping={**self._names(manifest, name), "macro": ", ".join(sorted(hidden))},
            )
            return TemplateError(manifest.name, name, text, owner=self._owner(name))
        return None

    def _owner(self, name: str) -> str:
        """Say whose a template is: the core's, or of the plugin that its folder is named after."""
        return CORE if name in self._core else name.partition("/")[0]

    def _names(self, manifest: Manifest, name: str) -> dict[str, str]:
        return {"template": name, "name": manifest.name, "owner": self._owner(name)}

    def _lay(self, manifest: Manifest, name: str, facts: TemplateFacts) -> None:
        """Put a layer on top where it fits, else note why it does not."""
        problem = self._misplaced(manifest, name, facts)
        owner = self._owner(name)
        if problem is None and owner != CORE and owner not in self._manifests:
            # What it comes after is not here, so nobody shows this template.
            return
        problem = problem or self.fault(manifest, name, facts)
        if problem is None:
            self._stack(name).append(_Layer(name, manifest.name, facts))
        else:
            self.problems.append(problem)

    def _misplaced(
        self, manifest: Manifest, name: str, facts: TemplateFacts
    ) -> TemplateError | None:
        """Find out why a plugin may not have a template of this name."""
        owner = self._owner(name)
        if facts.error is not None:
            return _mistake(manifest, name, *facts.error)
        if not facts.layer:
            text = _(
                "Templat ${template} dari plugin ${name} menutupi milik ${owner}. Awali dengan "
                'extends "!" lalu isi bloknya; templat sendiri diletakkan di templates/${name}/.',
                mapping=self._names(manifest, name),
            )
            return TemplateError(manifest.name, name, text, owner=owner)
        absent = owner not in self._manifests and owner in manifest.after
        if owner in self._reach(manifest) or absent:
            return None
        text = _(
            "Templat ${template} dari plugin ${name} memperluas milik ${owner}. Tulis ${owner} di "
            "[depends], atau di after bila tidak selalu dibutuhkan.",
            mapping=self._names(manifest, name),
        )
        return TemplateError(manifest.name, name, text, owner=owner)

    def _stack(self, name: str) -> list[_Layer]:
        """Return the layers of a name, the lowest first: that of its owner, where it is here."""
        if name not in self._layers:
            owner = self._owner(name)
            folder = CORE_TEMPLATES if owner == CORE else self._folder(owner)
            there = folder is not None and (folder / name).is_file()
            layers = [_Layer(name, owner, read_template(folder / name))] if folder and there else []
            self._layers[name] = layers
        return self._layers[name]

    def _folder(self, owner: str) -> Path | None:
        manifest = self._manifests.get(owner)
        return None if manifest is None else manifest.directory / "templates"

    def _reach(self, manifest: Manifest) -> Collection[str]:
        """Name the owners that a plugin builds on: what it needs, and what it comes after.

        A block of anybody else is not counted upon: it may go without a word.
        """
        reached = {CORE, manifest.name}
        waiting = [*manifest.depends, *manifest.after]
        place = self._place[manifest.name]
        while waiting:
            name = waiting.pop()
            # The wish to come after somebody gives way to a circle.
            if name not in reached and self._place.get(name, place) < place:
                reached.add(name)
                waiting += self._manifests[name].depends
        return reached

    def _ancestors(
        self, layer: _Layer, reach: Collection[str], seen: frozenset[_Layer] = frozenset()
    ) -> Iterator[_Layer]:
        """Give all that a template extends, directly or not, without layers of unrelated owners."""
        for parent in layer.facts.parents:
            stack = self._stack(layer.name if parent == BELOW else parent)
            if parent == BELOW and layer in stack:
                stack = stack[: stack.index(layer)]
            found = next((each for each in reversed(stack) if each.owner in reach), None)
            if found is not None and found not in seen:
                yield found
                yield from self._ancestors(found, reach, seen | {found})

    def _lost(
        self, manifest: Manifest, name: str, facts: TemplateFacts, there: Collection[str]
    ) -> TemplateError:
        target = name if facts.layer else ", ".join(facts.parents) or "?"
        owner = self._owner(target)
        text = _(
            "Templat ${template} dari plugin ${name} mengisi blok ${block}, yang tidak ada pada "
            "templat ${target} milik ${owner}. Blok yang ada: ${blocks}.",
            mapping={
                **self._names(manifest, name),
                "block": ", ".join(sorted(facts.fills - set(there))),
                "target": target,
                "owner": owner,
                "blocks": ", ".join(sorted(there)) or "-",
            },
        )
        return TemplateError(manifest.name, name, text, owner=owner)


def _mistake(manifest: Manifest, name: str, line: int, reason: str) -> TemplateError:
    text = _(
        "Templat ${template} dari plugin ${name} salah pada baris ${line}: ${reason}",
        mapping={"template": name, "name": manifest.name, "line": line, "reason": reason},
    )
    return TemplateError(manifest.name, name, text)
