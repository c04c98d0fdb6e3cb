"""Building blocks of the invented answers in words.

Written for this project; no sentence is anybody's. A statement is a template whose blanks in braces
are filled from `SLOTS`; every template belongs to one theme, so that the true theme of an answer is
known.
"""

# fmt: off
SLOTS: dict[str, tuple[str, ...]] = {
    "partner": ("social care", "the local authority", "children's services", "health", "schools",
                "housing", "the youth offending team", "early help", "midwifery", "the MASH",
                "education welfare", "our statutory partners"),
    "meeting": ("strategy meetings", "daily briefings", "case conferences", "a call each morning",
                "multi-agency panels", "weekly case reviews", "joint tasking"),
    "when": ("at weekends", "after five o'clock", "overnight", "out of hours", "on bank holidays",
             "once the office has closed", "during late turn"),
    "quick": ("same day", "within the hour", "before the end of the shift", "without chasing",
              "by the next morning"),
    "form": ("the vulnerability form", "the child referral form", "our safeguarding report",
             "the risk assessment", "the concern report", "the referral template"),
    "system": ("the crime recording system", "the custody record", "the intelligence database",
               "the incident log", "the case file", "the records system"),
    "detail": ("who lives in the household", "siblings and half siblings",
               "which school a child attends", "earlier concerns", "the family tree",
               "what the child actually said", "names of other adults at the address"),
    "team": ("child abuse investigators", "the missing from home coordinators",
             "the exploitation team", "dedicated detectives", "the safeguarding desk",
             "the schools officers", "the child protection unit", "the referral unit"),
    "staff": ("response officers", "new recruits", "custody staff", "call takers",
              "neighbourhood teams", "PCSOs", "supervisors", "front desk staff",
              "detention officers"),
    "course": ("a classroom day", "joint sessions with social workers", "short refresher inputs",
               "scenario based learning", "shadowing placements", "an annual update",
               "face to face training", "case study sessions"),
    "topic": ("neglect", "exploitation", "speaking to younger children",
              "domestic abuse where children are present", "trauma", "online harm",
              "thresholds for referral", "disclosures", "missing episodes"),
    "leader": ("the senior team", "our superintendent", "the chief officer group",
               "local inspectors", "my line manager", "the head of department", "command"),
    "backing": ("backs decisions made on the ground", "asks about children in every review",
                "dip samples files and tells us what was found", "keeps children on the agenda",
                "makes time for welfare checks on staff", "explains why a decision matters"),
    "sign": ("early signs of neglect", "grooming", "coercion in teenage relationships",
             "children used by drug lines", "hidden harm at domestic incidents",
             "repeat missing episodes", "risk to siblings"),
    "lack": ("too few people", "heavy caseloads", "long term vacancies", "constant abstractions",
             "cars off the road", "sickness that is not covered", "too much overtime"),
    "voice": ("the child's own words", "how the child seemed", "what the child wants to happen",
              "the child's daily life", "the child's wishes"),
    "power": ("police protection", "entry without warrant", "taking a child to a place of safety",
              "sharing information without consent", "child abduction notices",
              "bail conditions that protect children", "the age of criminal responsibility"),
    "agency": ("which agency to ring first", "what each agency is responsible for",
               "who is on duty for children's services", "what health visitors can offer",
               "what schools do after we notify them", "who the designated officers are",
               "what charities in our area provide", "how early help takes referrals"),
    "process": ("joint investigations with social care", "referral routes", "the escalation policy",
                "what happens after a referral is sent", "booking a medical",
                "the steps for a strategy discussion", "interview planning",
                "handover to the specialist unit"),
    "why": ("It saves time for everyone", "Families notice the difference",
            "It stops things being missed", "It keeps children safer", "Fewer cases drift",
            "We get better information for it",
            "It gives officers confidence"),
    "but": ("which slows everything down", "and risk is missed", "so officers give up trying",
            "and children wait too long", "so the picture is never complete",
            "which is frustrating for families", "and nobody owns the problem"),
    "place": ("in my team", "on my shift", "across the force", "in our area", "at my station",
              "in this part of the county", "within the department"),
}

