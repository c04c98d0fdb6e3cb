"""Write each invented document block by block, keeping its ground truth beside it."""

from __future__ import annotations

import random

from ncpi_eval.synthesis_documents.model import Block, Paper
from ncpi_eval.synthesis_documents.plan import (
    MONTHS,
    WORDS,
    Story,
    context_blocks,
    day_range,
    grade_sentence,
    month_name,
    recommendation_blocks,
    stage_heading,
    stories,
)
from ncpi_eval.synthesis_documents.wording import (
    CASE_TYPES,
    DETAIL,
    FINDINGS,
    FOREWORD,
    PROGRESS,
    STAGES,
)

NOTICE = "Synthetic document: the force, the people and every number in it are invented."


def papers(seed: int, number: int = 24) -> list[Paper]:
    """Every document of the corpus: an inspection and a follow-up a force, and other kinds."""
    made: list[Paper] = []
    for index, story in enumerate(stories(seed, number)):
        made += [inspection(story, index), follow_up(story, index)]
        if index % 4 == 0:
            made.append(press_release(story, index))
        if index % 6 == 1:
            made.append(register_entry(story, index))
        if index % 8 == 2:
            made.append(response(story, index))
        if index % 12 == 3:
            made.append(publication_page(story, index))
    return made


def _slug(story: Story) -> str:
    return story.name.lower().replace(" ", "-")


def _truth(name: str, kind: str, force: str) -> dict[str, str]:
    return {"document": name, "kind": kind, "force": force}


def _set_audit(truth: dict[str, str], audit: dict[str, int]) -> None:
    for grade in ("cases", "good", "requires_improvement", "inadequate"):
        truth[grade] = str(audit[grade])


def inspection(story: Story, index: int) -> Paper:
    """The first report."""
    rng = random.Random(f"inspection/{story.name}/{index}")
    extension = ["html", "pdf", "docx", "html"][index % 4]
    name = f"{index + 1:02d}-{_slug(story)}-inspection.{extension}"
    paper = Paper(name, [], _truth(name, "inspection", story.name))
    old = story.year < 2017
    body = story.inspectorate(*story.first_published[:2])
    _title(paper, story, "inspection", rng)
    _dates_of_inspection(paper, story, index, rng)
    _contents(paper, rng)
    _foreword(paper, body)
    _summary(paper, story, index, rng, body)
    _introduction(paper, rng)
    paper.blocks += context_blocks(story, rng)
    gathered = old and index % 3 != 2
    _stages(paper, story, index, rng, body, gathered)
    _case_table(paper, story, index, rng)
    if gathered:
        _gathered(paper, story, index, body)
    _next_steps(paper, story, body, index)
    paper.truth["recommendations"] = str(len(paper.recommendations))
    _quirks(paper, index, rng)
    return paper


def _title(paper: Paper, story: Story, what: str, rng: random.Random) -> None:
    dash = rng.choice([" – ", " – ", " - ", ": "])
    named = rng.choice([story.name, story.full, story.full])
    titles = {
        "inspection": "National child protection inspection",
        "review": rng.choice(
            [
                "National child protection inspection post-inspection review",
                "National child protection post-inspection review",
            ]
        ),
        "reinspection": "National child protection re\u2011inspection",
        "progress": "National child protection inspection assessment of progress",
    }
    covers = {
        "inspection": ["National Child Protection Inspections"],
        "review": [
            rng.choice(
                [
                    "National Child Protection Inspection Post-Inspection Review",
                    "National Child Protection Post-Inspection Review",
                ]
            )
        ],
        "reinspection": ["National Child Protection Inspection", "Re-inspection"],
        "progress": ["National Child Protection Inspection", "Assessment of progress"],
    }
    if paper.format == "html":
        paper.blocks.append(Block("h1", f"{named}{dash}{titles[what]}"))
        paper.title = f"{named}{dash}{titles[what]} - Inspectorate"
    else:
        paper.cover = [*covers[what], story.full]
        paper.title = rng.choice(["", "Report template v2", f"{covers[what][0]} {story.full}"])


