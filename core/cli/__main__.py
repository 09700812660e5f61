"""``python -m core.cli``: the command ``abah`` where no script was installed."""

from __future__ import annotations

from core.cli import main

if __name__ == "__main__":
    main()
