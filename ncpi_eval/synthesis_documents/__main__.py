"""Rewrite the committed corpus: ``python -m ncpi_eval.synthesis_documents [folder] [forces]``."""

import sys
from pathlib import Path

from ncpi_eval import paths
from ncpi_eval.synthesis_documents import coders, write_corpus

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else paths.data("synthetic", "documents")
number = int(sys.argv[2]) if len(sys.argv) > 2 else 24
print(f"{write_corpus(folder, number=number)} documents in {folder}")
if len(sys.argv) == 1:
    number = coders.write_round(folder, paths.data("synthetic", "coding"))
    print(f"{number} extracts coded in {paths.data('synthetic', 'coding')}")
