"""Compiles the catalogues whenever the package is built; the rest is in pyproject.toml."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithCatalogues(build_py):
    """Writes the ``.mo`` file beside each ``.po`` file first."""

    def run(self) -> None:
        """Compile, then build as usual."""
        for path in (Path(__file__).parent / "src").rglob("*.po"):
            with path.open("rb") as texts, path.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, read_po(texts))
        super().run()


setup(cmdclass={"build_py": BuildWithCatalogues})
