"""The form of one gateway: every difference between gateways is a field here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from core.api.hooks import SettingField
from core.api.text import TranslationString, _

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIELDS", "REPORT_STATUSES", "with_defaults"]

REPORT_STATUSES: Final = """\
DELIVRD = delivered
DELIVERED = delivered
READ = delivered
1 = delivered
UNDELIV = undelivered
UNDELIVERED = undelivered
FAILED = undelivered
2 = undelivered
EXPIRED = expired
DELETED = undelivered
REJECTD = rejected
REJECTED = rejected
16 = rejected
ENROUTE = accepted
ACCEPTD = accepted
SENT = accepted
QUEUED = accepted
4 = accepted
8 = accepted"""
"""Words of SMPP 3.4 (5.2.28), Kannel's numbers, and what most HTTP gateways say."""

_CLASSES: Final[tuple[tuple[str, TranslationString], ...]] = (
    ("uncertain", _("Belum pasti: jangan kirim lagi dengan sendirinya")),
    ("temporary", _("Sementara: coba lagi nanti")),
    ("permanent", _("Tetap: pesan ditolak")),
)

_REQUEST: Final = (
    SettingField(
        "url",
        _("Alamat gateway"),
        "url",
        hint=_("Boleh memuat {{ username }} dan peubah lain setelah nama host."),
        required=True,
    ),
    SettingField(
        "method",
        _("Metode"),
        "choice",
        "POST",
        choices=(("POST", "POST"), ("GET", "GET"), ("PUT", "PUT")),
    ),
    SettingField(
        "body",
        _("Bentuk permintaan"),
        "choice",
        "form",
        choices=(
            ("form", _("Formulir (application/x-www-form-urlencoded)")),
            ("json", "JSON"),
            ("query", _("Parameter pada alamat")),
        ),
    ),
    SettingField(
        "fields",
        _("Isi permintaan"),
        "textarea",
        "to={{ to }}\ntext={{ text }}\nref={{ ref }}\nreport_url={{ report_url }}",
        hint=_(
            "Satu baris nama=nilai untuk formulir dan parameter, atau satu dokumen JSON. Peubah: "
            "ref, to, text, title, purpose, parts, encoding, attempt, sender, report_url, "
            "inbound_url, username, password, token."
        ),
        required=True,
    ),
    SettingField(
        "headers",
        _("Header tambahan"),
        "textarea",
        hint=_("Satu baris Nama: nilai, misalnya Authorization: Bearer {{ token }}"),
    ),
    SettingField("username", _("Nama pengguna"), hint=_("Dipakai sebagai {{ username }}.")),
    SettingField("password", _("Sandi"), "secret", hint=_("Dipakai sebagai {{ password }}.")),
    SettingField("token", _("Kunci API"), "secret", hint=_("Dipakai sebagai {{ token }}.")),
    SettingField("sender", _("Nama atau nomor pengirim")),
    SettingField(
        "number_format",
        _("Bentuk nomor tujuan"),
        "choice",
        "e164",
        choices=(
            ("e164", "+6281230900950"),
            ("plain", "6281230900950"),
            ("national", "081230900950"),
        ),
    ),
)

_ANSWER: Final = (
    SettingField(
        "success_path",
        _("Letak tanda berhasil (jalur JSON)"),
        hint=_("Misalnya $.messages[0].status. Kosong: setiap jawaban HTTP 2xx berarti diterima."),
    ),
    SettingField(
        "success_pattern",
        _("Pola tanda berhasil (regex)"),
        hint=_(
            "Dicocokkan dengan seluruh nilai pada jalur di atas, atau dicari di dalam teks jawaban."
        ),
    ),
    SettingField("reference_path", _("Letak nomor referensi (jalur JSON)")),
    SettingField("reference_pattern", _("Pola nomor referensi (regex)")),
    SettingField("code_path", _("Letak kode kesalahan (jalur JSON)")),
    SettingField("code_pattern", _("Pola kode kesalahan (regex)")),
    SettingField(
        "codes",
        _("Arti kode kesalahan"),
        "textarea",
        hint=_(
            "Satu baris kode = permanent, temporary, atau uncertain. Status HTTP ditulis http:402. "
            "Kode lain dianggap penolakan tetap."
        ),
    ),
    SettingField(
        "other_answers",
        _("Jawaban 2xx yang tidak dimengerti"),
        "choice",
        "uncertain",
        choices=_CLASSES,
    ),
    SettingField(
        "server_errors", _("Jawaban HTTP 5xx selain 503"), "choice", "uncertain", choices=_CLASSES
    ),
)

_LINE: Final = (
    SettingField("connections", _("Sambungan bersamaan"), "int", 50),
    SettingField("connect_seconds", _("Batas waktu menyambung (detik)"), "int", 10),
    SettingField("total_seconds", _("Batas waktu menunggu jawaban (detik)"), "int", 30),
    SettingField(
        "allow_private",
        _("Izinkan alamat jaringan lokal"),
        "bool",
        default=False,
        hint=_("Nyalakan hanya bila gateway berada di jaringan Anda sendiri."),
    ),
)

_INCOMING: Final = (
    SettingField("report_ref", _("Laporan: nama referensi kami"), default="ref"),
    SettingField("report_reference", _("Laporan: nama referensi gateway"), default="id"),
    SettingField("report_status", _("Laporan: nama status"), default="status"),
    SettingField("report_number", _("Laporan: nama nomor tujuan"), default="to"),
    SettingField("report_time", _("Laporan: nama waktu"), default="time"),
    SettingField(
        "report_statuses",
        _("Laporan: arti status"),
        "textarea",
        REPORT_STATUSES,
        hint=_("Satu baris status = delivered, undelivered, rejected, expired, atau accepted."),
    ),
    SettingField("inbound_sender", _("SMS masuk: nama nomor pengirim"), default="from"),
    SettingField("inbound_text", _("SMS masuk: nama isi pesan"), default="text"),
    SettingField("inbound_recipient", _("SMS masuk: nama nomor kami"), default="to"),
    SettingField("inbound_id", _("SMS masuk: nama nomor pesan"), default="id"),
    SettingField("inbound_time", _("SMS masuk: nama waktu"), default="time"),
)

FIELDS: Final = (*_REQUEST, *_ANSWER, *_LINE, *_INCOMING)
"""Everything an administrator can set for one account."""


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Complete an account's settings with the defaults of the form."""
    values = {field.key: field.default for field in FIELDS}
    values.update({key: value for key, value in settings.items() if value is not None})
    return values
