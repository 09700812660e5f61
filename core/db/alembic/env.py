"""Run by Alembic for every owner; the connection and the owner come from core.db.migrate."""

from __future__ import annotations

from core.db.migrate import run_environment

run_environment()
