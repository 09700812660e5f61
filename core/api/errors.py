"""Errors that plugins raise and catch."""

from __future__ import annotations

from core.errors import (
    AbahError,
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    RefusedError,
)

__all__ = [
    "AbahError",
    "ConfigurationError",
    "ConflictError",
    "ForbiddenError",
    "InvalidInputError",
    "NotFoundError",
    "RefusedError",
]
