"""Sentences of the invented reports, all written for this corpus.

They follow the build of real reports (a finding is a sentence heading, a recommendation opens with
its time scale, sub-points end with semicolons) and take no sentence from any of them.
"""

from __future__ import annotations

FORCES: list[tuple[str, str, str]] = [
    # name, what it calls itself, alias
    ("Ashdale", "Police", ""),
    ("Brackenshire", "Constabulary", ""),
    ("Calder and Wyre", "Police", "Calder & Wyre"),
    ("North Dunmoor", "Police", ""),
    ("South Dunmoor", "Police", ""),
    ("Eastmere", "Constabulary", ""),
    ("Fenwick-Tarn", "Police", "Fenwick Tarn"),
    ("Greater Holmeport", "Police", "GHP"),
    ("Hartlow", "Constabulary", ""),
    ("Isleworthy", "Police", ""),
    ("City of Kelminster", "Police", ""),
    ("Lorne Valley", "Police", ""),
    ("Marlshire", "Constabulary", ""),
    ("Nethercombe", "Police", ""),
    ("Oxmarsh", "Police", ""),
    ("Penhallow and Trewick", "Police", "Penhallow & Trewick"),
    ("Quarrydale", "Constabulary", ""),
    ("West Rothbury", "Police", ""),
    ("Selwick", "Police", ""),
    ("Tamarshire", "Constabulary", ""),
    ("Upper Severnside", "Police", ""),
    ("Vale of Orrin", "Police", ""),
    ("Wexcombe", "Police", ""),
    ("Yarnshire", "Constabulary", ""),
]

STAGES: list[tuple[str, str]] = [
    ("leadership_management_governance", "Leadership, management and governance"),
    ("initial_contact", "Initial contact"),
    ("assessment_and_help", "Assessment and help"),
    ("investigation", "Investigation"),
    ("decision_making", "Decision-making"),
    ("trusted_adult", "Trusted adult"),
    ("managing_those_who_pose_a_risk", "Managing those who pose a risk to children"),
    ("police_detention", "Police detention"),
]

RECOMMENDATIONS: dict[str, list[tuple[str, str, list[str]]]] = {
    # criterion -> (verb phrase after the force's name, the same after "should", sub-points)
    "leadership_management_governance": [
        (
            "reviews the information its senior leaders see about children",
            "review the information its senior leaders see about children",
            [
                "how good the work with each child is",
                "what children said about it",
                "whether supervisors acted on weak work",
            ],
        ),
        (
            "makes sure that every team working with children is trained for it",
            "make sure that every team working with children is trained for it",
            [],
        ),
    ],
    "initial_contact": [
        (
            "improves how its control room tells which calls involve a child",
            "improve how its control room tells which calls involve a child",
            [
                "repeat calls from one address",
                "calls made by a child",
                "the checks made before a call is downgraded",
            ],
        ),
        (
            "takes steps to make sure that officers speak to children and write down what they "
            "see and hear",
            "take steps to make sure that officers speak to children and write down what they "
            "see and hear",
            [],
        ),
    ],
    "assessment_and_help": [
        (
            "reviews how it shares concerns about children with councils and health services",
            "review how it shares concerns about children with councils and health services",
            ["the time a referral takes", "what is sent when a case is not referred"],
        ),
        (
            "acts to make sure that decisions of strategy meetings reach its systems on the "
            "same day",
            "act to make sure that decisions of strategy meetings reach its systems on the same "
            "day",
            [],
        ),
        (
            "undertakes a review of its response to children who go missing often",
            "undertake a review of its response to children who go missing often",
            [
                "an early look at the risk",
                "a plan that lasts longer than one episode",
                "the interview on return",
            ],
        ),
    ],
    "investigation": [
        (
            "puts in place supervision that finds and corrects slow investigations",
            "put in place supervision that finds and corrects slow investigations",
            [
                "clear plans with dates",
                "the time taken to examine devices",
                "contact with the child",
            ],
        ),
        (
            "ensures that cases of child sexual exploitation go to officers with the right skills",
            "ensure that cases of child sexual exploitation go to officers with the right skills",
            [],
        ),
    ],
    "decision_making": [
        (
            "makes sure that every use of its power to remove a child is recorded in full",
            "make sure that every use of its power to remove a child is recorded in full",
            ["why the power was used", "who was told and when", "where the child was taken"],
        ),
    ],
    "trusted_adult": [
        (
            "improves how its officers find out whom a child trusts",
            "improve how its officers find out whom a child trusts",
            [],
        ),
    ],
    "managing_those_who_pose_a_risk": [
        (
            "takes action to make sure that overdue visits to registered sex offenders are made",
            "take action to make sure that overdue visits to registered sex offenders are made",
            [
                "the highest risk first",
                "a record of each attempt",
                "intelligence from neighbourhood teams",
            ],
        ),
        (
            "reviews the time it takes to act on reports of indecent images",
            "review the time it takes to act on reports of indecent images",
            [],
        ),
    ],
    "police_detention": [
        (
            "reviews with its partners how children kept overnight get other accommodation",
            "review with its partners how children kept overnight get other accommodation",
            [
                "requests for accommodation and their outcome",
                "the certificates courts receive",
                "the time until an appropriate adult comes",
            ],
        ),
        (
            "makes sure that a detained child sees an appropriate adult without delay",
            "make sure that a detained child sees an appropriate adult without delay",
            [],
        ),
    ],
}

