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
    "missing_children": r"\bmissing\b",
    "police_detention": r"\bdetain|\bdetention|custody|appropriate adult|\bbail\b|overnight|"
    r"alternative accommodation",
    "managing_those_who_pose_a_risk": r"sex(?:ual)? offender|offender manage|MOSOVO|"
    r"pos(?:e|ing) a risk|ViSOR|indecent images|\bonline\b",
    "trusted_adult": r"trusted adult|\btrusts\b|independent advoca|wishes|feelings",
    "decision_making": r"police protection|powers? of protection|powers? to remove|section 46|"
    r"protecti(?:on|ve) powers|decision[- ]making|\brecords? of|record[- ]keeping",
    "investigation": r"investigat|supervis|exploitation|digital|\bdevices?\b|\bphones?\b|"
    r"computers?|(?:case|work)loads?|\bevidence",
    "assessment_and_help": r"referral|refers? |strategy (?:discussion|meeting)|"
    r"information[- ]sharing|shar(?:e|es|ing) (?:of )?(?:\w+ )?information|MASH|safeguarding hub|"
    r"conference|risk assess|school notification",
    "initial_contact": r"control room|call hand|\bcalls?\b|first respon|response officer|frontline|"
    r"incident|demeanour|voice of|listen|(?:speak|spoken|talk\w*) (?:\w+ )?to|"
    r"respon(?:d|ds|ding) (?:promptly|quickly|to (?:calls|incidents|children at risk))|welfare of|"
    r"at risk are",
    "leadership_management_governance": r"performance|governance|leader|guidance|"
    r"\btrain(?:s|ed|ing)\b|\baudit|\bstrategy\b(?! (?:discussion|meeting))|strategic|\bdata\b|"
    r"information on|outcomes",
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
    """The criterion whose own words a recommendation uses most, the earliest of equals; "" if none.

    Examples
    --------
    >>> by_words("ensure that supervisors look at investigations of missing children")
    'investigation'
    """
    found = {
        criterion: [match.start() for match in re.finditer(words, text, re.IGNORECASE)]
        for criterion, words in _BODY.items()
    }
    named = {criterion: places for criterion, places in found.items() if places}
    return min(
        named, key=lambda criterion: (-len(named[criterion]), named[criterion][0]), default=""
    )
