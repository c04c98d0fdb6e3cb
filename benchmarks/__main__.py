"""``python -m benchmarks`` runs the only benchmark there is, with the same options."""

import sys

from benchmarks import survey_tables

sys.exit(survey_tables.main())
