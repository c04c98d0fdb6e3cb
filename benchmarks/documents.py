"""Read 1,000 and 10,000 documents in parallel: time, and peak memory that must not grow.

    python -m benchmarks.documents [--sizes 1000 10000] [--formats html txt] [--workers 2]

Documents are made from the synthetic corpus: pages and texts with a number of their own in each,
PDF and Word files as they are. Each size is read in a process of its own, so that its peak memory
is its own. Ends with exit code 1 when ten times the documents need noticeably more memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from ncpi_eval import paths
from ncpi_eval.document_files import find_documents
from ncpi_eval.evidence import extract

ALLOWED_GROWTH = 40.0
"""MB between the smallest and the largest run, of the reading and of the writing process: names
and one digest a document are kept (about 1 MB for 10,000), documents and rows are not."""


def make_documents(folder: Path, count: int, formats: list[str]) -> None:
    """So many documents in a folder, in turn from the files of the corpus in these formats."""
    corpus = paths.data("synthetic", "documents")
    chosen = [path for _, path in find_documents(corpus) if path.suffix.lstrip(".") in formats]
    (folder / "forces.csv").write_bytes((corpus / "forces.csv").read_bytes())
    for number in range(count):
        source = chosen[number % len(chosen)]
        target = folder / f"{number:06d}-{source.name}"
        if source.suffix in (".html", ".txt"):
            text = source.read_text(encoding="utf-8", errors="surrogateescape")
            text = text.replace("Synthetic document:", f"Synthetic document {number}:")
            target.write_text(text, encoding="utf-8", errors="surrogateescape")
        else:
            os.link(source, target)


class _Watch(threading.Thread):
    """The largest reading process and the processor time of all, looked at twice a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.largest = 0
        self.seconds: dict[int, float] = {}

    def run(self) -> None:
        while not self.ended.wait(0.5):
            for reader in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    times = reader.cpu_times()
                    self.seconds[reader.pid] = times.user + times.system
                    self.largest = max(self.largest, reader.memory_info().rss)


def read_all(folder: Path, workers: int) -> dict[str, float]:
    """Read a folder and write its tables; seconds, and peak memory in MB."""
    began = time.perf_counter()
    watch = _Watch()
    watch.start()
    with tempfile.TemporaryDirectory() as tables:
        rows = extract.write_tables(
            extract.extract_folder(folder, workers, sys.stderr), Path(tables), extract.LISTED
        )
    wall = time.perf_counter() - began
    watch.ended.set()
    watch.join()
    own = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "documents": rows["document_facts"],
        "recommendations": rows["recommendations"],
        "wall_seconds": wall,
        "cpu_seconds": own.ru_utime + own.ru_stime + sum(watch.seconds.values()),
        "writer_mb": own.ru_maxrss / 1024,
        "reader_mb": watch.largest / 2**20,
    }


def main(arguments: list[str] | None = None) -> int:
    """Command line; 1 when memory grows with the number of documents."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.documents", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--formats", nargs="+", default=["html", "txt", "docx", "pdf"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="read this folder and print the figures")
    chosen = parser.parse_args(arguments)
    if chosen.folder:
        print(json.dumps(read_all(chosen.folder, chosen.workers)))
        return 0
    measured = []
    for size in chosen.sizes:
        # beside the corpus, so that files can be linked and not copied
        with tempfile.TemporaryDirectory(dir=paths.ROOT / "outputs", prefix=".bench-") as place:
            make_documents(Path(place), size, chosen.formats)
            command = [sys.executable, "-m", "benchmarks.documents", "--folder", place]
            command += ["--workers", str(chosen.workers)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=paths.ROOT)
            measured.append(json.loads(done.stdout))
            print(json.dumps(measured[-1]), flush=True)
    growth = {name: measured[-1][name] - measured[0][name] for name in ("writer_mb", "reader_mb")}
    print(f"growth of peak memory in MB: {growth}")
    return int(any(value > ALLOWED_GROWTH for value in growth.values()))


if __name__ == "__main__":
    raise SystemExit(main())
