"""Screens for plugins: dialogs, confirmations, formats, the words of the page.

Routes and views come by the hook ``include_web``, menus by the manifest, pieces of other pages by
``register_slots``. Every view names its permission; views of GET never write; templates extend
``layout``.
"""

from __future__ import annotations

from core.web.assets import icon
from core.web.confirm import Confirmation, confirmation
from core.web.dialog import close_dialog, is_dialog, stay_in_dialog
from core.web.formats import (
    WIB,
    ago,
    iso,
    masked,
    month_name,
    number,
    phone,
    rupiah,
    tanggal,
    tanggal_pendek,
    time_element,
    today,
    wib,
    wib_full,
    wib_pendek,
)
from core.web.locale import current_locale, translate
from core.web.rendering import path_of
from core.web.security import SIGNED_IN

__all__ = [
    "SIGNED_IN",
    "WIB",
    "Confirmation",
    "ago",
    "close_dialog",
    "confirmation",
    "current_locale",
    "icon",
    "is_dialog",
    "iso",
    "masked",
    "month_name",
    "number",
    "path_of",
    "phone",
    "rupiah",
    "stay_in_dialog",
    "tanggal",
    "tanggal_pendek",
    "time_element",
    "today",
    "translate",
    "wib",
    "wib_full",
    "wib_pendek",
]
