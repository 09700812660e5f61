"""Bantuan: the user guide, chapters of the core and those that plugins register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from core.errors import NotFoundError
from core.hookspecs.web import HelpChapter
from core.i18n import _
from core.web.parts import parts_of

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["CHAPTERS"]

CHAPTERS: Final = (
    HelpChapter("pendahuluan", _("Pendahuluan"), "help/pendahuluan.jinja2", 10),
    HelpChapter("memulai", _("Memulai aplikasi"), "help/memulai.jinja2", 20),
    HelpChapter(
        "memperbarui-kontak", _("Memperbarui Kontak"), "help/memperbarui_kontak.jinja2", 30
    ),
    HelpChapter("pesan", _("Melihat dan mengirim pesan kepada lembaga"), "help/pesan.jinja2", 50),
    HelpChapter(
        "notifikasi", _("Notifikasi dan perpesanan aplikasi"), "help/notifikasi.jinja2", 70
    ),
    HelpChapter("layar", _("Membaca layar"), "help/layar.jinja2", 80),
)
"""Chapters of the core, in the manual's order. Those of plugins stand between: 40, 60."""


def _chapters(request: Request) -> list[HelpChapter]:
    found = parts_of(request.registry).chapters.values()
    return sorted(found, key=lambda chapter: (chapter.order, chapter.key))


@view_config(route_name="help", renderer="help/contents.jinja2", permission=NO_PERMISSION_REQUIRED)
def contents(request: Request) -> dict[str, Any]:
    """List the chapters."""
    return {"chapters": _chapters(request)}


@view_config(
    route_name="help.print", renderer="help/print.jinja2", permission=NO_PERMISSION_REQUIRED
)
def print_view(request: Request) -> dict[str, Any]:
    """Show every chapter on one page, for paper or PDF."""
    return {"chapters": _chapters(request)}


@view_config(
    route_name="help.chapter", renderer="help/chapter.jinja2", permission=NO_PERMISSION_REQUIRED
)
def chapter(request: Request) -> dict[str, Any]:
    """Show one chapter, with the way to the ones beside it."""
    chapters = _chapters(request)
    keys = [each.key for each in chapters]
    key = request.matchdict["key"]
    if key not in keys:
        raise NotFoundError(
            _("Bab ini tidak ada di panduan. Pilih bab lain dari daftar isi Bantuan.")
        )
    here = keys.index(key)
    return {
        "chapters": chapters,
        "chapter": chapters[here],
        "number": here + 1,
        "previous": chapters[here - 1] if here else None,
        "next": chapters[here + 1] if here + 1 < len(chapters) else None,
    }


def includeme(config: Configurator) -> None:
    """Add routes, views and the core's chapters."""
    config.add_help(*CHAPTERS)
    config.add_route("help", "/bantuan")
    config.add_route("help.print", "/bantuan/cetak")
    config.add_route("help.chapter", "/bantuan/{key}")
    config.scan("core.web.guide")
