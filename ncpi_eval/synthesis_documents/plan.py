"""Decide, by seed, what each invented force was told and how the report of it is written.

The structure is that of real reports; every number, name and sentence is invented. A document's
style follows its year (HMIC or HMICFRS, gathered or spread recommendations, three or four grades,
layout of the follow-up), its quirks are drawn so that each trap occurs several times.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from ncpi_eval.synthesis_documents.model import Block
from ncpi_eval.synthesis_documents.wording import (
    FORCES,
    RECOMMENDATIONS,
)

MONTHS = (
    "January February March April May June July August September October November December"
).split()
WORDS = "no one two three four five six seven eight nine ten".split()


@dataclass
class Story:
    """One force's two visits."""

    name: str
    suffix: str
    year: int
    month: int
    first_days: tuple[int, int]
    first_published: tuple[int, int, int]
    second_year: int
    second_month: int
    second_published: tuple[int, int, int]
    audits: list[dict[str, int]]
    recommendations: list[dict[str, object]]
    rng: random.Random

    @property
    def full(self) -> str:
        """Name as the force calls itself."""
        return f"{self.name} {self.suffix}"

    @property
    def it(self) -> str:
        """How the text speaks of it."""
        return "the constabulary" if self.suffix == "Constabulary" else "the force"

    def inspectorate(self, year: int, month: int) -> str:
        """HMIC before 19 July 2017."""
        return "HMIC" if (year, month) < (2017, 8) else "HMICFRS"


def stories(seed: int, number: int = len(FORCES)) -> list[Story]:
    """One story a force; the first 24 have the names of the list, more get a number."""
    made = []
    for index in range(number):
        rng = random.Random(f"{seed}/{index}")
        name, suffix, _ = FORCES[index % len(FORCES)]
        if index >= len(FORCES):
            name = (
                f"{name} {'abcdefghijklmnopqrstuvwxyz'[index // len(FORCES) % 26].upper()}{index}"
            )
        year = 2014 + index % 9
        month = rng.randint(1, 12)
        out_year, out_month = _after(year, month, rng.randint(3, 6))
        if (2022, 8) <= (out_year, out_month) <= (2022, 10):
            out_year, out_month = 2022, 11
        second = _after(year, month, rng.choice([11, 12, 12, 13, 18, 24]))
        out_second = _after(*second, rng.randint(3, 6))
        if (2022, 8) <= out_second <= (2022, 10):
            out_second = (2022, 11)
        made.append(
            Story(
                name,
                suffix,
                year,
                month,
                rng.choice([(2, 13), (5, 16), (8, 19), (23, 4), (27, 8)]),
                (out_year, out_month, rng.randint(2, 28)),
                *second,
                (*out_second, rng.randint(2, 28)),
                [_audit(rng, 69, 101, year < 2016), _audit(rng, 21, 38, False)],
                _recommendations(rng),
                rng,
            )
        )
    return made


def _after(year: int, month: int, months: int) -> tuple[int, int]:
    month += months
    return year + (month - 1) // 12, (month - 1) % 12 + 1


def _audit(rng: random.Random, low: int, high: int, four: bool) -> dict[str, int]:
    cases = rng.randint(low, high)
    good = round(cases * rng.uniform(0.05, 0.5))
    improve = round((cases - good) * rng.uniform(0.35, 0.7))
    audit = {"cases": cases, "good": good, "requires_improvement": improve}
    if four:
        audit["adequate"] = (cases - good - improve) // 3
    audit["inadequate"] = cases - sum(value for key, value in audit.items() if key != "cases")
    return audit


def _recommendations(rng: random.Random) -> list[dict[str, object]]:
    chosen: list[dict[str, object]] = []
    for criterion, options in RECOMMENDATIONS.items():
        for third, should, points in options:
            if rng.random() < 0.68:
                scale = rng.choices(
                    ["immediately", "within three months", "within six months"], [45, 40, 15]
                )[0]
                chosen.append(
                    {
                        "criterion": criterion,
                        "third": third,
                        "should": should,
                        "points": points,
                        "time_scale": scale,
                    }
                )
    return chosen[:15] if len(chosen) >= 6 else chosen


def sentence(story: Story, item: dict[str, object], style: int, inspectorate: str) -> str:
    """A recommendation in one of the openings that reports use."""
    force, third, should = story.full, item["third"], item["should"]
    scale = str(item["time_scale"])
    if scale == "immediately":
        forms = [
            f"We recommend that {force} immediately {third}",
            f"{force} should immediately {should}",
            f"{inspectorate} recommends that, immediately, {force} {third}",
            f"We recommend that {story.it} immediately {third}",
        ]
    else:
        forms = [
            f"We recommend that, {scale}, {force} {third}",
            f"{scale.capitalize()}, {force} should {should}",
            f"{inspectorate} recommends that, {scale}, {force} {third}",
            f"{scale.capitalize()} {story.it} should {should}",
            f"We recommend that {scale} {force} {third}",
        ]
    return forms[style % len(forms)]


