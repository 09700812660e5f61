"""``python -m core.cli.web FILE.ini``: ``pserve FILE.ini`` without its imports' warnings."""

from __future__ import annotations

import sys
import warnings

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Run pserve in this process."""
    with warnings.catch_warnings():
        # pkg_resources announces its own end at each start; nothing that an operator could act on.
        warnings.simplefilter("ignore")
        from pyramid.scripts import pserve  # noqa: PLC0415

    return int(pserve.main(["pserve", *arguments]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
