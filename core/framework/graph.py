"""Which plugins can run together, and in which order.

The order is topological with ties by name, so it is the same on every machine. What cannot run is
not an exception but a named problem: the plugin is skipped and shown, and the others work. Every
problem carries the whole chain of names that leads to it.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from core.errors import AbahError
from core.framework.manifest import Manifest
from core.framework.version import CORE_VERSION
from core.i18n import TranslationString, _

__all__ = ["GraphError", "Plan", "Reason", "broken_dependency", "dependents", "resolve"]


class Reason(enum.StrEnum):
    """Why a plugin cannot run."""

    MISSING = "missing"
    """The last name of the chain is not there (or broken, or not enabled)."""
    VERSION = "version"
    CORE = "core"
    CIRCLE = "circle"
    CONFLICT = "conflict"
    BROKEN = "broken"
    """The last name of the chain is there and cannot be used."""


class GraphError(AbahError):
    """A plugin that cannot run; ``chain`` begins with it and ends at the cause."""

    def __init__(
        self, reason: Reason, chain: tuple[str, ...], explanation: TranslationString
    ) -> None:
        """Remember the facts beside the sentence."""
        self.reason = reason
        self.chain = chain
        super().__init__(explanation)


@dataclass(frozen=True, slots=True)
class Plan:
    """What can run, in load order, and what cannot, with the cause."""

    order: tuple[Manifest, ...]
    problems: Mapping[str, GraphError]


def resolve(manifests: Iterable[Manifest], *, core_version: str = CORE_VERSION) -> Plan:
    """Order plugins so that each comes after what it depends on; name those that cannot run.

    ``manifests`` are all the plugins that may run: a dependency that is not among them is missing.
    """
    known = {manifest.name: manifest for manifest in sorted(manifests, key=lambda m: m.name)}
    own = {name: _own_problem(manifest, known, core_version) for name, manifest in known.items()}
    problems: dict[str, GraphError] = {}
    for name in known:
        problem = _problem(name, known, own)
        if problem is not None:
            problems[name] = problem
    runnable = {name: manifest for name, manifest in known.items() if name not in problems}
    return Plan(order=_sorted(runnable), problems=problems)


def dependents(name: str, manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """Name the plugins that need ``name``, directly or through others, in load order.

    In a circle each needs the other and none runs: those that ``name`` needs itself are left out,
    or none of them could be let go.
    """
    known = {manifest.name: manifest for manifest in manifests}
    needs = {each: _reached(each, known) for each in known}
    own = needs.get(name, set())
    found = {each: known[each] for each in known if name in needs[each] and each not in own}
    found.pop(name, None)
    return tuple(manifest.name for manifest in _sorted(found))


def _reached(name: str, known: Mapping[str, Manifest]) -> set[str]:
    """Name everything that a plugin needs; in a circle itself too."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        for other in set(known[waiting.pop()].depends) - reached:
            reached.add(other)
            if other in known:
                waiting.append(other)
    return reached


def _sorted(manifests: Mapping[str, Manifest]) -> tuple[Manifest, ...]:
    """Sort topologically, ties by name; ``after`` gives way to a circle, a real one to names."""
    for wishes in (True, False):
        with suppress(CycleError):
            return tuple(manifests[name] for name in _topological(manifests, wishes=wishes))
    return tuple(manifests[name] for name in sorted(manifests))


