"""What every test of the tree shares."""

from __future__ import annotations

pytest_plugins = ["core.testing.fixtures"]
