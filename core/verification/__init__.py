"""Proofs: phone numbers by code, e-mail addresses by link. Stands on messaging and accounts."""

from __future__ import annotations

from pathlib import Path

from core.framework.datafiles import register_core_data

# Mail to people and the sweep are registered when this room is imported.
from core.verification import mail as _mail
from core.verification import tasks as _tasks

__all__: list[str] = []

_REGISTERED = (_mail, _tasks)

register_core_data(Path(__file__).parent / "data" / "texts.toml")
