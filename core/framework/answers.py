"""Asking a plugin at its install what it registers, so that a wrong answer is told there and then.

Later such an answer is met where its plugin is not known, or takes along what others registered.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import click

from core.framework.manifest import Manifest
from core.framework.runtime import Runtime
from core.framework.steps import on_check
from core.hookspecs.channels import Transport
from core.hookspecs.hibah import GrantAction
from core.hookspecs.system import SettingsSection
from core.hookspecs.web import HelpChapter, Slot
from core.jobs.registry import core_tasks, is_sweep, is_task, task_of
from core.web.layers import CORE_TEMPLATES, template_files

__all__ = ["check_answers"]


def _is(kind: type) -> Callable[[object], bool]:
    return lambda item: isinstance(item, kind)


ITEMS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "register_commands": ("click.Command", _is(click.Command)),
    "register_tasks": ("@task", is_task),
    "register_sweeps": ("@sweep", is_sweep),
    "register_slots": ("Slot", _is(Slot)),
    "register_help": ("HelpChapter", _is(HelpChapter)),
    "register_grant_actions": ("GrantAction", _is(GrantAction)),
    "register_transports": (
        "type[Transport]",
        lambda item: inspect.isclass(item) and issubclass(item, Transport),
    ),
}
"""What each hook that registers several of a kind gives, in words and as a test."""


@on_check
def check_answers(
    runtime: Runtime, manifests: Sequence[Manifest], manifest: Manifest
) -> dict[str, list[str]]:
    """Refuse a plugin whose answer to a registering hook is not of the kind that is asked for.

    What the plugin raises passes through.

    :raises TypeError: an answer, or something in it, is of another kind.
    :raises ValueError: it names a task or template that is not there, or a key twice.
    """
    for hook, (words, fits) in ITEMS.items():
        answer = _answer(runtime, manifest, hook)
        if answer is None:
            continue
        items = list(answer) if isinstance(answer, Iterable) else [answer]
        wrong = [item for item in items if not fits(item)]
        if wrong or not isinstance(answer, Iterable):
            message = f"{hook} answers {(wrong or items)[0]!r} instead of a list of {words}"
            raise TypeError(message)
    section = _answer(runtime, manifest, "register_settings")
    if not isinstance(section, SettingsSection | None):
        message = f"register_settings answers {section!r} instead of a SettingsSection"
        raise TypeError(message)
    _refuse_lost(runtime, manifests, manifest, section)
    return {}


def _refuse_lost(
    runtime: Runtime,
    manifests: Sequence[Manifest],
    manifest: Manifest,
    section: SettingsSection | None,
) -> None:
    """Refuse what names something that is not there, or hides something of its own.

    :raises ValueError: it names what is missing.
    """
    tasks = {task_of(each).name for each in _answer(runtime, manifest, "register_tasks") or ()}
    for schedule in manifest.schedules:
        if schedule.task not in tasks | set(core_tasks()):
            message = f"[[schedules]] starts {schedule.task}, which register_tasks does not give"
            raise ValueError(message)
    folders = (CORE_TEMPLATES, *(one.directory / "templates" for one in manifests))
    templates = {name for folder in folders for name, _path in template_files(folder)}
    for hook in ("register_slots", "register_help"):
        for piece in _answer(runtime, manifest, hook) or ():
            if piece.template not in templates:
                message = f"{hook} names the template {piece.template}, which does not exist"
                raise ValueError(message)
    keys = Counter(field.key for field in section.fields) if section else Counter[str]()
    for key, count in keys.items():
        if count > 1:
            message = f"register_settings gives the key {key} more than once"
            raise ValueError(message)


def _answer(runtime: Runtime, manifest: Manifest, hook: str) -> Any:
    """Ask one plugin; None where it has nothing to say."""
    for name, function in runtime.hooks.implementations(hook):
        if name == manifest.name:
            return function()
    return None
