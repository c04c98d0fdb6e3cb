"""Run every benchmark: ``make bench``. The page ``outputs/benchmarks.html`` shows what was run.

    python -m benchmarks           all, at full size
    python -m benchmarks --quick   small sizes, which no goal is held to

Tools that are not installed are left out and named.
"""

import sys

from benchmarks import design_speed, report, survey_tables

quick = sys.argv[1:] == ["--quick"]
codes = [
    report.main(sys.argv[1:]),
    survey_tables.main(["--fast"] if quick else [], whatever_is_here=True),
    design_speed.main(["--fast"] if quick else [], whatever_is_here=True),
]
sys.exit(max(codes))
