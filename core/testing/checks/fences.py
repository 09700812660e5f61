"""A plugin in which everything raises: pages and workers of the others go on."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from structlog.testing import capture_logs

from core.hookspecs.web import Slot
from core.jobs.registry import sweep, sweep_of, task, task_of
from core.jobs.runner import Jobs
from core.jobs.sweeper import Sweeper
from core.testing.specimen import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from core.framework.runtime import Runtime
    from core.testing.specimen import Specimen

__all__ = ["BrokenOnPurposeError", "failing_pages", "fence_problems"]


class BrokenOnPurposeError(Exception):
    """What the suite lets a plugin's own code raise."""


def fence_problems(specimen: Specimen) -> list[str]:
    """Tell what goes down together with the plugin."""
    # What fails on purpose fills no log.
    with capture_logs():
        return [
            *_pieces(specimen),
            *_work(specimen),
            *_registrations(specimen),
        ]


def failing_pages(site: Site) -> Iterator[str]:
    """Open every page that needs nothing filled in as an Admin, and name those that fail."""
    admin = site.admin()
    for path in sorted({str(page.path) for page in site.pages if page.shown}):
        status = admin.get(path, status="*").status_int
        if status >= 500:  # noqa: PLR2004 - the server's own fault begins here
            yield f"{path} answers {status}"


def _raising(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def fail(*_args: object, **_named: object) -> Any:
        raise BrokenOnPurposeError(function.__name__)

    return fail


def _answering(function: Callable[..., Any], answer: object) -> Callable[..., Any]:
    @wraps(function)
    def give() -> object:
        return answer

    return give


def _double(specimen: Specimen, changed: Mapping[str, Callable[..., Any]]) -> ModuleType:
    """Make a plugin that answers as this one does, but for what is ``changed``."""
    double = ModuleType(specimen.module.__name__)
    for name in specimen.hooks:
        setattr(double, name, changed.get(name, getattr(specimen.module, name)))
    return double


def _runtime_with(specimen: Specimen, changed: Mapping[str, Callable[..., Any]]) -> Runtime:
    runtime = specimen.open()
    runtime.hooks.unregister(specimen.name)
    runtime.hooks.register(specimen.name, _double(specimen, changed))
    return runtime


def _pieces(specimen: Specimen) -> Iterator[str]:
    """Let each of its pieces of other pages fail, and open every page."""
    slots = [slot for slot in _given(specimen, "register_slots") if isinstance(slot, Slot)]
    if not slots:
        return
    broken = [replace(slot, variables=_raising(_variables), permission=None) for slot in slots]
    function = specimen.module.register_slots
    runtime = _runtime_with(specimen, {"register_slots": _answering(function, broken)})
    for problem in failing_pages(Site(runtime)):
        yield f"when its slots fail, {problem}"


def _variables() -> None:
    """Stand for what a slot asks for its variables."""


def _work(specimen: Specimen) -> Iterator[str]:
    """Let its tasks, sweeps and what the clock starts fail."""
    tasks = [task_of(each) for each in _given(specimen, "register_tasks")]
    sweeps = [sweep_of(each) for each in _given(specimen, "register_sweeps")]
    changed = {}
    if tasks:
        failing = [task(each.name)(_raising(each.run)) for each in tasks]
        changed["register_tasks"] = _answering(specimen.module.register_tasks, failing)
    if sweeps:
        regular = [sweep(each.name, every=each.every)(_raising(each.run)) for each in sweeps]
        changed["register_sweeps"] = _answering(specimen.module.register_sweeps, regular)
    runtime = _runtime_with(specimen, changed)
    jobs = runtime.component(Jobs)
    known = jobs.tasks()
    for each in tasks:
        if each.name not in known:
            yield f"task {each.name} is refused: it must be called {specimen.name}.…"
        else:
            jobs.run(each.name)
    Sweeper(runtime).run_all()
    work = [f"task {each.name}" for each in tasks if each.name in known]
    for place in [*work, *(f"sweep {one.name}" for one in sweeps)]:
        if not runtime.hooks.stats(specimen.name, place).failures:
            yield f"the failure of {place} is not counted against it"


def _registrations(specimen: Specimen) -> Iterator[str]:
    """Let everything fail that is asked while an application is built."""
    asked = [name for name in specimen.hooks if name.startswith(("register_", "include_"))]
    changed = {name: _raising(getattr(specimen.module, name)) for name in asked}
    for problem in failing_pages(Site(_runtime_with(specimen, changed))):
        yield f"when it cannot be included, {problem}"


def _given(specimen: Specimen, hook: str) -> Iterable[Any]:
    return (getattr(specimen.module, hook)() or ()) if hook in specimen.hooks else ()
