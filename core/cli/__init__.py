"""The command ``abah``."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line; never returns."""
    # Imported here: whoever imports the package for a part of it needs no click.
    from core.cli.root import run  # noqa: PLC0415

    run()
