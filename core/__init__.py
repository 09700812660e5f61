"""abah: a modular plugin framework on Pyramid, and on it the SMS Center of a grants bureau."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.live import Live

__all__ = ["main"]


def main(global_config: dict[str, str], **settings: Any) -> Live:
    """Build the WSGI application for PasteDeploy (``use = egg:abah``)."""
    # Imported here: this module runs at every import of the core, also where no web is wanted.
    from core.live import serve_wsgi  # noqa: PLC0415

    return serve_wsgi({**global_config, **settings})
