"""What one call of ``abah`` knows: which configuration, which runtime."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Collection, Mapping
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

import click

from core.api.cli import add_catalogues
from core.errors import ConfigurationError
from core.framework.logging import configure_logging
from core.framework.settings import CONFIG_VARIABLE
from core.i18n import _

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["CONFIG_VARIABLE", "DEFAULT_CONFIG", "CliState", "pass_state", "state_of"]

DEFAULT_CONFIG: Final = "development.ini"

_KEY: Final = "core.cli.state"

P = ParamSpec("P")
T = TypeVar("T")


class CliState:
    """Opens the configuration and the runtime at the first use, so that help needs neither."""

    def __init__(self) -> None:
        """Know nothing but the defaults."""
        self.config: Path | None = None
        self.verbose = False
        self.plugin_commands: tuple[dict[str, click.Command], str] | None = None
        """Verbs of plugins and why they are missing, once somebody asked."""
        self._runtime: Runtime | None = None

    @property
    def config_path(self) -> Path:
        """The configuration file: ``-c``, else the environment, else development.ini here.

        :raises ConfigurationError: it does not exist.
        """
        path = self.config or Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)
        if not path.is_file():
            raise ConfigurationError(
                _(
                    "Berkas konfigurasi ${file} tidak ada. Sebutkan dengan -c BERKAS atau variabel "
                    "${variable}.",
                    mapping={"file": str(path), "variable": CONFIG_VARIABLE},
                )
            )
        return path.resolve()

    def settings(self) -> dict[str, Any]:
        """Read the section of the application.

        :raises ConfigurationError: the file cannot be read.
        """
        with warnings.catch_warnings():
            # pyramid imports pkg_resources, which warns on every call of a command.
            warnings.simplefilter("ignore")
            from pyramid.paster import get_appsettings  # noqa: PLC0415 - slow, and help needs it not
        path = self.config_path
        try:
            return dict(get_appsettings(str(path)))
        except Exception as error:
            raise ConfigurationError(
                _(
                    "Berkas konfigurasi ${file} tidak dapat dibaca: ${reason}.",
                    mapping={"file": path.name, "reason": " ".join(str(error).split())},
                )
            ) from error

    def runtime(self) -> Runtime:
        """Open the runtime with the enabled plugins, once per call of the command."""
        if self._runtime is None:
            self._runtime = self.open()
            add_catalogues(m.directory / "locale" for m in self._runtime.plugins)
        return self._runtime

    def open(self, plugins: Collection[str] | None = None) -> Runtime:
        """Open a runtime; ``plugins`` names what it loads instead of what is enabled."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from core.app import open_runtime  # noqa: PLC0415 - slow, and help needs it not
        settings = self.settings()
        self.configure_logging(settings)
        return open_runtime(settings, plugins=plugins)

    def configure_logging(self, settings: Mapping[str, Any]) -> None:
        """Log to the standard error: errors in one line each, or all that goes on if asked for."""
        level = logging.INFO if self.verbose else logging.ERROR
        configure_logging(settings, level=level, traces=self.verbose)

    def close(self) -> None:
        """Close what was opened."""
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None


def state_of(context: click.Context) -> CliState:
    """Return the state of this call."""
    root = context.find_root()
    if _KEY not in root.meta:
        # run() gives it as the object; later the object is the runtime.
        root.meta[_KEY] = root.obj if isinstance(root.obj, CliState) else CliState()
    state: CliState = root.meta[_KEY]
    return state


def pass_state(function: Callable[Concatenate[CliState, P], T]) -> Callable[P, T]:
    """Give the state to a command as its first argument."""

    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        return function(state_of(click.get_current_context()), *args, **kwargs)

    return update_wrapper(wrapped, function)
