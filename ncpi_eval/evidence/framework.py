"""Who says what about which theme: the case by theme matrix of the Framework method.

Ritchie and Spencer (1994) put cases in rows and themes in columns; a cell sums up what a case says
about a theme, and leads back to the extracts that it rests on, so that a reader can go from the
finding to the words and back. Here a row is a group of participants that the report tells apart,
or one encounter where transcripts are at hand.

Nothing is counted that people hold: how many of those who were chosen share a view says nothing
about anybody else.

References
----------
Ritchie and Spencer (1994), Qualitative data analysis for applied policy research, in Bryman and
Burgess, Analyzing Qualitative Data, 173-194.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from ncpi_eval import results
from ncpi_eval.evidence import counts_of_people
from ncpi_eval.evidence.transcripts import Transcripts
from ncpi_eval.intake import framework as tables
from ncpi_eval.intake.framework import VALENCES

# Results files that refer to each other's rows: from a cell to its extracts, and back.
MATRIX, EXTRACTS = "framework_matrix", "framework_extracts"
TRANSCRIPT_MATRIX = "framework_transcript_matrix"
TRANSCRIPT_EXTRACTS = "framework_transcript_extracts"

ATTRIBUTES = ("role", "force_type", "inspection_timing")
_PUBLISHED = "A summary in our words of what the report tells; no number of people is known."
_OTHERS_UNKNOWN = (
    "Published for interviews in inspected forces; the guides of the other encounters are not."
)


def published_extracts(
    findings: pd.DataFrame, themes: pd.DataFrame, groups: pd.DataFrame, codes: pd.DataFrame
) -> pd.DataFrame:
    """Each finding that the report publishes, with its place and what it is coded as.

    Parameters
    ----------
    findings, themes, groups : DataFrame
        From `intake.framework`.
    codes : DataFrame
        The coding frame.

    Returns
    -------
    DataFrame
        One row per finding, unit claims, in the order of themes and groups: id
        (``extract.<finding>``); cell (``<theme>.<who>``) and cell_row (reference to it); question
        and item (theme and its label); response (kind of finding, one of `VALENCES`); label (the
        subtheme); subgroup (the group's short name) and group (its label); summary; place; code and
        code_label; the attributes `ATTRIBUTES`; chapter; caveat; data_kind.

    Raises
    ------
    InputError
        If a summary counts people.
    """
    counts_of_people.refuse(
        "A published finding", zip(findings["finding"], findings["summary"], strict=True)
    )
    theme, group = themes.set_index("theme"), groups.set_index("who")
    code_labels = dict(zip(codes["code"], codes["label"], strict=True))
    ordered = _in_order(findings, theme=list(theme.index), who=list(group.index))
    who = ordered["who"]
    return pd.DataFrame(
        {
            "id": "extract." + ordered["finding"],
            "question": ordered["theme"],
            "item": ordered["theme"].map(theme["label"]),
            "response": ordered["valence"],
            "label": ordered["subtheme"],
            "subgroup_variable": "who",
            "subgroup": who,
            "unit": "claims",
            "caveat": _PUBLISHED,
            "data_kind": ordered["data_kind"],
            "group": who.map(group["label"]),
            **{name: who.map(group[name]) for name in ATTRIBUTES},
            "cell": ordered["theme"] + "." + who,
            "cell_row": _references(MATRIX, "cell." + ordered["theme"] + "." + who),
            "summary": ordered["summary"],
            "code": ordered["code"],
            "code_label": ordered["code"].map(code_labels),
            "chapter": ordered["theme"].map(theme["chapter"]),
            "place": ordered["place"],
        }
    ).reset_index(drop=True)


def described(groups: pd.DataFrame) -> pd.DataFrame:
    """The groups that the report tells apart, with their attributes, as rows of results."""
    return pd.DataFrame(
        {
            "id": "group." + groups["who"],
            "question": "groups",
            "subgroup_variable": "who",
            "subgroup": groups["who"],
            "unit": "claims",
            "data_kind": "published",
            "group": groups["label"],
            **{name: groups[name] for name in ATTRIBUTES},
        }
    )


def published_matrix() -> pd.DataFrame:
    """The matrix of the findings that stand in data/coding, as the page of this strand saves it."""
    themes, groups, codes = tables.read_themes(), tables.read_groups(), tables.read_frame()
    findings = tables.read_findings(themes, groups, codes)
    return matrix(published_extracts(findings, themes, groups, codes))


def told(extracts: pd.DataFrame, names: Sequence[str]) -> str:
    """A template for `say`: findings one after the other, each with its theme as a link.

    Parameters
    ----------
    extracts : DataFrame
        From `published_extracts`, saved.
    names : sequence of str
        Findings by their names, such as ``awareness.01``.
    """
    summaries = [results.pick(extracts, id=f"extract.{name}")["summary"] for name in names]
    plain = [text.rstrip(". ").replace("{", "{{").replace("}", "}}") for text in summaries]
    return " ".join(f"{text} ({{row_{n}.item}})." for n, text in enumerate(plain))


def places(extracts: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Series]:
    """The rows that a template of `told` names."""
    return {
        f"row_{n}": results.pick(extracts, id=f"extract.{name}") for n, name in enumerate(names)
    }


def matrix(extracts: pd.DataFrame) -> pd.DataFrame:
    """The matrix, cell by cell, from the findings of `published_extracts`.

    Returns
    -------
    DataFrame
        One row per theme and group of which the report tells something, unit claims, in the order
        of the extracts: id (``cell.<theme>.<who>``); cell; question, item, subgroup, group and the
        attributes as there; response (kinds of finding in the cell, joined by ``, ``); summary (the
        findings one after the other); source_rows (references to them); chapter; caveat;
        data_kind. A cell that is not there is a theme on which the report tells nothing from that
        group, which is not the same as nothing said.
    """
    rows = [_cell(own, key) for key, own in extracts.groupby("cell", sort=False)]
    return pd.DataFrame(rows)


def collapsed(cells: pd.DataFrame, attribute: str) -> pd.DataFrame:
    """The matrix with the rows that share an attribute put together.

    Parameters
    ----------
    cells : DataFrame
        From `matrix`.
    attribute : str
        ``role``, ``force_type`` or ``inspection_timing``; or ``chapter``, which puts themes of one
        chapter together and keeps the groups.

    Returns
    -------
    DataFrame
        As `matrix`, with that attribute as subgroup (or the chapter as theme), the groups that went
        into a cell in ``group``, and their extracts together. Documents are left out: they are no
        participants.
    """
    cells = cells[cells["role"] != "documents"]
    if attribute == "chapter":
        return _merged(cells, ["chapter", "subgroup"])
    merged = _merged(cells, ["question", attribute])
    return merged.assign(subgroup_variable=attribute, subgroup=merged[attribute])


def filtered(cells: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """Cells or extracts with these attributes; as `results.select`, refused where none has them."""
    return results.select(cells, **where)


def ordered(cells: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Cells sorted by columns, each in the order in which its values first appear."""
    places = {
        column: cells[column].map({v: n for n, v in enumerate(cells[column].drop_duplicates())})
        for column in columns
    }
    keys = pd.DataFrame(places, index=cells.index)
    return cells.loc[keys.sort_values(list(columns), kind="stable").index]


def sample(figures: pd.DataFrame) -> pd.DataFrame:
    """The achieved sample as published: interviews by role, focus groups, other interviews.

    Parameters
    ----------
    figures : DataFrame
        From `sources.read_published_figures`.

    Returns
    -------
    DataFrame
        One row per kind of encounter, unit interviews or focus_groups: id; item; response (the
        published key's last part); count; caveat; place; data_kind. This is the one table of this
        strand that counts people: how many were spoken to, not what they hold.
    """
    keys = figures["key"].astype(str)
    here = figures["location"].astype(str).str.startswith("Appendix D")
    roles = keys.str.startswith("interviews.role.")
    total = figures["claim"].astype(str).eq("Total of the interview table")
    other = keys.isin(
        [
            "qualitative.focus_groups.uninspected",
            "qualitative.interviews.uninspected",
            "qualitative.focus_groups.inspectors",
        ]
    )
    own = pd.concat([figures[here & kind] for kind in (roles, total, other)])
    names = own["key"].str.replace(r"^(interviews\.role|qualitative)\.", "", regex=True)
    names = names.mask(own["claim"].eq("Total of the interview table"), "total")
    labels = own["claim"].str.removeprefix("Interviews completed: ").to_numpy()
    return pd.DataFrame(
        {
            "id": ("sample." + names).to_numpy(),
            "question": "sample",
            "item": labels,
            "response": names.to_numpy(),
            "unit": own["unit"].to_numpy(),
            "count": own["value"].astype(float).astype("Int64").to_numpy(),
            "caveat": "How many encounters there were, not how many hold a view.",
            "data_kind": "published",
            "place": own["location"].to_numpy(),
        }
    )


def topic_coverage(
    guide: pd.DataFrame, themes: pd.DataFrame, cells: pd.DataFrame, kinds: Sequence[str]
) -> pd.DataFrame:
    """Which sections of the topic guide each kind of encounter was asked, and what is told of them.

    Parameters
    ----------
    guide, themes : DataFrame
        From `intake.framework`.
    cells : DataFrame
        From `matrix`; rows for documents are left out.
    kinds : sequence of str
        Values of ``force_type``, in order.

    Returns
    -------
    DataFrame
        One row per section and kind of encounter, unit claims: id; item (the section); response
        (its name); label (what it covers); subgroup (kind of encounter); asked (``yes``, ``no`` or
        ``not published``); themes (labels with a cell, joined by ``; ``); caveat; data_kind.
    """
    spoken = cells[cells["role"] != "documents"]
    sections = themes["guide_sections"].str.split("|")
    rows = []
    for part in guide.to_dict("records"):
        belongs = sections.map(lambda named, part=part: part["section"] in named)
        for kind in kinds:
            told = spoken.loc[spoken["force_type"] == kind, "question"].unique()
            named = themes.loc[belongs & themes["theme"].isin(told), "label"]
            rows.append(
                {
                    "id": f"topic.{part['section']}.{kind}",
                    "question": "topic_guide",
                    "item": part["label"],
                    "response": part["section"],
                    "label": part["covers"],
                    "subgroup_variable": "force_type",
                    "subgroup": kind,
                    "unit": "claims",
                    "caveat": _OTHERS_UNKNOWN,
                    "data_kind": "published",
                    "asked": _asked(part["asked_of"], kind),
                    "themes": "; ".join(named),
                }
            )
    return pd.DataFrame(rows)


# ---------------------------------------------------------------------------------------------
# Transcripts


def transcript_extracts(given: Transcripts, themes: pd.DataFrame) -> pd.DataFrame:
    """Coded passages of transcripts, redacted, with their themes.

    Parameters
    ----------
    given : Transcripts
        From `transcripts.read`.
    themes : DataFrame
        From `intake.framework.read_themes`.

    Returns
    -------
    DataFrame
        One row per passage and code that belongs to a theme, unit interviewees: id
        (``extract.<case>.<start>-<end>``); cell and cell_row (reference to it); question and item
        (the theme); response (the kind of the code); label (the code's label); subgroup (the case);
        the attributes; text (redacted; missing where withheld); place (characters of the
        transcript); suppressed; caveat (why); data_kind. See `transcripts.withheld` for what may be
        shown.
    """
    rows = []
    belongs = _themes_by_code(themes)
    labels = dict(zip(themes["theme"], themes["label"], strict=True))
    for passage in given.passages().to_dict("records"):
        theme = next((belongs[c] for c in belongs if passage["code"].startswith(f"{c}.")), "")
        if not theme:
            continue
        rows.append(
            {
                "id": f"extract.{passage['extract']}",
                "question": theme,
                "item": labels[theme],
                "response": passage["code"].rsplit(".", 1)[-1],
                "label": given.code_label(passage["code"]),
                "subgroup_variable": "case",
                "subgroup": passage["case"],
                "unit": "interviewees",
                "caveat": passage["caveat"],
                "data_kind": given.data_kind,
                "suppressed": passage["suppressed"],
                **{name: passage[name] for name in ATTRIBUTES},
                "cell": f"{theme}.{passage['case']}",
                "cell_row": results.reference(TRANSCRIPT_MATRIX, f"cell.{theme}.{passage['case']}"),
                "text": passage["text"],
                "code": passage["code"],
                "place": passage["place"],
            }
        )
    return _in_order(pd.DataFrame(rows, columns=_EXTRACT_COLUMNS), question=list(themes["theme"]))


def transcript_matrix(
    given: Transcripts, extracts: pd.DataFrame, themes: pd.DataFrame
) -> pd.DataFrame:
    """The matrix of cases by themes, with the summaries that people wrote.

    Parameters
    ----------
    given : Transcripts
        From `transcripts.read`.
    extracts : DataFrame
        From `transcript_extracts`.
    themes : DataFrame
        From `intake.framework.read_themes`.

    Returns
    -------
    DataFrame
        One row per theme and case with an extract or a summary, unit interviewees, as `matrix`;
        ``summary`` is redacted, and missing where nobody wrote one or it is withheld (suppressed).

    Raises
    ------
    InputError
        If a summary counts people.
    """
    written = given.summaries
    counts_of_people.refuse(
        "A summary of a transcript",
        zip(written["case"] + ", " + written["theme"], written["summary"], strict=True),
    )
    texts = {(r["case"], r["theme"]): r["summary"] for r in written.to_dict("records")}
    pairs = [*zip(extracts["subgroup"], extracts["question"], strict=True), *texts]
    labels = dict(zip(themes["theme"], themes["label"], strict=True))
    cases = given.shown_cases().set_index("case")
    rows = []
    for case, theme in dict.fromkeys(pairs):
        own = extracts[(extracts["subgroup"] == case) & (extracts["question"] == theme)]
        described = cases.loc[case]
        summary = texts.get((case, theme), "")
        hidden = bool(described["suppressed"])
        rows.append(
            {
                "id": f"cell.{theme}.{case}",
                "question": theme,
                "item": labels.get(theme, theme),
                "response": ", ".join(own["response"].drop_duplicates()),
                "subgroup_variable": "case",
                "subgroup": case,
                "unit": "interviewees",
                "caveat": described["caveat"] if hidden else "" if summary else "No summary yet.",
                "data_kind": given.data_kind,
                "suppressed": hidden,
                **{name: described[name] for name in ATTRIBUTES},
                "cell": f"{theme}.{case}",
                "summary": None if hidden or not summary else given.redacted(summary),
                "source_rows": " ".join(_references(TRANSCRIPT_EXTRACTS, own["id"])),
            }
        )
    frame = pd.DataFrame(rows, columns=_CELL_COLUMNS)
    return _in_order(frame, question=list(themes["theme"]), subgroup=list(cases.index))


def transcript_coverage(
    given: Transcripts, extracts: pd.DataFrame, guide: pd.DataFrame, themes: pd.DataFrame
) -> pd.DataFrame:
    """Which sections of the topic guide each transcript has coded passages for.

    Returns
    -------
    DataFrame
        One row per case and section, unit interviewees: id; item (the section); response (its
        name); subgroup (the case); covered (``yes`` or ``no``); themes (labels coded there).
    """
    sections = dict(zip(themes["theme"], themes["guide_sections"].str.split("|"), strict=True))
    rows = []
    for case in given.cases["case"]:
        coded = extracts[extracts["subgroup"] == case].drop_duplicates("question")
        for part in guide.to_dict("records"):
            own = [part["section"] in sections[theme] for theme in coded["question"]]
            named = list(coded.loc[own, "item"])
            rows.append(
                {
                    "id": f"covered.{case}.{part['section']}",
                    "question": "topic_guide",
                    "item": part["label"],
                    "response": part["section"],
                    "subgroup_variable": "case",
                    "subgroup": case,
                    "unit": "interviewees",
                    "data_kind": given.data_kind,
                    "covered": "yes" if named else "no",
                    "themes": "; ".join(named),
                }
            )
    return pd.DataFrame(rows)


_EXTRACT_COLUMNS = [
    "id", "question", "item", "response", "label", "subgroup_variable", "subgroup", "unit",
    "caveat", "data_kind", "suppressed", *ATTRIBUTES, "cell", "cell_row", "text", "code", "place",
]  # fmt: skip
_CELL_COLUMNS = [
    "id", "question", "item", "response", "subgroup_variable", "subgroup", "unit", "caveat",
    "data_kind", "suppressed", *ATTRIBUTES, "cell", "summary", "source_rows",
]  # fmt: skip


# ---------------------------------------------------------------------------------------------


def _cell(own: pd.DataFrame, key: Any) -> dict[str, Any]:
    first = own.iloc[0]
    kinds = [kind for kind in VALENCES if (own["response"] == kind).any()]
    same = ("question", "item", "subgroup_variable", "subgroup", "unit", "caveat", "data_kind")
    return {
        "id": f"cell.{key}",
        **{name: first[name] for name in (*same, "group", *ATTRIBUTES, "chapter")},
        "response": ", ".join(kinds),
        "cell": key,
        "summary": " ".join(own["summary"]),
        "source_rows": " ".join(_references(EXTRACTS, own["id"])),
    }


def _merged(cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    rows = []
    for values, own in cells.groupby(keys, sort=False):
        name = ".".join(str(value) for value in values)
        present = set(", ".join(own["response"]).split(", "))
        rows.append(
            {
                **own.iloc[0].to_dict(),
                "id": f"cell.{name}",
                "cell": name,
                "response": ", ".join(kind for kind in VALENCES if kind in present),
                "group": "; ".join(own["group"].drop_duplicates()),
                "item": "; ".join(own["item"].drop_duplicates()),
                "summary": " ".join(own["summary"]),
                "source_rows": " ".join(own["source_rows"]),
            }
        )
    return pd.DataFrame(rows)


def _references(name: str, identities: Iterable[str]) -> list[str]:
    return [results.reference(name, identity) for identity in identities]


def _asked(asked_of: str, kind: str) -> str:
    if kind == "inspected":
        return "yes"
    return "no" if asked_of == "inspected" and kind == "uninspected" else "not published"


def _themes_by_code(themes: pd.DataFrame) -> dict[str, str]:
    """Theme of each beginning of codes, the longest first."""
    pairs = [
        (code, row["theme"])
        for row in themes.to_dict("records")
        for code in row["codes"].split("|")
    ]
    # Two themes may share codes; the one that comes first has them.
    first: dict[str, str] = {}
    for code, theme in pairs:
        first.setdefault(code, theme)
    return dict(sorted(first.items(), key=lambda pair: -len(pair[0])))


def _in_order(frame: pd.DataFrame, **orders: list[str]) -> pd.DataFrame:
    """Rows in the given order of their columns' values, else as they are."""
    places = pd.DataFrame(
        {
            column: frame[column].map({value: n for n, value in enumerate(order)})
            for column, order in orders.items()
        },
        index=frame.index,
    )
    index = places.sort_values(list(orders), kind="stable").index
    return frame.loc[index].reset_index(drop=True)
