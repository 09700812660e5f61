"""The hook reference, written from the specifications so that it cannot say anything else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from types import ModuleType
from typing import Any, Final

from core.hookspecs import SPEC_MODULES
from core.hookspecs.markers import PROJECT, Lifetime, lifetime_of

__all__ = ["KINDS", "HookDoc", "hook_docs", "render", "undocumented"]

KINDS: Final = ("collect", "decide", "tell")

_KIND: Final = re.compile(rf"\*({'|'.join(KINDS)})\* hook\b")

_HEAD: Final = """\
# Hook reference

Written by `abah docs hooks` from `core/hookspecs`; do not edit. A test fails when it is out of
date.

A plugin answers a hook with a function of the same name in its `plugin.py`:

```python
from core.api.hooks import hookimpl


@hookimpl
def register_slots():
    ...
```

An implementation may leave out arguments that it does not need. There are three kinds of hooks:

| kind | rule |
|---|---|
| *collect* | Every answer is gathered, in load order. |
| *decide* | Plugins loaded later are asked first; an error refuses (fail closed). |
| *tell* | An event. Each plugin runs in a savepoint of its own, is timed and counted; one that
raises loses only what it wrote itself, and after repeated failure it is left out for a while. |

Each hook names the version of abah that brought it. One that goes says so, with what to use instead
and the version that comes without it; see [deprecation.md](deprecation.md).
"""


@dataclass(frozen=True, slots=True)
class HookDoc:
    """One hook as the reference shows it."""

    name: str
    module: ModuleType
    signature: str
    text: str
    lifetime: Lifetime

    @property
    def kind(self) -> str | None:
        """``collect``, ``decide`` or ``tell``, as the second paragraph begins; else None."""
        paragraphs = self.text.split("\n\n")
        found = _KIND.match(paragraphs[1].lstrip()) if len(paragraphs) > 1 else None
        return found.group(1) if found else None


def hook_docs() -> Iterator[HookDoc]:
    """Give every hook in the order in which the modules declare them."""
    for module in SPEC_MODULES:
        for name, function in vars(module).items():
            if hasattr(function, f"{PROJECT}_spec"):
                text = inspect.getdoc(function) or ""
                yield HookDoc(name, module, _signature(function), text, lifetime_of(function))


def undocumented() -> list[str]:
    """Name the hooks whose docstring does not begin its second paragraph with the hook's kind."""
    return [doc.name for doc in hook_docs() if doc.kind is None]


def render() -> str:
    """Write the whole reference as Markdown."""
    parts = [_HEAD]
    for module in SPEC_MODULES:
        docs = [doc for doc in hook_docs() if doc.module is module]
        subject = module.__name__.rpartition(".")[2]
        parts.append(f"## {subject}\n\n{inspect.getdoc(module)}\n")
        parts.extend(_hook(doc) for doc in docs)
        parts.extend(_facts(item) for item in _dataclasses(module))
    return "\n".join(parts).rstrip() + "\n"


def _hook(doc: HookDoc) -> str:
    return (
        f"### `{doc.name}`\n\n```python\n{doc.signature}\n```\n\n{_markdown(doc.text)}\n\n"
        f"{_lifetime(doc.lifetime)}\n"
    )


def _lifetime(lifetime: Lifetime) -> str:
    lines = [f"Since {lifetime.since}."]
    if lifetime.deprecated:
        lines.append(f"**Deprecated, goes in {lifetime.remove_in}.** {lifetime.deprecated}")
    lines += [
        f"**Argument `{argument}` is deprecated, goes in {lifetime.remove_in}.** {instead}"
        for argument, instead in lifetime.deprecated_arguments.items()
    ]
    return "\n\n".join(lines)


def _facts(item: type[Any]) -> str:
    lines = [f"#### `{item.__name__}`", "", _markdown(inspect.getdoc(item) or ""), ""]
    lines += [f"- `{field.name}`: `{field.type}`" for field in fields(item)]
    return "\n".join(lines) + "\n"


def _dataclasses(module: ModuleType) -> list[type[Any]]:
    return [
        item
        for item in vars(module).values()
        if isinstance(item, type) and is_dataclass(item) and item.__module__ == module.__name__
    ]


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    parameters = [str(parameter).replace("'", "") for parameter in signature.parameters.values()]
    answer = str(signature.return_annotation).replace("'", "")
    line = f"def {function.__name__}({', '.join(parameters)}) -> {answer}"
    if len(line) <= 88:  # noqa: PLR2004 - what fits beside the margin of a page
        return line
    inner = "".join(f"    {parameter},\n" for parameter in parameters)
    return f"def {function.__name__}(\n{inner}) -> {answer}"


def _markdown(text: str) -> str:
    """Turn the little reStructuredText of docstrings into Markdown."""
    text = re.sub(r":(?:class|func|meth|mod|data):`~?([^`]+)`", r"`\1`", text)
    return text.replace("``", "`")
