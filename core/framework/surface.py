"""What a plugin adds to the application, as lists of names that two versions can be compared by.

It is stored with the plugin when it is installed: the code of that version is gone when the next
one comes, and a purge has to know it when there is no code at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.framework.datafiles import listed_data
from core.framework.manifest import Manifest
from core.framework.runtime import Runtime
from core.jobs.registry import task_of
from core.web.layers import read_template, template_files

__all__ = ["Surface", "surface_of"]

Surface = Mapping[str, list[str]]
"""Names in order by kind: ``permissions``, ``menus``, ``schedules``, ``data``, ``settings``,
``commands``, ``queues``, ``templates``, ``blocks`` (``template: block``), and what higher rooms
add, as ``routes``."""


def surface_of(runtime: Runtime, manifest: Manifest) -> Surface:
    """Ask a plugin that is registered with the hooks of ``runtime``. What it raises passes through.

    :raises DataFileError: a data file of it is wrong.
    """
    section = next(_answers(runtime, manifest, "register_settings"), None)
    templates = _templates(manifest)
    return {
        "permissions": [permission.name for permission in manifest.permissions],
        "menus": [menu.id for menu in manifest.menus],
        "schedules": [schedule.task for schedule in manifest.schedules],
        "data": listed_data(manifest),
        "settings": [field.key for field in section.fields] if section else [],
        "commands": [
            str(command.name)
            for answer in _answers(runtime, manifest, "register_commands")
            for command in answer
        ],
        "queues": sorted(
            {
                task_of(function).queue
                for answer in _answers(runtime, manifest, "register_tasks")
                for function in answer
            }
        ),
        "templates": list(templates),
        "blocks": [f"{name}: {block}" for name, blocks in templates.items() for block in blocks],
    }


def _answers(runtime: Runtime, manifest: Manifest, hook: str) -> Iterator[Any]:
    for name, function in runtime.hooks.implementations(hook):
        if name == manifest.name:
            yield function() or ()


def _templates(manifest: Manifest) -> dict[str, list[str]]:
    """Give the blocks of each template of a plugin."""
    return {
        name: sorted(read_template(path).blocks)
        for name, path in template_files(manifest.directory / "templates")
    }
