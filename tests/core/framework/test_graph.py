"""Load order is the same everywhere, and what cannot run names the whole chain."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.framework.graph import Reason, dependents, resolve
from core.framework.manifest import Manifest


def plugin(name: str, *depends: str, version: str = "1.0", **more: Any) -> Manifest:
    wanted = dict(item.partition(" ")[::2] for item in depends)
    return Manifest(
        name=name,
        version=version,
        summary="",
        directory=Path(),
        package=f"plugins.{name}",
        module=f"plugins.{name}.plugin",
        depends=wanted,
        **more,
    )


def names(manifests: tuple[Manifest, ...]) -> list[str]:
    return [manifest.name for manifest in manifests]


def test_dependencies_come_first_and_ties_go_by_name() -> None:
    plan = resolve(
        [plugin("zebra"), plugin("ayam", "zebra"), plugin("badak"), plugin("cicak", "ayam")]
    )
    assert names(plan.order) == ["badak", "zebra", "ayam", "cicak"]
    assert not plan.problems


def test_after_is_a_wish_that_orders_without_requiring() -> None:
    plan = resolve([plugin("a", after=("z", "tidak_ada")), plugin("z")])
    assert names(plan.order) == ["z", "a"]
    circle = resolve([plugin("a", after=("b",)), plugin("b", after=("a",))])
    assert names(circle.order) == ["a", "b"]


@given(st.randoms(use_true_random=False), st.integers(2, 12))
def test_the_order_does_not_depend_on_how_plugins_were_found(rng: random.Random, size: int) -> None:
    plugins = [
        plugin(f"p{index}", *[f"p{other}" for other in range(index) if rng.random() < 0.3])
        for index in range(size)
    ]
    first = names(resolve(plugins).order)
    rng.shuffle(plugins)
    assert names(resolve(plugins).order) == first
    for manifest in plugins:
        assert all(first.index(other) < first.index(manifest.name) for other in manifest.depends)


def test_a_missing_dependency_names_the_whole_chain_and_leaves_the_rest_alone() -> None:
    plan = resolve([plugin("a", "b"), plugin("b", "c"), plugin("c", "hilang"), plugin("d")])
    assert names(plan.order) == ["d"]
    assert plan.problems["a"].reason is Reason.MISSING
    assert plan.problems["a"].chain == ("a", "b", "c", "hilang")
    assert "a → b → c → hilang" in str(plan.problems["a"])
    assert plan.problems["c"].chain == ("c", "hilang")


def test_a_too_old_dependency_names_both_versions() -> None:
    plan = resolve([plugin("a", "b"), plugin("b", "c >=2"), plugin("c", version="1.9")])
    assert names(plan.order) == ["c"]
    problem = plan.problems["a"]
    assert problem.reason is Reason.VERSION
    assert problem.chain == ("a", "b", "c")
    assert ">=2" in str(problem)
    assert "1.9" in str(problem)


def test_a_circle_is_named_whole() -> None:
    plan = resolve([plugin("a", "b"), plugin("b", "c"), plugin("c", "a"), plugin("d", "a")])
    assert not plan.order
    assert plan.problems["b"].reason is Reason.CIRCLE
    assert "b → c → a → b" in str(plan.problems["b"])
    assert plan.problems["d"].chain[:2] == ("d", "a")


def test_a_core_of_another_version_is_named() -> None:
    plan = resolve([plugin("a", core=">=2"), plugin("b", "a")], core_version="1.5")
    assert plan.problems["a"].reason is Reason.CORE
    assert plan.problems["b"].chain == ("b", "a")
    assert "1.5" in str(plan.problems["b"])


def test_plugins_in_conflict_are_both_named() -> None:
    plan = resolve([plugin("a", conflicts=("b",)), plugin("b"), plugin("c")])
    assert names(plan.order) == ["c"]
    assert plan.problems["b"].chain == ("b", "a")
    assert plan.problems["a"].chain == ("a", "b")


def test_a_development_version_counts() -> None:
    plan = resolve([plugin("a", "b >=1.0a1"), plugin("b", version="1.1.dev3")], core_version="1.0")
    assert names(plan.order) == ["b", "a"]


def test_dependents_are_found_through_others_in_load_order() -> None:
    plugins = [plugin("a"), plugin("b", "a"), plugin("c", "b"), plugin("d")]
    assert dependents("a", plugins) == ("b", "c")
    assert dependents("c", plugins) == ()


def test_a_circle_can_be_taken_apart_and_hinders_nobody_else() -> None:
    circle = [plugin("a", "b"), plugin("b", "a"), plugin("c", "a"), plugin("d"), plugin("e", "d")]
    assert dependents("a", circle) == ("c",)
    assert dependents("b", circle) == ("c",)
    assert dependents("d", circle) == ("e",)
    assert dependents("d", [*circle, plugin("x", "d", "y"), plugin("y", "x")]) == ("e", "x", "y")