def _dates_of_inspection(paper: Paper, story: Story, index: int, rng: random.Random) -> None:
    year, month, day = story.first_published
    days, start, end = day_range(story)
    if paper.format == "html":
        reissued = year < 2021 and index % 3 == 0
        shown = (
            f"{rng.randint(16, 30)} September 2022"
            if reissued
            else f"{day} {month_name(year, month)}"
        )
        paper.blocks.append(Block("p", f"Published on: {shown}"))
        paper.truth["published"] = "" if reissued else f"{year}-{month:02d}-{day:02d}"
        if reissued:
            paper.quirks.append("re-issued")
            paper.truth["published"] = f"{year}-{month:02d}"
        iso = f"{story.year}-{story.month:02d}"
        paper.truth |= {"fieldwork_start": iso, "fieldwork_end": iso}
    else:
        paper.cover += [days, month_name(year, month)]
        paper.truth |= {
            "published": f"{year}-{month:02d}",
            "fieldwork_start": start,
            "fieldwork_end": end,
        }
        body = story.inspectorate(year, month)
        paper.cover += [
            f"© {body} {year}",
            f"ISBN: 978-1-00000-{rng.randint(100, 999)}-4",
            f"www.example.org/{body.lower()}",
        ]


def _contents(paper: Paper, rng: random.Random) -> None:
    if rng.random() < 0.75:
        paper.blocks.append(Block("h2", "Contents"))
        for label in (
            "Foreword",
            "Summary",
            "Introduction",
            *(label for _, label in STAGES),
            "Recommendations",
            "Next steps",
        ):
            paper.blocks.append(Block("contents", label))


def _foreword(paper: Paper, body: str) -> None:
    paper.blocks.append(Block("h2", "Foreword"))
    paper.blocks += [Block("p", text) for text in FOREWORD]
    paper.blocks.append(
        Block(
            "p",
            f"In April 2014, {body} began to inspect how well every force in England and Wales "
            f"protects children.",
        )
    )


def _summary(paper: Paper, story: Story, index: int, rng: random.Random, body: str) -> None:
    paper.blocks.append(Block("h2", rng.choice(["Summary", "Executive summary"])))
    audit = story.audits[0]
    when = month_name(story.year, story.month)
    if paper.format == "html":
        paper.blocks.append(
            Block(
                "p",
                rng.choice(
                    [
                        f"This report is about our inspection of the child protection work of "
                        f"{story.full}, which took place in {when}.",
                        f"In {when}, we inspected {story.full} to see how well it keeps "
                        f"children safe.",
                        f"We carried out our inspection of {story.full} in {when}.",
                    ]
                ),
            )
        )
    else:
        paper.blocks.append(
            Block("p", f"This is the report of an inspection of child protection at {story.full}.")
        )
    _set_audit(paper.truth, audit)
    if index % 7 == 5 and "adequate" not in audit:
        # the table alone carries the counts
        paper.quirks.append("counts only in a table")
        share = round(100 * audit["good"] / audit["cases"])
        paper.blocks.append(
            Block("p", f"Only {share} percent of the cases that we read were good.")
        )
    else:
        if story.year < 2016:
            paper.blocks.append(
                Block(
                    "p",
                    f"The force assessed 33 of its own cases. It graded practice as good in "
                    f"{rng.randint(15, 20)}, "
                    f"adequate in 7, requiring improvement in 4 and inadequate in 3.",
                )
            )
        opening = rng.choice(
            [
                "We examined",
                "Inspectors audited",
                "We reviewed",
                "During the inspection, we examined",
            ]
        )
        paper.blocks.append(Block("p", grade_sentence(audit, index, opening)))
    paper.blocks.append(
        Block(
            "p",
            f"Of the {rng.randint(8, 12)} cases about missing children, "
            f"{WORDS[rng.randint(3, 7)]} were inadequate.",
        )
    )
    count = len(story.recommendations)
    paper.blocks.append(
        Block("p", f"We made {WORDS[count] if count <= 10 else count} recommendations.")
    )


def _introduction(paper: Paper, rng: random.Random) -> None:
    paper.blocks += [
        Block("h2", "1. Introduction"),
        Block("h3", "The police's responsibility to keep children safe"),
        Block(
            "p",
            "Under the Children Act 1989, a constable may take a child to a place of safety. "
            "Statutory guidance "
            "was last revised in July 2018.",
        ),
        Block("h3", "Expectations set out in Working Together"),
        Block(
            "p",
            "Forces should immediately share what they know when a child is at risk; that is "
            "what the guidance asks of everyone.",
        ),
    ]


