"""Columns of the tables that several pages share, and what their headers say.

One place, so that the same thing is called the same on every page.
"""

from __future__ import annotations

from collections.abc import Mapping

# What a page says of its respondents, by kind of data.
RESPONDENTS: Mapping[str, str] = {
    "synthetic": "The respondents are synthetic: this project invented them so that the published "
    "numbers come out. They say nothing about anybody.",
    "real": "The respondents are those of the file that this build was given.",
}
VERDICT: Mapping[str, str] = {
    "synthetic": "From here on the respondents are synthetic. The tables show how the checks work; "
    "no conclusion is drawn from them.",
    "real": "From here on the respondents are those of the file that this build was given, and the "
    "tables are the verdict.",
}
MATCH: Mapping[str, str] = {
    "synthetic": "What a match proves: the synthetic respondents were made so that the published "
    "numbers come out. A match shows that definitions and code are right, that is, that these "
    "questions, answers, bases and groups give what the report prints. It is no independent "
    "confirmation of the report.",
    "real": "What a match proves: these are real respondents, so a match confirms the printed "
    "number and a difference is a question for the report's authors. Only verdicts are shown, "
    "because exact small differences could point to a few people.",
}

BY_GROUP: Mapping[str, str] = {
    "breakdown": "Breakdown",
    "group": "Group",
    "percent": "Per cent",
    "interval": "95% interval",
    "interval_clustered": "Allowing for forces",
    "base": "Base",
}
TESTS: Mapping[str, str] = {
    "item": "Question",
    "breakdown": "Breakdown",
    "p_value": "p, as if independent",
    "p_value_clustered": "p, allowing for forces",
    "p_adjusted": "p, adjusted for all tests",
    "design_effect": "Design effect",
    "effect_size": "Cramér's V",
    "denominator": "Base",
}
DIFFERENCES: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "difference": "Difference",
    "difference_interval": "95% interval",
    "difference_interval_clustered": "Allowing for forces",
    "p_value": "p, as if independent",
    "p_value_clustered": "p, allowing for forces",
    "denominator": "Base",
}
CHANGES: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "group": "Group",
    "difference": "Change",
    "difference_interval": "95% interval",
    "p_value": "p, as if independent",
}
RANGES: Mapping[str, str] = {
    "comparison": "Comparison",
    "printed": "Printed",
    "p_low": "Smallest p",
    "p_high": "Largest p",
    "verdict": "Verdict",
    "published_significant": "Report: significant",
}
CORRELATIONS: Mapping[str, str] = {
    "comparison": "Comparison",
    "clusters": "Groups are",
    "icc_cross_low": "Correlation, from",
    "icc_cross_high": "to",
}
MULTIPLICITY: Mapping[str, str] = {
    "breakdown": "Breakdown",
    "tests": "Tests run",
    "expected_by_chance": "Expected by chance",
    "significant": "Significant",
    "significant_clustered": "Allowing for forces",
    "significant_adjusted": "And for all tests",
}
LEAVE_ONE_OUT: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "difference": "Difference",
    "difference_low": "Smallest",
    "difference_high": "Largest",
    "p_low": "Smallest p",
    "p_high": "Largest p",
    "flips": "Would one force change the conclusion?",
}
ADJUSTED: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "unadjusted": "Difference as found",
    "difference": "With the mix held equal",
    "difference_interval": "95% interval",
    "p_value": "p",
    "denominator": "Base",
    "refusal": "Why not",
}
DESIGN_EFFECTS: Mapping[str, str] = {
    "breakdown": "Breakdown",
    "estimates": "Estimates",
    "median": "Median design effect",
    "largest": "Largest",
}
RECONCILED: Mapping[str, str] = {
    "claim": "Claim",
    "location": "Place",
    "value": "Printed",
    "recomputed": "Recomputed",
    "verdict": "Verdict",
    "reason": "Remark",
}
