"""Designs for a future evaluation: what could be estimated, and how large an effect could be seen.

Every estimator is a plain function of a frame and the names of its columns; it refuses a design
that cannot carry an estimate before anything is fitted, and returns a `Result` with a tidy table
and a sentence. Nothing here reads the project's files or knows its forces.

======================  ==========================================================================
`interrupted_series`    one series, a controlled series, many series pooled
`staggered`             units that are treated at different times
`staggered_checks`      pre-trends and their power, sensitivity, inference with few clusters
`synthetic_control`     one treated unit or group against a weighted set of donors
`closed_forms`          power without simulation: stepped wedge, cluster trial, repeated survey
`power`                 power, bias and coverage by simulation with the very estimators
======================  ==========================================================================
"""
