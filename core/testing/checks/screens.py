"""The plugin's pages as a person sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.accounts.security import SESSION_COOKIE
from core.testing.serving import serving

if TYPE_CHECKING:
    from core.testing.screens import Screens
    from core.testing.specimen import Specimen

__all__ = ["screen_problems"]


def screen_problems(specimen: Specimen, screens: Screens) -> list[str]:
    """Open each page that needs nothing filled in as an Admin, and tell what axe finds.

    What is no whole page (a file, a part for htmx, the way to somewhere else) is only asked for.

    :raises NoBrowserError: there are pages, and no browser.
    """
    admin = specimen.site.admin()
    whole, problems = [], []
    for path in sorted({str(page.path) for page in specimen.pages if page.shown}):
        answer = admin.get(path, status="*")
        if answer.status_int >= 500:  # noqa: PLR2004 - the server's own fault begins here
            problems.append(f"{path} answers {answer.status_int}")
        elif answer.status_int == 200 and "<html" in answer.text:  # noqa: PLR2004
            whole.append(path)
    if whole:
        with serving(specimen.site.router) as address:
            problems += screens.look(address, admin.cookies[SESSION_COOKIE], whole)
    return problems