def _stages(
    paper: Paper, story: Story, index: int, rng: random.Random, body: str, gathered: bool
) -> None:
    numbered = index % 5 != 4
    stages = STAGES if index % 2 else [*STAGES[1:], STAGES[0]]
    for position, (criterion, label) in enumerate(stages, start=3):
        paper.blocks.append(
            Block("h2", stage_heading(position, label, numbered, story.year < 2017))
        )
        for text, _ in rng.sample(
            FINDINGS[criterion], k=min(len(FINDINGS[criterion]), rng.randint(2, 4))
        ):
            paper.blocks.append(Block("h3", text))
            for _ in range(rng.randint(1, 2)):
                paper.blocks.append(Block("p", " ".join(rng.sample(DETAIL, k=rng.randint(1, 3)))))
        mine = [item for item in story.recommendations if item["criterion"] == criterion]
        if mine and not gathered:
            many = len(mine) > 1 or rng.random() < 0.3
            paper.blocks.append(
                Block(
                    "box",
                    rng.choice(["Recommendations", "Recommendations "])
                    if many
                    else rng.choice(["Recommendation", "Recommendation "]),
                )
            )
            for number, item in enumerate(mine):
                _recommend(paper, story, item, index + number, body)


def _recommend(paper: Paper, story: Story, item: dict[str, object], style: int, body: str) -> None:
    blocks, text = recommendation_blocks(story, item, style, body)
    paper.blocks += blocks
    paper.recommendations.append(
        {
            "text": text,
            "time_scale": str(item["time_scale"]),
            "addressee": story.name,
            "criterion": str(item["criterion"]),
        }
    )


def _gathered(paper: Paper, story: Story, index: int, body: str) -> None:
    paper.blocks.append(Block("h2", "Recommendations"))
    scales = ["immediately", "within three months", "within six months"]
    for scale in scales:
        mine = [item for item in story.recommendations if item["time_scale"] == scale]
        if mine and index % 2:
            paper.blocks.append(Block("h3", scale.capitalize()))
        for number, item in enumerate(mine):
            _recommend(paper, story, item, index + number, body)
    paper.blocks.append(Block("h3", "Within six weeks"))
    paper.blocks.append(
        Block(
            "p", f"{body} recommends that, within six weeks, {story.full} provides an action plan."
        )
    )


def _case_table(paper: Paper, story: Story, index: int, rng: random.Random) -> None:
    audit = story.audits[0]
    needed = "counts only in a table" in paper.quirks
    if "adequate" in audit or (index % 3 == 1 and not needed):
        return
    paper.blocks += [
        Block("h2", "4. Case file analysis"),
        Block("h3", "Results of case file reviews"),
        Block("p", "We chose the cases with care; they are no sample of all cases."),
        Block("h3", "Breakdown of case file audit results by area of child protection"),
    ]
    rows = _spread(audit, rng)
    if index % 2:
        paper.blocks.append(
            Block("row", "Area of child protection|Good|Requires improvement|Inadequate")
        )
        for case_type, values in rows:
            paper.blocks.append(Block("row", "|".join([case_type, *map(str, values)])))
        if index % 4 == 1:
            paper.blocks.append(
                Block(
                    "row",
                    f"Total|{audit['good']}|{audit['requires_improvement']}|{audit['inadequate']}",
                )
            )
    else:
        for case_type, values in rows:
            paper.blocks.append(
                Block("p", f"Cases assessed involving {case_type[0].lower()}{case_type[1:]}")
            )
            for grade, value in zip(
                ("Good", "Requires improvement", "Inadequate"), values, strict=True
            ):
                paper.blocks.append(Block("li", f"{grade}: {value}"))


def _spread(audit: dict[str, int], rng: random.Random) -> list[tuple[str, list[int]]]:
    rows = [(case_type, [0, 0, 0]) for case_type in CASE_TYPES]
    for column, grade in enumerate(("good", "requires_improvement", "inadequate")):
        for _ in range(audit[grade]):
            rng.choice(rows)[1][column] += 1
    return rows


def _next_steps(paper: Paper, story: Story, body: str, index: int) -> None:
    paper.blocks += [
        Block("h2", "Next steps"),
        Block(
            "p",
            f"Within six weeks of the publication of this report, {story.full} should send "
            f"{body} an action plan "
            "that says how it will act on our recommendations.",
        ),
        Block(
            "p",
            [
                f"{body} will revisit {story.it} within six months to look at its progress.",
                f"Within six months, {body} will assess how {story.it} is managing this work.",
                f"We require an update from {story.full} immediately on the actions that cannot "
                f"wait.",
            ][index % 3],
        ),
        Block("h2", "Annex A – Child protection inspection methodology"),
        Block(
            "p",
            "Inspectors read case files, speak to staff and partners, and visit teams. "
            "Inspections last two weeks.",
        ),
    ]
    paper.footer = NOTICE