BEST_PRACTICE: dict[str, tuple[str, ...]] = {
    "partnership_working": (
        "good working relationship with {partner}",
        "we sit beside {partner} and information is shared {quick}",
        "decisions are made together with {partner} in {meeting}",
        "social workers based in our office make contact with {partner} easy",
        "sharing of information with {partner} works well {place}",
        "joint visits with {partner} are arranged {quick}",
        "{partner} invite us to {meeting} and listen to us",
        "open lines to {partner}, calls are returned {quick}",
    ),
    "systems_and_processes": (
        "{form} is sent for every child we meet and checked {quick}",
        "clear procedure for recording risk, {form} cannot be skipped",
        "flags on {system} show {detail}",
        "supervisors check {form} before the end of duty",
        "{system} prompts us for {detail}",
        "one simple process {place} for {form}",
        "quality checks on {form} are done {quick}",
        "vulnerability is always recorded on {system} {place}",
    ),
    "specialist_teams": (
        "{team} are experienced and easy to reach",
        "having {team} means expertise stays in one place",
        "{team} give advice to {staff} {quick}",
        "specialist unit with people who know the work, especially {team}",
        "{team} take on the complex cases {place}",
    ),
    "training": (
        "{course} on {topic} was excellent",
        "{staff} get {course} on {topic}",
        "good inputs on {topic} {place}",
        "{course} is offered to {staff} every year",
    ),
    "leadership": (
        "{leader} {backing}",
        "strong lead from {leader} {place}",
        "safeguarding is a clear priority for {leader}",
        "{leader} is approachable and {backing}",
    ),
    "voice_of_the_child": (
        "officers write down {voice} {place}",
        "{staff} are expected to record {voice}",
        "children are seen alone and {voice} goes into the report",
        "body worn video is used to capture {voice}",
    ),
    "identifying_risk": (
        "{staff} are good at spotting {sign}",
        "we look beyond the incident for {sign}",
        "every address is checked for {sign}",
        "professional curiosity about {sign} {place}",
    ),
}

IMPROVEMENT: dict[str, tuple[str, ...]] = {
    "partnership_working": (
        "{partner} cannot be reached {when} {but}",
        "information held by {partner} is hard to get {when}",
        "{partner} often missing from {meeting} {but}",
        "referrals to {partner} take too long {but}",
        "no feedback from {partner} after a referral",
        "better understanding between us and {partner} is needed {place}",
        "{partner} have different thresholds {but}",
        "we need a contact in {partner} {when}",
    ),
    "systems_and_processes": (
        "{system} does not show {detail} {but}",
        "not enough detail about {detail} in {form}",
        "{form} is too long {but}",
        "several systems hold {detail} and none of them talk to each other",
        "recording of {detail} on {system} is poor {place}",
        "{system} makes it hard to find {detail}",
        "accuracy of {form}, {detail} is often left out",
        "too much double keying between {system} and {form}",
    ),
    "specialist_teams": (
        "nobody does the work of {team} {place} {but}",
        "bring back {team}",
        "{team} should cover {when}",
        "{team} need more posts {but}",
        "specialist posts are filled with people who lack the skills, for example {team}",
    ),
    "training": (
        "more training on {topic} for {staff}",
        "{course} instead of online packages, above all on {topic}",
        "refresher training on {topic}, mine was years ago",
        "{staff} have had nothing on {topic}",
        "training on {topic} is uneven {place}",
        "{course} for {staff} would help",
    ),
    "resources": (
        "{lack} {place} {but}",
        "more people, we have {lack}",
        "{lack} among {team}",
        "child protection needs money and staff, not {lack}",
    ),
    "leadership": (
        "{leader} should be seen more by {staff}",
        "{leader} does not explain decisions {but}",
        "changes are not passed on from {leader} to {staff}",
        "{leader} looks at targets before children",
    ),
    "voice_of_the_child": (
        "{voice} is seldom recorded {place}",
        "{staff} speak to the parents and forget {voice}",
        "more time is needed to ask about {voice}",
    ),
    "identifying_risk": (
        "{sign} is missed by {staff}",
        "risk is graded too low when there is {sign}",
        "{staff} should look for {sign} at every incident",
    ),
}

