"""Make and remove `.venv`, on a machine that has nothing but Python.

Runs before anything is installed, so it uses the standard library alone and imports nothing of the
package. The file ``.venv/ready`` is written last and names the lock it stands for: an environment
without it was interrupted and is made anew, and one made from another lock is too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
OURS = "made-by-make"
BENCHMARKS = (".benchmarks", "benchmarks.html")
BUILT = (
    *("html", "results", "tables", "figures", "executed"),
    *("index.html", "manifest.json", "release.csv", "tables.xlsx"),
    *("changes.html", "quality.html"),
)
CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache")

# Words by which pip and uv say that they could not reach an index, in any of their versions.
NO_NETWORK = (
    "error sending request",
    "dns error",
    "failed to resolve",
    "name resolution",
    "failed to establish a new connection",
    "connection refused",
    "network is unreachable",
    "could not connect",
    "connecttimeout",
    "connection timed out",
    "(from versions: none)",
    "proxyerror",
)
BAD_LOCK = (
    "do not match the hashes",
    "hash mismatch",
    "hashes are required",
    "require-hashes",
    "invalid requirement",
    "couldn't parse",
    "could not parse",
    "failed to parse",
    "no matching distribution found",
    "there is no version of",
)


class SetupFailed(Exception):
    """One sentence for the reader."""


class NothingFetched(SetupFailed):
    """The index was not reached."""


def main(arguments: list[str]) -> int:
    """Run ``setup`` or ``clean``; return the exit code."""
    try:
        {"setup": setup, "clean": clean}[arguments[0]]()
    except SetupFailed as failure:
        print(f"Setup stopped: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Setup interrupted; the next call starts it again.", file=sys.stderr)
        return 130
    return 0


def setup() -> None:
    """Install the lock into `.venv` unless it is there already.

    Raises
    ------
    SetupFailed
        Older Python, no lock, no network, a hash that does not match, or a `.venv` that make did
        not build and therefore does not touch.
    """
    wanted = state()
    ready = VENV / "ready"
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        ready.touch()
        return
    if VENV.exists() and not (VENV / OURS).exists():
        raise SetupFailed(".venv was not made by make; move it away and try again.")
    uv = find_uv()
    with_uv = " with uv" if uv else ""
    print(f"Setting up .venv from requirements.lock{with_uv}; this happens once.", flush=True)
    try:
        fill(uv)
    except NothingFetched as failure:
        # pip may know a proxy, certificate or mirror from a configuration that uv does not read.
        if not uv:
            raise
        print(f"uv did not manage ({failure}) Trying pip.", flush=True)
        fill("")
    make_importable()
    warm_up()
    ready.write_text(wanted, encoding="utf-8")


def state() -> str:
    """What a finished environment stands for: the lock's hash and Python's version."""
    if sys.version_info < (3, 11):  # noqa: UP036
        raise SetupFailed(
            "Python 3.11 or later is needed, this is {}.{}.".format(*sys.version_info[:2])
        )
    if not LOCK.is_file():
        raise SetupFailed("requirements.lock is missing; restore it with `git checkout`.")
    return hashlib.sha256(LOCK.read_bytes()).hexdigest() + "\n"


def find_uv() -> str:
    """Path of a uv that works, or nothing; a stub that cannot run is passed over."""
    uv = shutil.which("uv")
    if uv and run([uv, "--version"]).returncode == 0:
        return uv
    return ""


def fill(uv: str) -> None:
    """A new environment with the lock in it."""
    shutil.rmtree(VENV, ignore_errors=True)
    make_venv(uv)
    install(uv)


def make_venv(uv: str) -> None:
    """Make the empty environment, marked at once as made by make."""
    command = [uv, "venv", "--quiet", "--python", sys.executable] if uv else []
    done = run([*(command or [sys.executable, "-m", "venv"]), str(VENV)])
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupFailed(
            "this Python cannot make an environment; on Debian and Ubuntu install python3-venv."
        )
    (VENV / OURS).write_text("`make clean` removes this folder.\n", encoding="utf-8")


def install(uv: str) -> None:
    """Install every line of the lock by hash, compiled, so that kernels start quickly."""
    python = str(VENV / "bin" / "python")
    flags = ["--require-hashes", "--requirement", str(LOCK)]
    if uv:
        done = run([uv, "pip", "install", "--python", python, "--compile-bytecode", *flags])
    else:
        quiet = ["--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "20"]
        done = run([python, "-m", "pip", "install", "--no-deps", *quiet, *flags])
    if done.returncode == 0:
        return
    output = done.stdout + done.stderr
    unreached = any(word in output.lower() for word in NO_NETWORK)
    raise (NothingFetched if unreached else SetupFailed)(reason(output))


def reason(output: str) -> str:
    """One sentence for an installer's failure, with its own line that gave it away."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for words, sentence in (
        (NO_NETWORK, "the packages could not be fetched; connect to the network and try again."),
        (
            BAD_LOCK,
            "requirements.lock is broken; restore it with `git checkout requirements.lock`.",
        ),
    ):
        for line in lines:
            if any(word in line.lower() for word in words):
                return f"{sentence} [{line[:300]}]"
    last = f" [{lines[-1][:300]}]" if lines else ""
    return "the packages could not be installed." + last


def make_importable() -> None:
    """Put the package on the path of every kernel, relative, so that the folder may be moved."""
    for packages in VENV.glob("lib/python3*/site-packages"):
        (packages / "ncpi_eval.pth").write_text("../../../..\n", encoding="utf-8")


def warm_up() -> None:
    """Let matplotlib list the fonts now; in a first page it would print that it does."""
    environment = {**os.environ, "MPLCONFIGDIR": str(VENV / "matplotlib")}
    command = [str(VENV / "bin" / "python"), "-c", "import matplotlib.font_manager"]
    subprocess.run(command, env=environment, capture_output=True, check=False)


def clean() -> None:
    """Remove `.venv`, the outputs and the caches that make made, and nothing else.

    Files that somebody put under `outputs/` are kept and named.
    """
    if (VENV / OURS).exists() or VENV.is_symlink():
        remove(VENV)
    outputs = ROOT / "outputs"
    for name in BUILT:
        if (outputs / name).is_symlink():
            remove(outputs / name)
    for name in ("current", ".published", ".build", ".lab", ".lock", *BENCHMARKS):
        remove(outputs / name)
    for name in (*CACHES, "tests/browser/node_modules"):
        remove(ROOT / name)
    for folder in ("ncpi_eval", "tests", "benchmarks"):
        for cache in sorted((ROOT / folder).rglob("__pycache__")):
            remove(cache)
    if outputs.is_dir():
        kept = sorted(path.name for path in outputs.iterdir())
        if kept:
            print(f"Kept in outputs/, not made by make: {', '.join(kept)}")
        else:
            outputs.rmdir()


def remove(path: Path) -> None:
    """Remove a file, a link (never what it points to) or a folder, if it is there."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command and keep its words; uv uses the machine's certificates, as pip does."""
    environment = {**os.environ, "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=environment
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