def follow_up(story: Story, index: int) -> Paper:
    """The second report: a review in one of two layouts, a re-inspection, a progress visit."""
    rng = random.Random(f"follow-up/{story.name}/{index}")
    what = {7: "reinspection", 19: "reinspection", 11: "progress", 22: "progress"}.get(
        index % 24, "review"
    )
    extension = ["docx", "html", "html", "pdf"][index % 4]
    name = f"{index + 1:02d}-{_slug(story)}-{what}.{extension}"
    kind = {
        "review": "post_inspection_review",
        "reinspection": "re_inspection",
        "progress": "assessment_of_progress",
    }[what]
    paper = Paper(name, [], _truth(name, kind, story.name))
    body = story.inspectorate(*story.second_published[:2])
    _title(paper, story, what, rng)
    _dates_of_follow_up(paper, story, index, rng)
    if what == "reinspection":
        _contents(paper, rng)
    noun = {
        "review": "post-inspection review",
        "reinspection": "re-inspection",
        "progress": "assessment of progress",
    }[what]
    _follow_up_introduction(paper, story, index, rng, body, noun)
    _follow_up_stages(paper, story, index, rng, body, what)
    _next_steps(paper, story, body, 2)
    paper.truth["recommendations"] = str(len(paper.recommendations))
    _quirks(paper, index + 3, rng)
    return paper


def _dates_of_follow_up(paper: Paper, story: Story, index: int, rng: random.Random) -> None:
    year, month, day = story.second_published
    work = f"{story.second_year}-{story.second_month:02d}"
    paper.truth |= {"fieldwork_start": work, "fieldwork_end": work}
    if paper.format == "html":
        reissued = year < 2021 and index % 2 == 0
        shown = (
            f"{rng.randint(1, 28)} October 2022" if reissued else f"{day} {month_name(year, month)}"
        )
        paper.blocks.append(Block("p", f"Published on: {shown}"))
        paper.truth["published"] = "" if reissued else f"{year}-{month:02d}-{day:02d}"
        if reissued:
            paper.quirks.append("re-issued")
    else:
        days = (
            f"{5 + index % 8}–{9 + index % 8} {month_name(story.second_year, story.second_month)}"
        )
        start, end = f"{work}-{5 + index % 8:02d}", f"{work}-{9 + index % 8:02d}"
        paper.cover += [
            days,
            month_name(year, month),
            f"© {story.inspectorate(year, month)} {year}",
        ]
        paper.truth |= {
            "published": f"{year}-{month:02d}",
            "fieldwork_start": start,
            "fieldwork_end": end,
        }


def _follow_up_introduction(
    paper: Paper, story: Story, index: int, rng: random.Random, body: str, noun: str
) -> None:
    first, audit = story.audits
    when, then = month_name(story.year, story.month), month_name(*story.first_published[:2])
    now = month_name(story.second_year, story.second_month)
    count = len(story.recommendations)
    paper.blocks += [
        Block(
            "h2",
            rng.choice(["Introduction", "1. Background"]) if noun != "re-inspection" else "Summary",
        ),
        Block(
            "h3", f"The {story.year} inspection" if index % 2 else f"Our {story.year} inspection"
        ),
        Block(
            "p",
            f"In {when}, {body} inspected how well {story.full} keeps children safe. In {then}, "
            f"we published our findings.",
        ),
        Block(
            "p",
            f"We examined {first['cases']} cases then, and found that practice was good in "
            f"{first['good']}, required "
            f"improvement in {first['requires_improvement']} and was inadequate in "
            f"{first['inadequate']}.",
        ),
        Block(
            "p", f"We made {WORDS[count] if count <= 10 else count} recommendations to {story.it}."
        ),
        Block("h3", f"The {story.second_year} {noun}"),
        Block(
            "p",
            rng.choice(
                [
                    f"In {now}, we carried out {'an' if noun[0] == 'a' else 'a'} {noun}. As "
                    f"part of this, inspectors:",
                    f"We returned to {story.full} in {now} for the {noun}. We:",
                ]
            ),
        ),
        Block("li", "spoke to leaders, officers and staff;"),
        Block("li", "visited the control room and the safeguarding hub; and"),
        Block(
            "li",
            grade_sentence(audit, 0 if index % 3 else 2, "audited" if index % 2 else "examined"),
        ),
    ]
    _set_audit(paper.truth, audit)


