"""Run ``abah`` in this process, on a database of the test and plugins of the workshop."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy.engine import URL

from core.api.cli import use_language
from core.cli.root import run
from core.testing.fixtures import test_settings as settings_for
from tests.core.conftest import Workshop


@dataclass(frozen=True)
class Answer:
    """What one call of the command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def write_ini(path: Path, settings: dict[str, Any]) -> Path:
    """Write a configuration as an administrator does."""
    lines = [f"{key} = {value}".replace("%", "%%") for key, value in settings.items()]
    path.write_text("\n".join(["[app:main]", "use = egg:abah", *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def make_ini(tmp_path: Path, workshop: Workshop) -> Callable[..., Path]:
    """Give a function that writes a configuration for a database."""

    def make(url: URL, name: str = "uji.ini", **more: Any) -> Path:
        settings = settings_for(url, abah__plugins_path=str(workshop.folder), **more)
        return write_ini(tmp_path / name, settings)

    return make


@pytest.fixture
def ini(make_ini: Callable[..., Path], database_url: URL) -> Path:
    """A configuration of the database under test."""
    return make_ini(database_url)


@pytest.fixture
def abah(
    ini: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Answer]]:
    """Give ``abah(*words)``; ``config`` names another configuration."""
    root = logging.getLogger()
    level = root.level
    monkeypatch.delenv("LANG", raising=False)

    def call(*words: str, config: Path | None = ini) -> Answer:
        capsys.readouterr()
        args = [*(["-c", str(config)] if config else []), *words]
        with pytest.raises(SystemExit) as left:
            run(args)
        out, err = capsys.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        return Answer(code, out, err)

    yield call
    use_language("id")
    root.setLevel(level)
    structlog.reset_defaults()
