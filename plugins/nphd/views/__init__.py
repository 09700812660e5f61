"""Pages of the invitations. Every page is a dialog too where the request asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]

_ID = r"{id:\d{1,18}}"
_INVITEE = r"{invitee:\d{1,18}}"


def includeme(config: Configurator) -> None:
    """Add routes and views."""
    config.add_route("nphd.invitation.list", "", inherit_slash=True)
    config.add_route("nphd.invitation.list_slash", "/")
    config.add_route("nphd.invitation.invite", r"/undang/{grant:\d{1,18}}")
    config.add_route("nphd.invitation.send_many", "/proses")
    config.add_route("nphd.invitation.cancel_many", "/batalkan")
    config.add_route("nphd.invitation.detail", f"/{_ID}")
    config.add_route("nphd.invitation.send", f"/{_ID}/proses")
    config.add_route("nphd.invitation.cancel", f"/{_ID}/batalkan")
    config.add_route("nphd.invitation.resend", f"/{_ID}/kirim-ulang")
    config.add_route("nphd.invitation.invitees", f"/{_ID}/lembaga")
    config.add_route("nphd.invitee.edit", f"/{_ID}/lembaga/{_INVITEE}")
    config.add_route("nphd.invitee.remove", f"/{_ID}/lembaga/{_INVITEE}/hapus")
    config.add_route("nphd.invitee.resend", f"/{_ID}/lembaga/{_INVITEE}/kirim-ulang")
    config.scan("plugins.nphd.views")
