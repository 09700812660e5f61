"""``abah setup``: from an empty database to a running deployment. Safe to repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from core.api.cli import console, say, show_table, who
from core.cli.plugin_words import step_words
from core.cli.state import CliState, pass_state
from core.errors import AbahError
from core.framework.datafiles import load_files
from core.framework.lifecycle import Lifecycle, setup_core
from core.framework.models import PluginState
from core.framework.overview import overview
from core.framework.steps import DemoAccount, load_core_demo
from core.i18n import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.framework.runtime import Runtime

__all__ = ["DemoError", "command"]


class DemoError(AbahError):
    """Demo data of some plugins could not be loaded; the log has the causes."""

    def __init__(self, plugins: Sequence[str]) -> None:
        """Name the plugins."""
        self.plugins = tuple(plugins)
        super().__init__(
            _(
                "Data demo plugin ${names} gagal dimuat. "
                "Jalankan lagi dengan -v untuk melihat sebabnya.",
                mapping={"names": ", ".join(plugins)},
            )
        )


@click.command("setup", help=_("Menyiapkan basis data dan memasang plugin."))
@click.option("--demo", is_flag=True, help=_("Isi pula data contoh dan akun demo."))
@pass_state
def command(state: CliState, demo: bool) -> None:  # noqa: FBT001 - click gives it by name
    """Migrate, install, and fill in demo data where it is wanted."""
    runtime = state.open(plugins=())
    try:
        setup_core(runtime)
        lifecycle = Lifecycle(runtime, actor=who(), progress=step_words)
        outdated = lifecycle.outdated()
        if outdated:
            lifecycle.upgrade(*outdated)
        lifecycle.install(*_wanted(runtime))
    finally:
        runtime.close()
    say(_("Basis data siap."), style="green")
    if demo:
        _show_accounts(load_demo(state.runtime()))


def _wanted(runtime: Runtime) -> list[str]:
    """Name the plugins of ``abah.plugins_install``, without those that somebody disabled."""
    disabled = {s.name for s in overview(runtime) if s.state is PluginState.DISABLED}
    return [name for name in runtime.settings.words("abah.plugins_install") if name not in disabled]


def load_demo(runtime: Runtime) -> list[DemoAccount]:
    """Load demo data of the core and of every enabled plugin, each in its own transaction.

    :raises DemoError: some plugin's could not be loaded; what the others loaded stays.
    """
    with runtime.database.writing() as session:
        accounts = load_core_demo(session, _tell)
    hooks = runtime.hooks
    loaders = dict(hooks.implementations("load_demo"))
    failed = []
    for manifest in runtime.plugins:
        name = manifest.name
        before = hooks.stats(name, "load_demo").failures
        with (
            runtime.database.writing() as session,
            hooks.fence(name, "load_demo", session) as allowed,
        ):
            if allowed:
                load_files(session, name, [manifest.directory / file for file in manifest.demo])
                if name in loaders:
                    loaders[name](session=session, progress=_tell)
        if hooks.stats(name, "load_demo").failures > before:
            failed.append(name)
    if failed:
        raise DemoError(failed)
    return accounts


def _tell(line: str) -> None:
    console().print(f"  {line}", style="dim", markup=False)


def _show_accounts(accounts: Sequence[DemoAccount]) -> None:
    if not accounts:
        return
    say(_("Akun demo:"), style="bold")
    rows = [
        {"username": account.username, "password": account.password, "role": account.role}
        for account in accounts
    ]
    columns = {"username": _("Nama akun"), "password": _("Sandi"), "role": _("Peran")}
    show_table(rows, columns)
