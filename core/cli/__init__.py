"""The command ``abah``."""

from __future__ import annotations

import warnings

__all__ = ["main"]


def main() -> None:
    """Run the command line; never returns."""
    # pkg_resources announces its own end when Pyramid is imported; no operator could act on it.
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    # Imported here: whoever imports the package for a part of it needs no click.
    from core.cli.root import run  # noqa: PLC0415

    run()
