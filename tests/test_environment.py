"""Setting up says in one sentence what is wrong, and never takes half a setup for a whole one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ncpi_eval import environment, workspace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository with an empty lock, in which nothing is really installed."""
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(environment, "find_uv", lambda: "")
    monkeypatch.setattr(environment, "warm_up", lambda: None)
    (tmp_path / "requirements.lock").write_text("")
    return tmp_path


def answer(monkeypatch: pytest.MonkeyPatch, code: int, text: str) -> list[list[str]]:
    """Replace every command by an answer; give the list in which the calls are kept."""
    calls: list[list[str]] = []

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        making = "venv" in command
        if making:
            (environment.VENV / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
        return subprocess.CompletedProcess(command, 0 if making else code, "", text)

    monkeypatch.setattr(environment, "run", run)
    return calls


def test_a_finished_setup_is_stamped_and_not_repeated(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = answer(monkeypatch, 0, "")
    assert environment.main(["setup"]) == 0
    assert "--require-hashes" in calls[-1]
    assert len(calls) == 2
    pth = folder / ".venv/lib/python3.11/site-packages/ncpi_eval.pth"
    assert (pth.parent / pth.read_text().strip()).resolve() == folder
    assert environment.main(["setup"]) == 0
    assert len(calls) == 2


def test_another_lock_makes_another_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = answer(monkeypatch, 0, "")
    environment.main(["setup"])
    (folder / ".venv" / "left over").touch()
    (folder / "requirements.lock").write_text("# changed")
    assert environment.main(["setup"]) == 0
    assert len(calls) == 4
    assert not (folder / ".venv" / "left over").exists()


def test_an_interrupted_setup_starts_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = answer(monkeypatch, 0, "")
    environment.main(["setup"])
    (folder / ".venv" / "ready").unlink()
    assert environment.main(["setup"]) == 0
    assert len(calls) == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("ERROR: Failed to resolve 'somewhere'", "the packages could not be fetched; connect to "),
        ("error: error sending request for url", "the packages could not be fetched; connect to "),
        (
            "THESE PACKAGES DO NOT MATCH THE HASHES",
            "requirements.lock is broken; restore it with `",
        ),
        ("error: Hash mismatch for `x==1`", "requirements.lock is broken; restore it with `"),
        ("No matching distribution found for x==99", "requirements.lock is broken; restore it "),
        ("No space left on device", "the packages could not be installed. [No space left on dev"),
    ],
)
def test_a_failed_install_is_one_sentence(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    sentence: str,
) -> None:
    answer(monkeypatch, 1, f"some lines\n{words}\n")
    assert environment.main(["setup"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"Setup stopped: {sentence}")
    assert len(said.splitlines()) == 1
    assert not (folder / ".venv" / "ready").exists()


def test_an_older_python_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert environment.main(["setup"]) == 1
    assert "Python 3.11 or later is needed, this is 3.10." in capsys.readouterr().err


def test_an_environment_that_make_did_not_make_is_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".venv").mkdir()
    (folder / ".venv" / "mine").touch()
    assert environment.main(["setup"]) == 1
    assert ".venv was not made by make; move it away" in capsys.readouterr().err
    assert environment.main(["clean"]) == 0
    assert (folder / ".venv" / "mine").exists()


def test_a_missing_lock_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "requirements.lock").unlink()
    assert environment.main(["setup"]) == 1
    assert "requirements.lock is missing; restore it" in capsys.readouterr().err


def test_clean_knows_everything_that_is_published() -> None:
    assert set(environment.BUILT) == {*workspace.KINDS, *workspace.FRONT}
