"""The version of the core, which manifests compare their range against."""

from __future__ import annotations

from typing import Final

__all__ = ["CORE_VERSION"]

CORE_VERSION: Final = "0.1.0"
"""The same as the distribution's; a test compares them."""
