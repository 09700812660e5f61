"""``abah plugins new``: what it writes works at once; what it refuses leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.cli.root import abah
from core.cli.scaffold import KINDS, write_plugin
from core.cli.state import CliState
from core.errors import AbahError
from core.i18n import plain
from core.locale_build import read_catalogue, update_plugin
from tests.core.cli.conftest import write_ini
from tests.core.conftest import imported_from

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
LONGEST = "abcdefghijklmnopqrst"


def new(ini: Path, *words: str) -> str:
    """Call the command in this process; a refusal is raised as it is."""
    state = CliState()
    state.config = ini
    arguments = ["-c", str(ini), "plugins", "new", *words]
    result = CliRunner().invoke(abah, arguments, obj=state, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.fixture
def ini(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "plugin").mkdir()
    with imported_from(tmp_path):
        yield write_ini(tmp_path / "uji.ini", {"abah.plugins_path": str(tmp_path / "plugin")})


@pytest.mark.parametrize("distribution", [False, True])
def test_fresh_output_keeps_the_rules_of_this_house(tmp_path: Path, distribution: bool) -> None:
    for kind in KINDS:
        for name in ("w", LONGEST):
            folder = tmp_path / kind / name
            folder.parent.mkdir(exist_ok=True)
            write_plugin(name, kind, folder, distribution=distribution)
            config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
            for rule in (["check"], ["format", "--diff"]):
                done = subprocess.run(
                    [BIN / "ruff", *rule, *config, "."],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_has_its_english(tmp_path: Path, kind: str) -> None:
    write_plugin("peta", kind, tmp_path / "peta", distribution=False)
    missing = update_plugin(tmp_path / "peta")
    assert set(missing.values()) == {0}
    catalogue = read_catalogue(next(iter(missing)))
    template = (ROOT / "core/cli/scaffold" / kind / "plugin/en.po.tmpl").read_text()
    assert template.count("msgid ") == len(catalogue) + 1, "the template has texts nobody says"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Peta", "bukan nama plugin"),
        ("../peta", "bukan nama plugin"),
        (f"{LONGEST}u", "terlalu panjang"),
        ("class", "berarti hal lain"),
        ("plugins", "berarti hal lain"),
        ("db", "berarti hal lain"),
        ("sandbox", "Sudah ada plugin bernama sandbox"),
    ],
)
def test_a_name_that_cannot_be_is_refused(ini: Path, name: str, told: str) -> None:
    with pytest.raises(AbahError) as refused:
        new(ini, name, "--kind", "module")
    assert told in plain(refused.value.explanation)
    assert list((ini.parent / "plugin").iterdir()) == []


def test_a_folder_that_exists_is_left_alone(ini: Path) -> None:
    own = ini.parent / "plugin" / "peta" / "catatan.txt"
    own.parent.mkdir()
    own.write_text("milik saya")
    with pytest.raises(AbahError) as refused:
        new(ini, "peta", "--kind", "channel")
    assert "sudah ada" in plain(refused.value.explanation)
    with pytest.raises(AbahError) as refused:
        new(ini, "peta", "--kind", "channel", "--into", str(ini.parent / "tidak-ada"))
    assert "tidak ada" in plain(refused.value.explanation)
    assert [path.name for path in (ini.parent / "plugin").rglob("*")] == ["peta", "catatan.txt"]


def test_what_fails_half_way_leaves_nothing(ini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.cli.scaffold.update_plugin", fail)
    with pytest.raises(AbahError) as refused:
        new(ini, "peta", "--kind", "module")
    assert "No space left on device" in plain(refused.value.explanation)
    assert list((ini.parent / "plugin").iterdir()) == []


def next_steps(output: str) -> Sequence[str]:
    return [line.strip() for line in output.splitlines() if line.startswith("  ")]


def test_it_says_what_to_do_next(
    ini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert next_steps(new(ini, "peta", "--kind", "module")) == [
        "python -m pytest plugin/peta",
        f"abah -c {ini} plugins install peta",
        f"abah -c {ini} plugins check peta",
    ]
    outside = new(ini, "kota", "--kind", "module", "--into", ".")
    assert f"Tambahkan {tmp_path} pada abah.plugins_path" in outside
    apart = new(ini, "desa", "--kind", "module", "--distribution")
    assert next_steps(apart)[0] == "pip install -e desa"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_its_tests_and_reaches_gold(tmp_path: Path, kind: str) -> None:
    (tmp_path / "plugin").mkdir()
    text = (ROOT / "development.ini").read_text()
    path = "abah.plugins_path ="
    (tmp_path / "development.ini").write_text(text.replace(path, f"{path} %(here)s/plugin"))

    # Nothing of this test run: its databases are not theirs.
    strange = ("PYTHON", "ABAH", "LANG")
    clean = {key: text for key, text in os.environ.items() if not key.startswith(strange)}

    def run(command: str) -> str:
        program, *words = command.split()
        done = subprocess.run(
            [BIN / program, *words],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    told = [run(step) for step in next_steps(run(f"abah plugins new peta_baru --kind {kind}"))]
    assert " passed" in told[0]
    assert "Plugin peta_baru 0.1.0 terpasang." in told[1]
    assert "gold" in told[2].splitlines()[-1]
    if kind == "module":
        assert run("abah peta_baru").strip() == "Belum ada catatan."