def _follow_up_stages(
    paper: Paper, story: Story, index: int, rng: random.Random, body: str, what: str
) -> None:
    year = story.year
    if index % 2:
        paper.blocks += [
            Block("h2", "Summary of findings from the post-inspection review"),
            Block("p", rng.choice(PROGRESS)),
        ]
    for criterion, label in STAGES:
        mine = [item for item in story.recommendations if item["criterion"] == criterion]
        if not mine:
            continue
        lower = label[0].lower() + label[1:]
        plural = "s" if len(mine) > 1 else ""
        if what == "reinspection":
            paper.blocks += [
                Block("h2", label),
                Block("h3", f"{label}: Recommendation{plural} from the {year} inspection report"),
            ]
        else:
            paper.blocks += [
                Block("h2", f"Post-inspection review findings: {lower}"),
                Block("h3", f"Recommendation{plural} from the {year} inspection report: {lower}"),
            ]
        for number, item in enumerate(mine):
            _recommend(paper, story, item, index + number, body)
        if what == "reinspection":
            paper.blocks.append(Block("h3", f"{label}: Re-inspection findings"))
        else:
            paper.blocks.append(Block("h3", f"Summary of post-inspection review findings: {lower}"))
        paper.blocks.append(Block("p", rng.choice(PROGRESS)))
        paper.blocks.append(Block("h3", f"Detailed post-inspection review findings: {lower}"))
        paper.blocks.append(Block("p", " ".join(rng.sample(DETAIL, k=3))))
        paper.blocks.append(
            Block(
                "p",
                f"In {year}, we recommended that, within three months, {story.it} should act. "
                f"It has done so in part.",
            )
        )


def press_release(story: Story, index: int) -> Paper:
    """A news page about the first report: percentages and bullets, no own recommendations."""
    rng = random.Random(f"press/{story.name}")
    name = f"{index + 1:02d}-{_slug(story)}-press.html"
    year, month, day = story.first_published
    when = f"{story.year}-{story.month:02d}"
    truth = _truth(name, "press_release", story.name) | {
        "published": f"{year}-{month:02d}-{day:02d}",
        "fieldwork_start": when,
        "fieldwork_end": when,
    }
    share = round(100 * story.audits[0]["good"] / story.audits[0]["cases"])
    count = len(story.recommendations)
    truth["recommendations"] = str(count)
    blocks = [
        Block("h1", f"{story.full} must do more for children at risk"),
        Block("p", f"{day} {month_name(year, month)}"),
        Block(
            "p",
            f"{story.full} cares about children, but some wait too long for help, a report "
            f"published today says.",
        ),
        Block("p", f"The inspection took place in {month_name(story.year, story.month)}."),
        Block("h2", "Get the report"),
        Block("p", f"{story.full} – National child protection inspection"),
        Block("p", "Inspectors were pleased to find:"),
        Block("li", "officers who act fast when danger is clear; and"),
        Block("li", "good work with schools."),
        Block("p", "However, inspectors were concerned to find:"),
        Block("li", f"only {share} percent of cases reached a good standard; and"),
        Block("li", "backlogs in the control room."),
        Block(
            "p",
            f"The report makes {WORDS[count] if count <= 10 else count} recommendations, some "
            f"of which should be acted on immediately.",
        ),
        Block("p", "An inspector said:"),
        Block("p", "“I have asked the force to act within six weeks and to tell us how.”"),
        Block("h2", "Notes"),
        Block("li", "Inspectors will visit again within six months."),
    ]
    paper = Paper(
        name,
        blocks,
        truth,
        address=f"https://www.example.org/news/news-feed/{_slug(story)}-must-do-more/",
    )
    paper.title, paper.footer = blocks[0].text, NOTICE
    del rng
    return paper


