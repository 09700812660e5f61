"""What an administrator and an author must be able to read about a plugin."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Final

from core.hookspecs.channels import Transport
from core.hookspecs.system import SettingsSection
from core.testing.checks.pages import registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.testing.specimen import Specimen

__all__ = ["document_problems"]

README: Final = "README.md"


def document_problems(specimen: Specimen) -> list[str]:
    """Tell what ``README.md`` in the plugin's folder leaves out, and which hooks say nothing.

    It names every permission, command and setting, each as ``code``: the settings of the plugin and
    those of the accounts of its channels. Each answer to a hook has a docstring.
    """
    file = specimen.manifest.directory / README
    if not file.is_file():
        return [f"there is no {README} in the plugin's folder"]
    written = file.read_text(encoding="utf-8")
    problems = [
        f"{README} does not name the {kind} `{name}`"
        for kind, name in _public(specimen)
        if f"`{name}`" not in written
    ]
    problems += [
        f"the answer to {hook} has no docstring"
        for hook in specimen.hooks
        if not inspect.getdoc(getattr(specimen.module, hook))
    ]
    return problems


def _public(specimen: Specimen) -> Iterator[tuple[str, str]]:
    yield from (("permission", one.name) for one in specimen.manifest.permissions)
    for hook, answer in registered(specimen):
        if isinstance(answer, SettingsSection):
            yield from (("setting", field.key) for field in answer.fields)
        elif isinstance(answer, type) and issubclass(answer, Transport):
            yield from (("setting", field.key) for field in answer.settings_form)
        elif hook == "register_commands":
            yield "command", f"abah {getattr(answer, 'name', '')}"
