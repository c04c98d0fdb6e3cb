"""Command: ``python -m ncpi_eval.scanner [FOLDER] [--survey FILE]... [--names FILE]``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ncpi_eval import paths, scanner
from ncpi_eval.errors import NcpiError


def main(arguments: list[str] | None = None) -> int:
    """Print every finding; 1 if there is one, 2 if the scan could not be made."""
    parser = argparse.ArgumentParser(prog="ncpi_eval.scanner", description=scanner.__doc__)
    parser.add_argument("folder", nargs="?", default=str(paths.ROOT / "outputs"))
    parser.add_argument("--survey", action="append", help="file of respondents; may be repeated")
    parser.add_argument("--names", help="text file of names that must not occur, one a line")
    given = parser.parse_args(arguments)
    began = time.process_time()
    folder = Path(given.folder)
    if not folder.exists() or not any(scanner.output_files(folder)):
        print(f"{given.folder}: nothing to scan; run `make report` first.", file=sys.stderr)
        return 2
    try:
        names = Path(given.names).read_text(encoding="utf-8").splitlines() if given.names else ()
        found = scanner.scan(folder, given.survey, names)
    except (NcpiError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for one in found:
        print(one)
    files = sum(1 for _ in scanner.output_files(folder))
    seconds = time.process_time() - began
    print(f"{files} files scanned in {seconds:.1f} CPU seconds: {len(found) or 'no'} findings.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
