"""Each broken configuration in bad_config/ gives the lines in its .expected file: all that is wrong, at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from relay.config.settings import ConfigurationError, load

FOLDER = Path(__file__).parent / "bad_config"
CASES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_a_broken_configuration_says_everything_that_is_wrong(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(case, tmp_path / case.name)
    shutil.copy(case, tmp_path / "config.toml")
    with pytest.raises(ConfigurationError) as failure:
        load(Path("config.toml"), {})
    assert list(failure.value.lines) == case.with_suffix(".expected").read_text().splitlines()


def test_no_line_shows_a_secret() -> None:
    for expected in FOLDER.glob("*.expected"):
        assert "hunter2" not in expected.read_text()


def test_every_case_has_its_expected_lines() -> None:
    assert {case.stem for case in CASES} == {expected.stem for expected in FOLDER.glob("*.expected")}
