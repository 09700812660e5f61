"""Pages of proofs: Daftar, Lupa sandi, Perbarui Kontak, Konfirmasi Nomor Telepon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.i18n import _

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]


def includeme(config: Configurator) -> None:
    """Add the gate, routes and views of this room."""
    config.include("core.verification.gate")
    config.add_route("verification.registration.create", "/daftar")
    config.add_route("verification.registration.sent", "/daftar/terkirim")
    config.add_route("verification.registration.confirm", "/daftar/konfirmasi/{token}")
    config.add_route("verification.registration.done", "/daftar/selesai")
    config.add_route("verification.reset.request", "/lupa-sandi")
    config.add_route("verification.reset.sent", "/lupa-sandi/terkirim")
    config.add_route("verification.reset.finish", "/sandi-baru/{token}")
    config.add_route("verification.phone.start", "/kontak/perbarui")
    config.add_route("verification.phone.confirm", "/kontak/konfirmasi")
    config.add_route("verification.phone.resend", "/kontak/konfirmasi/kirim-ulang")
    config.add_route("verification.phone.cancel", "/kontak/konfirmasi/batal")
    config.add_route("verification.phone.state", "/kontak/konfirmasi/status")
    config.add_route("verification.contact", "/profilku/kontak")
    config.add_profile_tab(_("Kontak"), "verification.contact", order=30)
    config.scan("core.verification.views")