FINDINGS: dict[str, list[tuple[str, bool]]] = {
    # criterion -> (finding, positive)
    "leadership_management_governance": [
        ("Senior leaders put the safety of children first and staff know it", True),
        ("Performance information doesn't show whether children are safer", False),
        ("Partners describe an open and reliable working relationship with the force", True),
        ("Training doesn't reach response officers often enough", False),
    ],
    "initial_contact": [
        ("Control room staff quickly recognise when a child is at immediate risk", True),
        ("The views and behaviour of children aren't recorded consistently", False),
        ("Some incidents involving children are downgraded without a supervisor knowing", False),
    ],
    "assessment_and_help": [
        ("Referrals to children's social care are often late", False),
        ("Daily meetings help to share what is known about domestic abuse", True),
        ("The force doesn't respond well to children who go missing repeatedly", False),
    ],
    "investigation": [
        ("Specialist investigators are committed and keep in touch with children", True),
        ("There are delays in examining children's phones and computers", False),
        ("Supervisors don't always challenge drift in investigations", False),
    ],
    "decision_making": [
        ("Officers use their powers to protect children in urgent cases well", True),
        ("Records of why a child was removed are too thin", False),
    ],
    "trusted_adult": [
        ("Some officers take great care to find an adult the child trusts", True),
        ("Few records show who matters to the child", False),
    ],
    "managing_those_who_pose_a_risk": [
        ("Offender managers know the people they visit", True),
        ("Visits to registered sex offenders are overdue in two of three areas", False),
        ("The online abuse team works at pace in the highest risk cases", True),
    ],
    "police_detention": [
        ("Custody sergeants don't always question why a child is detained", False),
        ("Children wait too long for an appropriate adult", False),
        ("Liaison nurses see every child who is detained", True),
    ],
}

DETAIL: list[str] = [
    "We saw this in several of the cases that we read, and officers told us the same.",
    "In one case, a girl of 14 had been reported missing nine times in three months before a "
    "plan was made.",
    "A detective told us that her team had 31 investigations open and three vacancies.",
    "The force told us that it had already changed its procedure in 2 of its 3 areas.",
    "An officer stayed with two children aged 6 and 9 for four hours until a place was found.",
    "Within three months of the change, the number of late reports had fallen by 12 percent.",
    "Staff immediately told us how the new form helped them.",
    "The council and the police share an office, which helps when a decision is needed at once.",
    "We found that 17 referrals had waited more than ten days.",
    "The records of a boy of 11 did not say what he wanted to happen.",
    "In July 2018, new statutory guidance changed what is expected of the police.",
    "Good work by one sergeant had been noticed by the local authority.",
    "Managers check six cases a month, and they act on what they find.",
]

FOREWORD: list[str] = [
    "Every child should be able to count on the police when it matters.",
    "The police meet children in many ways: as victims, as witnesses, as those who have gone "
    "missing and as suspects.",
    "What officers notice in the first minutes often decides whether a child is safe afterwards.",
]

CASE_TYPES: list[str] = [
    "Enquiries under section 47 of the Children Act 1989",
    "Referrals relating to domestic abuse incidents",
    "Referrals relating to incidents other than domestic abuse",
    "Children at risk of sexual exploitation",
    "Missing children",
    "Children taken to a place of safety under section 46",
    "Sex offenders assessed as a risk to children",
    "Children detained in police custody",
    "Online abuse",
]

PROGRESS: list[str] = [
    "The force has made good progress against this recommendation.",
    "There has been some progress, but the change has not reached every team.",
    "Progress has been slow and children are still waiting too long.",
    "We found continued concern in this area.",
    "The constabulary has not yet done what we asked for in our first report.",
]