LEADS = ["paying particular attention to:", "including, as a minimum:", "This should include:"]


def recommendation_blocks(
    story: Story, item: dict[str, object], style: int, inspectorate: str
) -> tuple[list[Block], str]:
    """Blocks of a recommendation and its whole text."""
    text = sentence(story, item, style, inspectorate)
    points = list(item["points"])  # type: ignore[call-overload]
    if not points:
        return [Block("p", text + ".")], text + "."
    lead = LEADS[style % 3]
    text += f". {lead}" if lead.startswith("This") else f", {lead}"
    blocks = [Block("p", text)]
    lines = []
    for index, point in enumerate(points):
        end = "." if index == len(points) - 1 else "; and" if index == len(points) - 2 else ";"
        blocks.append(Block("li", point + end))
        lines.append(point + end)
    return blocks, " • ".join([text, *lines])


def grade_sentence(audit: dict[str, int], style: int, opening: str) -> str:
    """The audit in words, one of the shapes that reports use."""
    good, improve, poor = audit["good"], audit["requires_improvement"], audit["inadequate"]
    if "adequate" in audit:
        return (
            f"{opening} {audit['cases']} cases. Practice was good in {good}, adequate in "
            f"{audit['adequate']}, required improvement in {improve} and was inadequate in {poor}."
        )

    def small(value: int) -> str:
        return WORDS[value] if value <= 10 and value != 1 else str(value)

    forms = [
        f"{opening} {audit['cases']} child protection cases ({good} cases were good, {improve} "
        f"required "
        f"improvement and {poor} were inadequate).",
        f"{opening} {audit['cases']} cases where children were at risk. We found practice was "
        f"good in "
        f"{small(good)}, required improvement in {small(improve)}, and inadequate in "
        f"{small(poor)}.",
        f"{opening} {audit['cases']} case files. Of these, {small(good)} were graded as good, "
        f"{small(improve)} as requiring improvement and {small(poor)} as inadequate.",
        f"{opening} {audit['cases']} cases: {small(good)} were good, {small(improve)} required "
        f"improvement, and the remaining {small(poor)} were inadequate.",
    ]
    return forms[style % len(forms)]


def month_name(year: int, month: int) -> str:
    """March 2019."""
    return f"{MONTHS[month - 1]} {year}"


def day_range(story: Story) -> tuple[str, str, str]:
    """Fieldwork as printed on a cover, with its ISO ends."""
    first, last = story.first_days
    if first < last:
        text = f"{first}–{last} {month_name(story.year, story.month)}"
        ends = ((story.year, story.month, first), (story.year, story.month, last))
    else:
        year, month = _after(story.year, story.month, 1)
        start = f"{first} {MONTHS[story.month - 1]}" + (
            f" {story.year}" if year != story.year else ""
        )
        text = f"{start} – {last} {month_name(year, month)}"
        ends = ((story.year, story.month, first), (year, month, last))
    iso = [f"{y}-{m:02d}-{d:02d}" for y, m, d in ends]
    return text, iso[0], iso[1]


def context_blocks(story: Story, rng: random.Random) -> list[Block]:
    """The chapter on the force: other inspections and years that are none of this one."""
    return [
        Block(
            "h2",
            "2. Context for the force" if rng.random() < 0.7 else "Context for the constabulary",
        ),
        Block("h3", "Organisation"),
        Block(
            "p",
            f"{story.full} has 1,{rng.randint(100, 999)} officers and serves 43 wards. In 2011, "
            f"the census "
            f"counted {rng.randint(200, 900)},000 people.",
        ),
        Block("h3", "Recent inspections"),
        Block(
            "p",
            f"In {month_name(story.year - 1, 5)}, our PEEL inspection graded {story.it} as good "
            f"at preventing crime "
            "and as requires improvement at protecting vulnerable people.",
        ),
        Block(
            "p",
            f"A joint targeted area inspection of one council took place in "
            f"{month_name(story.year - 1, 11)}.",
        ),
    ]


def stage_heading(index: int, label: str, numbered: bool, old: bool) -> str:
    """A chapter's heading as its year writes it."""
    label = label.replace("Decision-making", "Decision making") if old else label
    label = label.replace("those who pose", "those posing") if index % 2 and old else label
    return f"{index}.{' ' if index % 2 else '  '}{label}" if numbered else label