INFORMATION: dict[str, tuple[str, ...]] = {
    "partner_agencies": (
        "{agency}", "I would like to know {agency}", "knowing {agency} {when}",
        "a list that says {agency}", "more clarity on {agency}", "how to reach {partner} {when}",
        "what {partner} can and cannot do", "{agency} and how to contact them {when}",
        "contact details for {partner}", "the role of {partner} in child protection",
        "what {partner} do with our information", "{agency}, it changes all the time",
    ),
    "internal_procedures": (
        "{process}", "a simple guide to {process}", "our own policy on {process}",
        "who signs off {process} {place}", "{process}, it differs {place}",
        "where to find the procedure for {process}",
    ),
    "identifying_risk": (
        "how to recognise {sign}", "assessing risk where there is {sign}",
        "more on {topic} and {sign}", "what to look for in cases of {topic}",
        "judging risk for response officers, {sign} in particular",
    ),
    "powers_and_legislation": (
        "when {power} can be used", "the law on {power}", "{power}, a short aide memoire please",
        "powers around {power} {when}", "an update on legislation about {power}",
    ),
    "training": (
        "training on {topic} for {staff}", "{course} on {topic}",
    ),
}

COMMENTS: dict[str, tuple[str, ...]] = {
    "programme_awareness": (
        "first I have heard of it", "never heard of this programme {place}",
        "nobody {place} has mentioned the inspections", "please tell {staff} about it",
        "results should be shared with {staff}, not only with {leader}",
        "I only know about it from {leader}",
    ),
    "inspection_experience": (
        "the inspectors were fair and listened to {staff}", "it added a lot of work {place}",
        "the inspection made {leader} take {topic} seriously",
        "reports should say how to improve {topic}",
        "too many inspections at once {but}",
        "useful to see what other forces do about {topic}",
    ),
    "resources": (
        "recommendations are fine but we have {lack}",
        "inspect the funding as well, {lack} {place}",
    ),
    "partnership_working": (
        "inspect {partner} at the same time as us",
        "many recommendations depend on {partner}",
    ),
}
# fmt: on

# How an answer starts and ends; blank is commonest.
OPENERS = (
    "", "", "", "", "I think ", "In my view ", "Mainly ", "For me: ", "Honestly, ",
    "From what I see, ",
)  # fmt: skip
CLOSERS = ("", "", "", "", "", "", "!", ".", ".", "...")
PRAISE_CLOSERS = ("", "", "", "", "", ". {why}", ". {why}.", "!", ".", ".")

# Answers that carry no theme. None is a word such as "n/a" that pandas and spreadsheets read as an
# empty cell, so that the file survives being opened and saved by them.
EMPTY_WORDS = (
    "n/a.",
    "nothing to add",
    "none",
    "see above",
    "-",
    "not sure what to put",
    "no comment",
)

# Details that must never be shown; numbers and addresses are reserved for fiction. The theme file
# says which answers carry one.
TRAPS: dict[str, tuple[str, ...]] = {
    "telephone": (
        "ring me on 01632 960 417 if you want an example",
        "my desk is 01632 960882",
        "call 07700 900 263 for the coordinator",
    ),
    "email": (
        "I can be reached at r.tillbrook@example.invalid",
        "write to safeguarding-desk@example.invalid for the template",
        "more from j_marrow.7731@example.invalid",
    ),
    "collar_number": (
        "ask PC 4417 who set this up",
        "signed, DS 20983",
        "PCSO 7719 has been brilliant",
    ),
    "force_name": (
        "this is how we do it in Kestrelshire",
        "Silverbeck Police were better at this when I worked there",
    ),
}