def _topological(manifests: Mapping[str, Manifest], *, wishes: bool) -> list[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, manifest in manifests.items():
        before = set(manifest.depends) | (set(manifest.after) if wishes else set())
        sorter.add(name, *sorted(before & set(manifests)))
    sorter.prepare()
    order: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        name = ready.pop(0)
        order.append(name)
        sorter.done(name)
    return order


def _own_problem(
    manifest: Manifest, known: Mapping[str, Manifest], core_version: str
) -> GraphError | None:
    """Find what is wrong with a plugin itself: the core's version, a conflict."""
    name = manifest.name
    if not _fits(core_version, manifest.core):
        explanation = _(
            "Plugin ${name} membutuhkan abah ${wanted}, sedangkan yang terpasang versi ${version}. "
            "Pasang versi plugin yang cocok, atau perbarui abah.",
            mapping={"name": name, "wanted": manifest.core, "version": core_version},
        )
        return GraphError(Reason.CORE, (name,), explanation)
    rivals = sorted(
        other
        for other in known
        if other != name and (other in manifest.conflicts or name in known[other].conflicts)
    )
    if rivals:
        explanation = _(
            "Plugin ${name} tidak dapat berjalan bersama plugin ${other}. Matikan salah satunya.",
            mapping={"name": name, "other": rivals[0]},
        )
        return GraphError(Reason.CONFLICT, (name, rivals[0]), explanation)
    return None


def _problem(
    name: str, known: Mapping[str, Manifest], own: Mapping[str, GraphError | None]
) -> GraphError | None:
    """Search depth-first, dependencies by name, for the first thing that stops ``name``."""
    done: set[str] = set()

    def visit(current: str, chain: tuple[str, ...]) -> GraphError | None:
        problem = own[current]
        if problem is not None:
            return _through(chain, problem)
        for other in sorted(known[current].depends):
            if other in chain:
                return _circle(name, (*chain[chain.index(other) :], other), chain)
            if other not in known:
                return _missing(known[current], other, (*chain, other))
            if not _fits(known[other].version, known[current].depends[other]):
                return _too_old(known[current], known[other], (*chain, other))
            if other not in done:
                deeper = visit(other, (*chain, other))
                if deeper is not None:
                    return deeper
        done.add(current)
        return None

    return visit(name, (name,))


def _fits(version: str, wanted: str) -> bool:
    return SpecifierSet(wanted).contains(Version(version), prereleases=True)


def _arrows(chain: Collection[str]) -> str:
    return " → ".join(chain)


def _through(chain: tuple[str, ...], problem: GraphError) -> GraphError:
    if len(chain) == 1:
        return problem
    whole = (*chain[:-1], *problem.chain)
    explanation = _(
        "Plugin ${name} tidak dapat dijalankan karena ${chain}: ${reason}",
        mapping={
            "name": chain[0],
            "chain": _arrows(chain),
            "reason": problem.explanation,
        },
    )
    return GraphError(problem.reason, whole, explanation)


def broken_dependency(chain: tuple[str, ...], reason: TranslationString) -> GraphError:
    """Build the error for a dependency that is there and cannot be used."""
    return _through(chain, GraphError(Reason.BROKEN, chain[-1:], reason))


def _missing(needing: Manifest, other: str, chain: tuple[str, ...]) -> GraphError:
    explanation = _(
        "Plugin ${name} tidak dapat dijalankan (${chain}): plugin ${other} yang dibutuhkan "
        "${needing} tidak ada atau tidak aktif. Pasang atau aktifkan plugin ${other} lebih dahulu.",
        mapping={
            "name": chain[0],
            "chain": _arrows(chain),
            "other": other,
            "needing": needing.name,
        },
    )
    return GraphError(Reason.MISSING, chain, explanation)


def _too_old(needing: Manifest, other: Manifest, chain: tuple[str, ...]) -> GraphError:
    explanation = _(
        "Plugin ${name} tidak dapat dijalankan (${chain}): ${needing} membutuhkan ${other} "
        "${wanted}, sedangkan yang ada versi ${version}. Pasang versi keduanya yang cocok.",
        mapping={
            "name": chain[0],
            "chain": _arrows(chain),
            "needing": needing.name,
            "other": other.name,
            "wanted": needing.depends[other.name],
            "version": other.version,
        },
    )
    return GraphError(Reason.VERSION, chain, explanation)


def _circle(name: str, circle: tuple[str, ...], chain: tuple[str, ...]) -> GraphError:
    explanation = _(
        "Plugin ${name} tidak dapat dijalankan: plugin saling membutuhkan dalam lingkaran "
        "${circle}. Hapus salah satunya dari kunci depends di plugin.toml.",
        mapping={"name": name, "circle": _arrows(circle)},
    )
    return GraphError(Reason.CIRCLE, (*chain, circle[-1]), explanation)