def register_entry(story: Story, index: int) -> Paper:
    """A page of the register: context, recommendation, status history, tags not always closed."""
    name = f"{index + 1:02d}-{_slug(story)}-register.txt"
    year, month, day = story.first_published
    truth = _truth(name, "register_entry", story.name) | {
        "published": f"{year}-{month:02d}-{day:02d}",
        "recommendations": "1",
    }
    item = story.recommendations[0]
    blocks, text = recommendation_blocks(
        story, item | {"time_scale": "within three months"}, 1, "HMICFRS"
    )
    ordinal = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}.get(day, "th")
    on = f"{day}{ordinal} {MONTHS[month - 1]} {year}"
    top = [Block("p", "404 Page not found")] if index % 4 == 1 else []
    paper = Paper(
        name,
        [
            *top,
            Block("p", f"{story.name} – National child protection inspection ({9000 + index})"),
            Block(
                "p",
                f"{story.it.capitalize()} can't be sure that this work is done well, because "
                f"nobody checks it.",
            ),
            Block("p", "Recommendation "),
            *blocks,
            Block(
                "p",
                f"[on]{on} [status]awaiting-review[/status][/on][on]{on} [comment] A plan exists."
                + ("[/comment][/on]" if index % 4 == 1 else ""),
            ),
        ],
        truth,
        footer=NOTICE,
    )
    paper.recommendations.append(
        {
            "text": text,
            "time_scale": "within three months",
            "addressee": story.name,
            "criterion": str(item["criterion"]),
        }
    )
    return paper


def response(story: Story, index: int) -> Paper:
    """A commissioner's answer to the first report."""
    name = f"{index + 1:02d}-{_slug(story)}-response.docx"
    year, month, day = story.first_published
    when = f"{story.year}-{story.month:02d}"
    count = len(story.recommendations)
    truth = _truth(name, "commissioner_response", story.name) | {
        "fieldwork_start": when,
        "fieldwork_end": when,
        "recommendations": str(count),
    }
    blocks = [
        Block(
            "h1", f"Response to HMICFRS report: {story.full} national child protection inspection"
        ),
        Block("p", "Dear Home Secretary,"),
        Block(
            "p",
            f"As Police and Crime Commissioner I respond, under section 55 of the Police Act "
            f"1996, to the report published on "
            f"{day} {month_name(year, month)}.",
        ),
        Block(
            "p",
            f"In {month_name(story.year, story.month)}, HMICFRS inspected {story.full}. The "
            f"report made {WORDS[count] if count <= 10 else count} recommendations.",
        ),
        Block(
            "p",
            "I welcome the report and have asked the Chief Constable for an action plan within "
            "six weeks.",
        ),
    ]
    return Paper(name, blocks, truth, title="Commissioner's response", footer=NOTICE)


def publication_page(story: Story, index: int) -> Paper:
    """The page that leads to a report; it is none itself."""
    name = f"{index + 1:02d}-{_slug(story)}-page.html"
    year, month, day = story.first_published
    truth = _truth(name, "other", story.name) | {"published": f"{year}-{month:02d}-{day:02d}"}
    blocks = [
        Block("h1", f"{story.name} – National child protection inspection"),
        Block("p", f"Published on: {day} {month_name(year, month)}"),
        Block("p", "Publication types: Child protection"),
        Block("p", f"Police Forces: {story.name}"),
        Block("p", "This report says how well the force protects children."),
        Block("h2", "Get the report"),
        Block("h3", "Read the report online"),
        Block("h3", "Download the report"),
        Block("h3", "Get the press release"),
    ]
    return Paper(name, blocks, truth, title=blocks[0].text, footer=NOTICE)


def _quirks(paper: Paper, index: int, rng: random.Random) -> None:
    """Spoil some words the way files do: non-breaking and soft hyphens, stuck footnote digits."""
    words = []
    if index % 3 == 0:
        words.append("non-breaking hyphens")
        _replace(paper, "post-inspection", "post\u2011inspection")
        _replace(paper, "Decision-making", "Decision\u2011making")
    if index % 4 == 1:
        words.append("footnote digits")
        _replace(paper, "protection inspection of", "protection inspection1 of")
        _replace(paper, "keeps children safe.", "keeps children safe.2")
        _replace(paper, "our findings.", "our findings.3")
    if index % 5 == 2 and paper.format == "html":
        words.append("soft hyphens")
        _replace(paper, "recommend", "recom\u00admend")
    if index % 6 == 3:
        words.append("curly quotes and non-breaking spaces")
        _replace(paper, "doesn't", "doesn’t")
        _replace(paper, "three months", "three\u00a0months")
    paper.quirks += words
    del rng


def _replace(paper: Paper, old: str, new: str) -> None:
    for block in paper.blocks:
        if block.kind != "contents":
            block.text = block.text.replace(old, new)
