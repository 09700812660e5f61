"""Pages in a real browser, examined by axe; one browser for a whole test run."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from core.accounts.security import SESSION_COOKIE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["WIDTHS", "NoBrowserError", "Screens"]

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")

WIDTHS: Final = (360, 1440)
"""Of a phone and of a desk, in pixels."""

WIDER: Final = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


class NoBrowserError(Exception):
    """There is no Chromium that could be started, or the packages for it are missing."""


class Screens:
    """A browser in a thread of its own: playwright would keep the event loop of this one."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="screens")
        self._playwright: Any = None
        self._browser: Any = None
        self._missing = ""

    def look(self, address: str, token: str, paths: Sequence[str]) -> list[str]:
        """Open pages as whoever has this session, in every window, and tell what is wrong.

        :raises NoBrowserError: nothing could be looked at.
        """
        return self._thread.submit(self._look, address, token, paths).result()

    def close(self) -> None:
        """End the browser."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _look(self, address: str, token: str, paths: Sequence[str]) -> list[str]:
        self._start()
        context = self._browser.new_context(base_url=address, locale="id-ID")
        try:
            context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address}])
            page = context.new_page()
            complaints: list[str] = []
            page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
            found = [each for path in paths for each in _examine(page, path)]
            return [*found, *complaints]
        finally:
            context.close()

    def _start(self) -> None:
        if self._browser is not None:
            return
        if not self._missing:
            try:
                from playwright.sync_api import sync_playwright  # noqa: PLC0415 - may be missing

                self._playwright = sync_playwright().start()
                program = next(filter(None, map(shutil.which, PROGRAMS)), None)
                self._browser = self._playwright.chromium.launch(
                    executable_path=program, args=["--no-sandbox", "--disable-gpu"]
                )
            except Exception as error:  # noqa: BLE001 - there are many ways not to be there
                self._missing = f"Chromium cannot be started: {str(error).splitlines()[0]}"
        if self._browser is None:
            raise NoBrowserError(self._missing)

    def _close(self) -> None:
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()


def _examine(page: Any, path: str) -> Iterator[str]:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - may be missing

    page.goto(path)
    for scheme in ("light", "dark"):
        # Without motion: a colour on its way from one scheme to the other is not what stays.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(50)
            window = f"{path} ({width}, {scheme})"
            if page.evaluate(WIDER):
                yield f"{window} is wider than the screen"
            for violation in Axe().run(page).response["violations"]:
                places = [" ".join(node["target"]) for node in violation["nodes"]][:3]
                yield f"{window}: {violation['id']} at {', '.join(places)}"
