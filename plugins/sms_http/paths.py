"""Values inside an answer: a small JSON path, and patterns over plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["JsonPath", "first_group", "plain"]

_STEP = re.compile(r"\[(\d+|\*)\]|\.?([^.\[\]]+)")


class JsonPath:
    """A path such as ``$.messages[0].status`` or ``messages[*].id``; ``$.`` may be left out.

    It covers what gateways need of RFC 9535: names, positions, and ``[*]`` for every element.
    """

    def __init__(self, text: str) -> None:
        """Read the path.

        :raises ValueError: it is empty or has something in it that is no step.
        """
        self.text = text.strip()
        rest = self.text.removeprefix("$")
        self._steps: list[str | int] = []
        position = 0
        while position < len(rest):
            match = _STEP.match(rest, position)
            if match is None:
                raise ValueError(self.text)
            index, name = match.groups()
            self._steps.append(name if index is None else "*" if index == "*" else int(index))
            position = match.end()
        if not self._steps and self.text != "$":
            raise ValueError(self.text)

    def find(self, document: Any) -> list[Any]:
        """Return every value the path leads to; an empty list where it leads nowhere."""
        found = [document]
        for step in self._steps:
            found = [inner for value in found for inner in _step(value, step)]
        return found

    def texts(self, document: Any) -> tuple[str, ...]:
        """Return the scalar values as text, lists opened."""
        values: list[str] = []
        for value in self.find(document):
            values.extend(plain(item) for item in (value if isinstance(value, list) else [value]))
        return tuple(text for text in values if text)


def _step(value: Any, step: str | int) -> list[Any]:
    if step == "*":
        return list(value) if isinstance(value, list) else []
    if isinstance(step, int):
        return [value[step]] if isinstance(value, list) and step < len(value) else []
    if isinstance(value, Mapping):
        return [value[step]] if step in value else []
    # "messages.0.id" is how some gateways document the same path.
    if isinstance(value, list) and step.isdigit() and int(step) < len(value):
        return [value[int(step)]]
    return []


def plain(value: Any) -> str:
    """Write a scalar as a gateway would: ``true`` for True, nothing for null, dicts and lists."""
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def first_group(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    """Return what ``pattern`` finds in ``text``: its first group, else the whole match."""
    group = 1 if pattern.groups else 0
    return tuple(found for match in pattern.finditer(text) if (found := match.group(group)))
