"""``abah docs``: write the documentation that comes from the code."""

from __future__ import annotations

from pathlib import Path

import click

from core.api.cli import in_words, say
from core.cli.hookdocs import render
from core.errors import AbahError
from core.i18n import _

__all__ = ["command"]


@click.group("docs", help=_("Menulis dokumentasi yang berasal dari kode."))
def command() -> None:
    """Hold the verbs."""


@command.command("hooks", help=_("Menulis acuan hook ke docs/plugins/hooks.md."))
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("docs/plugins/hooks.md"),
    show_default=True,
    help=_("Berkas yang ditulis."),
)
@click.option("--check", is_flag=True, help=_("Jangan menulis; gagal bila berkas sudah usang."))
def hooks(output: Path, check: bool) -> None:  # noqa: FBT001 - click gives it by name
    """Write the hook reference."""
    text = render()
    if check:
        if not output.is_file() or output.read_text(encoding="utf-8") != text:
            raise AbahError(
                _(
                    "${file} tidak sesuai dengan hook di kode. Jalankan: abah docs hooks",
                    mapping={"file": str(output)},
                )
            )
        say(_("${file} sesuai.", mapping={"file": str(output)}))
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    say(in_words(_("Ditulis: ${file}", mapping={"file": str(output)})))
