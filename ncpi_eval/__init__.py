"""Re-build, check and carry forward the evaluation of the National Child Protection Inspections."""
