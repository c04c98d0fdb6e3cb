"""The criteria of the inspections, as chapters name them."""

from __future__ import annotations

import re

CRITERIA: dict[str, str] = {
    "leadership_management_governance": r"leadership,? (?:and )?management|leadership and "
    r"governance",
    "initial_contact": r"initial contact|first contact",
    "assessment_and_help": r"assessment and help|assessment,? (?:and )?help",
    "investigation": r"investigations?\b",
    "decision_making": r"decision[- ]making",
    "trusted_adult": r"trusted adult",
    "managing_those_who_pose_a_risk": r"manag\w+ (?:of )?(?:those|people|individuals|offenders)"
    r"(?: who| that)? ?(?:pos\w+|present\w*)",
    "police_detention": r"police detention|detention|custody",
    "missing_children": r"missing (?:and absent )?(?:children|or absent)|children (?:who go |"
    r"reported )?missing",
}
"""Criterion -> words of its chapter heading, in the order in which they are tried."""

_BODY: dict[str, str] = {
    "missing_children": r"missing",
    "police_detention": r"detain|detention|custody|appropriate adult|bail",
    "managing_those_who_pose_a_risk": r"sex(?:ual)? offender|offender manage|MOSOVO|pose a risk|"
    r"ViSOR"
    r"|indecent images|online",
    "trusted_adult": r"trusted adult|independent advoca",
    "decision_making": r"police protection|section 46|decision",
    "investigation": r"investigat|supervis|exploitation|digital|devices?",
    "assessment_and_help": r"referral|strategy (?:discussion|meeting)|information[- ]sharing|MASH|"
    r"safeguarding hub|conference|risk assess",
    "initial_contact": r"control room|call handl|first respon|incident|demeanour|voice of|listen",
    "leadership_management_governance": r"performance|governance|leader|training|audit|strateg",
}


def by_heading(heading: str) -> str:
    """The criterion that a chapter heading names, or "".

    Sentence headings (findings) name none: only a heading of few words, or the part after a colon,
    is a chapter's.

    Examples
    --------
    >>> by_heading("5.  Initial contact")
    'initial_contact'
    >>> by_heading("Recommendations from the 2019 inspection report: assessment and help")
    'assessment_and_help'
    """
    text = re.sub(r"^\s*(?:chapter )?\d+(?:\.\d+)*[.:)]?\s*", "", heading, flags=re.IGNORECASE)
    parts = [text] if ":" not in text else [part.strip() for part in text.split(":")]
    for part in parts:
        for criterion, words in CRITERIA.items():
            match = re.match(rf"(?:the )?(?:{words})", part, re.IGNORECASE)
            left = len(part[match.end() :].split()) if match else 99
            if (
                left <= 6
                and len(part.split()) <= 11
                and not re.search(
                    r"\b(?:is|are|was|were|has|have|had|does|do|n't|isn't|aren't|need\w*|"
                    r"improv\w*)\b",
                    part,
                    re.IGNORECASE,
                )
            ):
                return criterion
    return ""


def by_words(text: str) -> str:
    """The criterion whose own words a recommendation uses most, or "" when none or two tie."""
    counts = {
        criterion: len(re.findall(words, text, re.IGNORECASE)) for criterion, words in _BODY.items()
    }
    best = max(counts.values())
    leaders = [criterion for criterion, count in counts.items() if count == best]
    return leaders[0] if best and len(leaders) == 1 else ""
