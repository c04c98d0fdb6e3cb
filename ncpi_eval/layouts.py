"""Columns of tables with many of them, and what their headers say.

One place, so that the same thing is called the same on every page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ncpi_eval.questionnaire import Questionnaire

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
    "breakdown": "Breakdown",
    "item": "Question",
    "p_value": "p, as if independent",
    "p_value_clustered": "p, allowing for forces",
    "p_adjusted": "p, adjusted for all tests",
    "effect_size": "Cramér's V",
    "denominator": "Base",
}
DIFFERENCES: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "difference": "Difference, in points",
    "difference_interval": "95% interval, in points",
    "difference_interval_clustered": "Allowing for forces, in points",
    "p_value": "p, as if independent",
    "p_value_clustered": "p, allowing for forces",
    "denominator": "Base",
}
CHANGES: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "group": "Group",
    "difference": "Change, in points",
    "difference_interval": "95% interval, in points",
    "p_value": "p, as if independent",
}
RANGES: Mapping[str, str] = {
    "comparison": "Comparison",
    "printed": "Printed",
    "p_low": "Smallest p",
    "p_high": "Largest p",
    "verdict": "Verdict",
    "published_significant": "Called so",
}
# Stands beside RANGES in one table.
CORRELATIONS: Mapping[str, str] = {
    "icc_cross_low": "Likeness, from",
    "icc_cross_high": "to",
}
MULTIPLICITY: Mapping[str, str] = {
    "breakdown": "Breakdown",
    "tests": "Tests run",
    "expected_by_chance": "Expected by chance",
    "significant": "Significant",
    "significant_clustered": "Allowing for forces",
    "significant_adjusted": "And adjusted for all tests",
}
LEAVE_ONE_OUT: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "difference": "Difference, in points",
    "difference_low": "Smallest, in points",
    "difference_high": "Largest, in points",
    "p_low": "Smallest p",
    "p_high": "Largest p",
    "flips": "One force decides",
}
ADJUSTED: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "unadjusted": "Difference as found, in points",
    "difference": "With the mix held equal, in points",
    "difference_interval": "95% interval, in points",
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
    "location": "Place",
    "claim": "Claim",
    "value": "Printed",
    "recomputed": "Recomputed",
    "verdict": "Verdict",
    "reason": "Remark",
}

# The public record of inspections.
VISITS: Mapping[str, str] = {
    "first": "First inspection",
    "follow_up": "Follow-up",
    "other": "Other visit",
}
GRADES: Mapping[str, str] = {
    "good": "Good",
    "requires_improvement": "Requires improvement",
    "inadequate": "Inadequate",
    "requires_improvement|inadequate": "Requires improvement or inadequate",
    "adequate": "Adequate",
    "all": "Not graded by case",
}
STATES: Mapping[str, str] = {
    "closed": "Closed",
    "no_date": "No date indicated",
    "unknown": "Date not known",
    "not_due": "Before the date",
    "around_date": "About the date",
    "past_date": "Past the date, outcome unknown",
}
READINGS: Mapping[str, str] = {
    "as_printed": "Dates as printed",
    "high_confidence": "High confidence only",
    "earliest": "Doubtful dates: shortest",
    "latest": "Doubtful dates: longest",
}
SCOPES: Mapping[str, str] = {
    "all": "The whole audit",
    "further_cases": "Further cases",
    "child_sexual_exploitation": "Child sexual exploitation only",
    "missing_children": "Missing children only",
    "investigation": "Investigations only",
    "combined_forces": "Several forces together",
    "outside_programme": "A later format",
    "inspectors": "Inspectors",
    "force": "The force itself",
}
WAITING: Mapping[str, str] = {
    "subgroup": "Dates",
    "months": "Months",
    "at_risk": "Waiting before",
    "happened": "Ended then",
    "estimate": "Share waiting after",
    "ci_low": "Interval from",
    "ci_high": "to",
}
AUDITS: Mapping[str, str] = {
    "label": "Report",
    "response": "Grade",
    "count": "Cases graded so",
    "denominator": "Cases",
    "percent": "Per cent",
    "publisher": "Publisher",
}
TIMELINE: Mapping[str, str] = {
    "subgroup": "Force",
    "item": "Visit",
    "fieldwork_start": "Fieldwork",
    "published": "Published",
    "confidence": "Confidence",
    "publisher": "Publisher",
}
SEEN: Mapping[str, str] = {
    "subgroup": "Force",
    "recommendation": "Number",
    "time_scale": "Time scale",
    "indicated": "Date indicated",
    "status": "Status last seen",
    "status_date": "Seen on",
    "response": "State",
    "publisher": "Publisher",
}
# Interviews and focus groups.
PARTICIPANTS: Mapping[str, str] = {
    "senior_leaders": "Senior leaders",
    "custody_leads": "Custody leads",
    "safeguarding_partners": "External partners",
    "inspected_forces": "Inspected forces",
    "inspected_before_2017": "Inspected before 2017",
    "inspected_from_2017": "Inspected from 2017",
    "uninspected_forces": "Uninspected forces",
    "inspection_team": "Inspection team",
    "participants": "Not told apart",
    "inspection_reports": "Reports, not interviewees",
}
ATTRIBUTES: Mapping[str, str] = {
    "child_protection_lead": "Child protection lead",
    "business_improvement_lead": "Business improvement lead",
    "custody_lead": "Custody lead",
    "front_door": "Front door of social care",
    "childrens_services": "Children's services",
    "external_partner": "External partner",
    "inspector": "Inspector",
    "documents": "Reports reviewed",
    "not_told_apart": "Not told apart",
    "inspected": "Inspected",
    "uninspected": "Not yet inspected",
    "inspectorate": "Inspectorate",
    "before_2017": "Before 2017",
    "from_2017": "From 2017",
    "not_applicable": "Does not apply",
}
GROUPS: Mapping[str, str] = {
    "group": "Group",
    "role": "Role",
    "force_type": "Kind of force",
    "inspection_timing": "Inspected",
    "subgroup": "Name in the results",
}
CELLS: Mapping[str, str] = {
    "group": "Who",
    "summary": "What they say",
    "response": "Kind",
    "source_rows": "Rests on",
}
TRANSCRIPTS: Mapping[str, str] = {
    "synthetic": "The transcripts are synthetic: this project invented what they say. "
    "They show how reading, redaction, coding and linking work, and no finding rests on them.",
    "real": "The transcripts are those of the folder that this build was given. A passage is shown "
    "only when somebody has read and released it, and nobody is described by a role and a kind of "
    "force that fewer than three forces share.",
}
STATISTICS: Mapping[str, str] = {
    "minimum": "Shortest",
    "quartile_1": "A quarter took at most",
    "median": "Median of those that ended",
    "quartile_3": "Three quarters took at most",
    "maximum": "Longest",
    "waiting_median": "Median, those waiting counted",
}

# The brief of one force.
RECORDS: Mapping[str, str] = {
    "public_record": "Public record of inspections",
    "synthetic": "Invented record of invented forces",
}
KNOWN_HOW: Mapping[str, str] = {
    "time_to_publication": "To publication",
    "time_to_follow_up": "To the follow-up",
    "known": "Known to the month",
    "uncertain": "A range",
    "missing": "Missing",
    "waiting": "Waiting",
}
FOLLOW_UP: Mapping[str, str] = {
    "known": "Its first inspection has been followed up.",
    "uncertain": "Its first inspection has been followed up; the dates are not known to the month.",
    "missing": "Its first inspection has been followed up, but a date was not found.",
    "waiting": "The record has no follow-up of its first inspection yet.",
    "none": "The record holds no first inspection of it.",
}
REPORT_KINDS: Mapping[str, str] = {
    "inspection": "Inspection",
    "post inspection review": "Post-inspection review",
    "re inspection": "Re-inspection",
    "assessment of progress": "Assessment of progress",
    "thematic": "Thematic report",
}
SURVEY_OF_FORCE: Mapping[str, str] = {
    "shown": "The numbers are of those who chose to answer. An interval that holds no difference "
    "says that these respondents cannot tell; one that does not is no verdict on the force.",
    "few": "The file of respondents is real, but nothing of this force may be shown: too few "
    "answered, or the numbers of others would follow.",
    "invented": "The file of respondents is invented, and invented respondents say nothing about "
    "any force.",
    "no_force": "The file does not say in which force a respondent works.",
    "other_world": "The respondents are real and this force is invented: they do not belong to it.",
}


# The document review.
DOCUMENT_WORDS: Mapping[str, str] = {
    "synthetic": "The documents are synthetic: this project invented them and the forces that they "
    "speak of, in the structure of real reports. They show how documents are read and put "
    "together, and nothing about any force.",
    "public_record": "The documents are those of the folder that this build was given.",
}
CRITERIA: Mapping[str, str] = {
    "leadership_management_governance": "Leadership, management and governance",
    "initial_contact": "Initial contact",
    "assessment_and_help": "Assessment and help",
    "investigation": "Investigation",
    "decision_making": "Decision making",
    "trusted_adult": "Trusted adult",
    "managing_those_who_pose_a_risk": "Managing those who pose a risk",
    "police_detention": "Police detention",
    "missing_children": "Missing children",
}
DOCUMENT_KINDS: Mapping[str, str] = {
    "inspection": "inspection",
    "post_inspection_review": "post-inspection review",
    "re_inspection": "re-inspection",
    "assessment_of_progress": "assessment of progress",
    "register_entry": "register entry",
    "commissioner_response": "commissioner's response",
    "press_release": "press release",
    "other": "other",
}
TIME_SCALES: Mapping[str, str] = {
    "immediately": "Immediately",
    "within three months": "Within three months",
    "within six months": "Within six months",
    "none stated": "None stated",
}
SCALES: Mapping[str, str] = {
    "criterion": "Criterion",
    "time_scale": "To be done",
    "count": "Recommendations",
    "percent": "Per cent",
    "base": "Base",
}
THEMES: Mapping[str, str] = {
    "recommendation": "Recommended on",
    "critical finding": "Criticised",
    "positive finding": "Praised",
}
DOCUMENT_FACTS: Mapping[str, str] = {
    "document": "Document",
    "kind": "Kind",
    "force": "Force",
    "published": "Published",
    "fieldwork_start": "Fieldwork from",
    "fieldwork_end": "To",
    "cases": "Cases",
    "recommendations": "Recommendations",
    "confidence": "Lowest confidence",
    "problems": "Problems",
}
SPANS: Mapping[str, str] = {
    "document": "Document",
    "field": "Fact",
    "value": "Value",
    "quote": "Read from",
    "place": "Place",
    "confidence": "Confidence",
}
ASKED: Mapping[str, str] = {
    "document": "Document",
    "number": "Number",
    "text_span": "Recommendation",
    "time_scale": "Time scale",
    "criterion": "Criterion",
    "confidence": "Confidence",
}
EVIDENCE_MAP: Mapping[str, str] = {
    "force": "Force",
    "criterion": "Criterion",
    "recommendations": "Recommendations",
    "critical": "Critical findings",
    "positive": "Positive findings",
    "progress": "Progress at follow-up",
    "documents": "Documents",
}
CHANGE: Mapping[str, str] = {
    "force": "Force",
    "criterion": "Criterion",
    "asked": "What was asked",
    "progress": "Progress",
    "words": "In the follow-up's words",
    "follow_up": "Follow-up",
    "place": "Place",
}
GRADED: Mapping[str, str] = {
    "force": "Force",
    "kind": "Visit",
    "visited": "Fieldwork from",
    "cases": "Cases",
    "good": "Good",
    "requires_improvement": "Requires improvement",
    "inadequate": "Inadequate",
    "remark": "Remark",
}
EXTRACTION: Mapping[str, str] = {
    "item": "Field",
    "response": "Measure",
    "percent": "Right",
    "interval": "95% interval",
    "count": "Number right",
    "denominator": "Of",
}
EXTRACTION_FAILURES: Mapping[str, str] = {
    "document": "Document",
    "field": "Field",
    "expected": "In the document",
    "found": "Read",
    "failure": "Failure",
}
CODING_SHEET: Mapping[str, str] = {
    "document": "Document",
    "field": "Fact",
    "value": "Proposed",
    "reason": "Why it is doubtful",
    "quote": "Words",
    "place": "Place",
}

CODER_WORDS: Mapping[str, str] = {
    "synthetic": "The coders are synthetic, too: this project invented their codes from what each "
    "sentence was written to say, with errors at a stated rate. They show that sheets, agreement "
    "and proposals work, and nothing about how well people agree.",
    "public_record": "The codes are those of the people whose sheets this build was given.",
}
CODING_LEVELS: Mapping[str, str] = {"code": "Whole code", "area": "Area", "kind": "Kind"}
CODING_DIFFERENCES: Mapping[str, str] = {
    "text": "Extract",
    "codings": "Codes given",
    "differ_in": "They differ in",
    "decided": "Decided",
    "by": "By",
    "reason": "Reason",
}
CODING_TRAIL: Mapping[str, str] = {
    "extract": "Extract",
    "action": "Step",
    "code": "Code",
    "version": "Version",
    "by": "By",
    "on": "On",
    "reason": "Reason or remark",
}
PROPOSED_BY_CODE: Mapping[str, str] = {
    "item": "Code",
    "response": "Machine",
    "true": "By people",
    "found": "Proposed",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
}
PROPOSAL_FAILURES: Mapping[str, str] = {
    "text": "Extract",
    "response": "Machine",
    "by_people": "By people",
    "proposed": "Proposed",
    "words": "Words that gave it",
}
PROPOSALS: Mapping[str, str] = {
    "extract": "Extract",
    "text": "Words",
    "rules": "By rules",
    "rules_score": "Score",
    "rules_words": "Because of",
    "similarity": "By similarity",
    "similarity_score": "Score ",
    "similarity_words": "Because of ",
}

# What the rows of a results file are called where other pages rest on them.
RESTS_ON: Mapping[str, str] = {
    "did_decision": "Condition of the plan",
    "framework_extracts": "Interviews",
    "its_placebos": "Placebo",
    "option_outcomes": "Outcome",
    "power_detectable": "Power",
    "power_survey": "Power",
    "published_figures": "Printed",
    "published_robustness": "Printed comparison",
    "record_graded_twice": "Graded twice",
    "record_recommendation_counts": "Recommendations",
    "tracing_worth": "Clue to look for",
}

# The designs.
FORCE_LINE: Mapping[str, str] = {
    "period": "Quarter from",
    "observed": "Recorded",
    "fitted": "Fitted",
    "estimate": "Had the past gone on",
    "interval": "95% interval",
}
# Stand behind the column that names the row.
EFFECTS: Mapping[str, str] = {
    "ratio": "Times",
    "ratio_interval": "95% interval",
    "p_value": "p",
    "n": "Forces",
}
COVERAGE: Mapping[str, str] = {
    "coverage": "Covered",
    "std_error": "Standard error, mean",
    "sd": "Standard error, true",
}
POWER: Mapping[str, str] = {
    "power": "Power",
    "bias": "Bias, logarithm",
    "coverage": "Covered",
}
EVENTS: Mapping[str, str] = {
    "analysis": "Estimator",
    "event_time": "Years since",
    "ratio": "Times",
    "ratio_interval": "95% interval",
}
ARRANGEMENTS: Mapping[str, str] = {
    "group_size": "Forces at a time",
    "window_months": "Months between",
    "power": "Power",
    "periods": "Months in all",
}
RANKS: Mapping[str, str] = {
    "option": "Option",
    "estimate": "Score",
    "rank": "Place",
    "best_rank": "Best of middle draws",
    "worst_rank": "Worst",
    "first": "First in draws",
}


def in_words(text: str, book: Questionnaire) -> str:
    """A text with the labels of the questions, answers and groups that it names by their codes.

    Parameters
    ----------
    text : str
        For example ``TrainFre_3 1|2, area: custody`` or ``RServ in 1|2|3``.
    book : Questionnaire
        Whose labels.
    """
    codes = "|".join(sorted([*book.groups, *book.variables], key=len, reverse=True))
    text = text.replace(", all: all", ", all respondents")
    text = re.sub(rf"(?<=\d) (?=(?:{'|'.join(book.groups)})\b)", ", ", text)
    text = re.sub(
        rf"(?<![\w.])({codes})\b((?: in|:)? ([\w|]+))?",
        lambda found: _words(book, found[1], found[2] or "", found[3] or ""),
        text,
    )
    for rule, words in _RULE_WORDS:
        text = text.replace(rule, words)
    return text


_RULE_WORDS = (
    ("force.first_inspection", "first inspection"),
    ("force.joint_inspection", "joint inspection"),
    ("not_before opening", "not before the survey opened"),
    ("before opening", "before the survey opened"),
    ("not_before ", "not before "),
    (" & ", " and "),
)


def _words(book: Questionnaire, name: str, rest: str, values: str) -> str:
    parts = values.split("|")
    if name in book.groups:
        group = book.groups[name]
        if set(parts) <= set(group.categories):
            return f"{group.label}: {' or '.join(group.categories[part] for part in parts)}"
        return group.label + rest
    variable = book.variable(name)
    if set(parts) <= {str(code) for code in variable.options}:
        return f"{variable.label}: {book.response_label(name, values)}"
    return variable.label + rest
