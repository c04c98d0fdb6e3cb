"""Small counts that are shown, and numbers that were withheld in one place and shown in another."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ncpi_eval import disclosure, results
from ncpi_eval.scanner.contents import Content, Table

# Columns that count people.
_PEOPLE = ("count", "denominator", "true", "found", "both")
# Numbers in a withheld row that say nothing of the answers.
_KEPT = frozenset({"denominator", "wave", "family_size", "level", "df", "df1", "df2"})
# Results of a test, from which a count can be solved for.
_TELLING = ("p_value", "p_value_cr2", "p_value_ordinal", "statistic", "effect_size", "difference")
# Headers of tables for readers under which people are counted.
_HEADERS = re.compile(
    r"(?i)(number of |no\.? of )?(respondents|people|officers|interviewees|participants|staff)"
    r"|count|base|n|out of|frequency"
)
_FEW = "two|three|four|five|six|seven|eight|nine"
_PEOPLE_ARE = r"(?:respondents?|people|officers?|interviewees?|participants?|members? of staff)\b"
_IN_PROSE = re.compile(
    rf"(?i)(?<![\w.,%–/-])(?:[2-9]|one|{_FEW}|(?:a|only) (?:single|one))"
    rf"(?: \(?of (?:the |these |those )?[\w-]*\)?)? ?{_PEOPLE_ARE}"
    r"|\bn ?= ?[1-9](?![\d.,])"
)
# A part of a whole, in a sentence about people; "one of" is no number.
_PART = re.compile(
    rf"(?i)(?<![\w.,%–/-])(?:[1-9] ?/ ?|(?:[2-9]|{_FEW}) (?:out )?of )\d{{1,4}}(?![\w/.-])"
)
_SHARE = re.compile(
    r"(?<![\w.,–-])(\d{1,2}(?:\.\d+)?) ?(?:%|per cent)(?! (?:interval|confidence|level))"
)
_BASE = re.compile(
    rf"(?i)\bn ?= ?(\d[\d,]*)|\b(?:of|among) (?:the |these |those |all )?(\d[\d,]*) {_PEOPLE_ARE}"
    rf"|\b(\d[\d,]*) {_PEOPLE_ARE}"
)
_OF_PEOPLE = re.compile(rf"(?i)\b{_PEOPLE_ARE}")
# Headers below which shares and their bases stand.
_SHARES = re.compile(r"(?i)share|proportion|estimate|percentage|per cent|%")
_PEOPLE_OR_N = re.compile(rf"(?i)n|{_PEOPLE_ARE}")
_BASES = re.compile(r"(?i)base|n|denominator|out of|respondents")
# What a sheet says above its table.
_SAID = re.compile(r"(?i)\b(unit|kind of data): (\w+)")
_FEWER = re.compile(r"(?i)(?:fewer|less|more) than $|at (?:least|most) $|under $|than $|about $")


@dataclass
class Facts:
    """Rows of every CSV file of a folder that are about protected people.

    Parameters
    ----------
    rows : list of (file, row number, row)
        In reading order.
    harmless : set of str
        Files of which no row is about protected people.
    """

    rows: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    harmless: set[str] = field(default_factory=set)

    def collect(self, content: Content) -> None:
        """Add the protected rows of a file."""
        for table in content.tables:
            if not {"unit", "data_kind"} <= set(table.header):
                continue
            before = len(self.rows)
            unit, kind = table.header.index("unit"), table.header.index("data_kind")
            for number, row in enumerate(table.rows, start=2):
                if len(row) > max(unit, kind) and protected(row[unit], row[kind]):
                    self.rows.append(
                        (content.name, number, dict(zip(table.header, row, strict=False)))
                    )
            if len(self.rows) == before:
                self.harmless.add(content.name)


def protected(unit: str, kind: str) -> bool:
    """Whether rows of this unit and kind of data are about people whose answers are not public."""
    exempt = set(disclosure.EXCEPTIONS)
    if disclosure.protects_synthetic():
        exempt.discard("synthetic")
    return unit in disclosure.PROTECTED_UNITS and kind not in exempt


def is_small(number: float) -> bool:
    """Whether a count of people is below the threshold of the profile in use, and not zero."""
    if disclosure.profile_in_use() == "opensafely":
        return 0 < number <= disclosure.OPENSAFELY_REDACTED
    return 0 < number < disclosure.MINIMUM_COUNT


def number(text: str | None) -> float | None:
    """A cell as a number; None where there is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def small(facts: Facts) -> Iterator[tuple[str, str, str, str]]:
    """File, place, kind and what, of rows that show what the rules withhold."""
    for file, line, row in facts.rows:
        for kind, what in _of_row(row):
            yield file, f"row {line} ({row.get('id', 'no id')})", kind, what


def of_tests(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """File, place and what, of tests that are shown although a part of what they test is withheld.

    With everything else known, a p-value or an effect size tells which count is the right one.
    """

    def about(row: Mapping[str, str], response: str) -> tuple[str, ...]:
        return (
            *(row.get(name, "") for name in ("question", "subgroup_variable", "wave")),
            response,
        )

    shown: set[tuple[str, ...]] = set()
    withheld: set[tuple[str, ...]] = set()
    for _, _, row in facts.rows:
        if {"count", "response", "subgroup"} <= set(row):
            keys = {(*about(row, row["response"]), row["subgroup"])}
            if row.get("suppressed") == "True":
                withheld |= keys
            elif row["count"]:
                shown |= keys
    gone = {key[:-1] for key in withheld - shown}
    gone |= {(*key[:-1], "all") for key in gone}
    for file, line, row in facts.rows:
        if "count" in row or about(row, row.get("response", "")) not in gone:
            continue
        told = [name for name in _TELLING if number(row.get(name)) is not None]
        if told:
            yield (
                file,
                f"row {line} ({row.get('id', '')})",
                f"{told[0]} of what is withheld in part",
            )


def _of_row(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if row.get("suppressed") == "True":
        for name, cell in row.items():
            if name not in results.TEXT and name not in _KEPT and number(cell) is not None:
                yield "withheld number", f"{name} {cell} in a withheld row"
    for name in _PEOPLE:
        value = number(row.get(name))
        if value is not None and is_small(value):
            yield "small count", f"{name} {value:g}"
    count, base = number(row.get("count")), number(row.get("denominator"))
    if count is not None and base is not None and is_small(base - count):
        is_rounded = disclosure.profile_in_use() == "opensafely"
        if not is_rounded:
            yield "small count", f"{base - count:g} = {base:g} - {count:g}"
    if disclosure.profile_in_use() == "opensafely":
        for name in ("count", "denominator"):
            value = number(row.get(name))
            if value is not None and value % disclosure.OPENSAFELY_ROUNDING:
                yield "small count", f"{name} {value:g} not rounded"
    has_share = number(row.get("estimate")) is not None
    if has_share and base is not None and base < disclosure.MINIMUM_BASE:
        yield "percentage on a small base", f"estimate {row['estimate']} on {base:g}"


# ---------------------------------------------------------------------------------------------
# What pages, workbooks and texts show


def in_tables(content: Content, facts: Facts) -> Iterator[tuple[str, str]]:
    """Place and what, of small counts below headers that count people."""
    for table in content.tables:
        if {"unit", "data_kind"} <= set(table.header) or table.shows in facts.harmless:
            continue
        for column, header in enumerate(table.header):
            if not _HEADERS.fullmatch(header.strip()):
                continue
            for line, row in enumerate(table.rows, start=1):
                if column < len(row) and _counts_people(table, row) and _is_count(row[column]):
                    place = f"{table.place}, row {line}" if table.place else f"row {line}"
                    yield place, f"{header} {row[column]}"
        yield from _shares(table)


def _shares(table: Table) -> Iterator[tuple[str, str]]:
    """Place and what, of shares beside their base that give a few people."""
    names = [header.strip() for header in table.header]
    shares = [n for n, name in enumerate(names) if _SHARES.fullmatch(name)]
    bases = [n for n, name in enumerate(names) if _BASES.fullmatch(name)]
    if len(shares) != 1 or len(bases) != 1:
        return
    for line, row in enumerate(table.rows, start=1):
        if max(shares[0], bases[0]) >= len(row) or not _counts_people(table, row):
            continue
        share, base = row[shares[0]].strip(), row[bases[0]].strip()
        value = number(share)
        percent = share if value is None else f"{100 * value:.10g}"
        if value is not None and not 0 < value < 1:
            continue
        # What a base counts is not said; only an exact share of it tells whole people.
        if value is None and not _PEOPLE_OR_N.fullmatch(names[bases[0]]):
            continue
        if _is_few(percent, base):
            yield f"{table.place}, row {line}".lstrip(", "), f"{share} of {base}"


def _is_count(cell: str) -> bool:
    return bool(re.fullmatch(r"\d{1,2}", cell.strip())) and is_small(float(cell))


def _counts_people(table: Table, row: list[str]) -> bool:
    """False where the row or its table says that it counts something else, or nobody protected."""
    said = {match[1]: match[2] for match in map(_SAID.search, table.notes) if match}
    for header, cell in zip(table.header, row, strict=False):
        if header.strip().casefold() in ("unit", "kind of data", "data_kind"):
            said[header.strip()] = cell
    said = {key.casefold().replace("data_kind", "kind of data"): said[key] for key in said}
    unit = said.get("unit", "")
    return unit not in results.UNITS or protected(unit, said.get("kind of data", "real"))


def in_prose(piece: str) -> Iterator[str]:
    """Sentences that count a few people, or give a share from which a few can be worked out."""
    for match in _IN_PROSE.finditer(piece):
        if not _FEWER.search(piece[: match.start()]):
            yield match.group()
    for sentence in re.split(r"(?<=[.!?;]) ", piece):
        if not _OF_PEOPLE.search(sentence):
            continue
        yield from (match.group() for match in _PART.finditer(sentence))
        bases = {next(filter(None, match.groups())) for match in _BASE.finditer(sentence)}
        for share in _SHARE.findall(sentence) if len(bases) == 1 else ():
            if _is_few(share, min(bases)):
                yield f"{share}% of {min(bases)}"


def _is_few(percent: str, base: str) -> bool:
    """Whether a percentage of a base is a few people, or all but a few, however it was rounded."""
    value, whole = number(percent.rstrip("% ")), number(base.replace(",", ""))
    if value is None or whole is None or not 0 < value < 100:
        return False
    half = 0.5 * 10.0 ** -len(percent.rstrip("% ").partition(".")[2])
    least, greatest = (value - half) * whole / 100, (value + half) * whole / 100
    sides = [(least, greatest), (whole - greatest, whole - least)]
    if disclosure.profile_in_use() == "opensafely":
        sides.pop()  # The rest of a rounded base is no count.
    return any(
        low > 0 and is_small(math.floor(high)) and math.floor(high) >= math.ceil(low)
        for low, high in sides
    )


def shown_on_pages(contents: Iterable[Content], facts: Facts) -> Iterator[tuple[str, str, str]]:
    """File, place and what, of withheld rows that a page shows a number of."""
    withheld: dict[str, dict[str, dict[str, str]]] = {}
    for file, _, row in facts.rows:
        if row.get("suppressed") == "True" and file.startswith("results/"):
            name = file.removeprefix("results/").removesuffix(".csv")
            withheld.setdefault(name, {})[row.get("id", "")] = row
    for content in contents:
        for target, text in content.links:
            name, _, identity = target.removeprefix("data-").partition(".html#")
            given = withheld.get(name, {}).get(identity)
            if given is not None and re.search(r"\d", _beside_words(text, given)):
                yield content.name, f"link to {identity}", f"{text!r} for a withheld row"
        name = content.name.rsplit("/", 1)[-1].removeprefix("data-").removesuffix(".html")
        for table in content.tables if name in withheld else ():
            yield from _on_data_page(content.name, table, withheld[name])


def _beside_words(text: str, row: Mapping[str, str]) -> str:
    """What a text shows besides the words of its row, such as the name of a group."""
    left = text.casefold()
    if left in (cell.casefold() for cell in row.values()):
        return ""
    for cell in sorted(row.values(), key=len, reverse=True):
        if re.search(r"[a-z]", cell.casefold()):
            left = left.replace(cell.casefold(), "")
    return left


def _on_data_page(
    file: str, table: Table, withheld: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str, str]]:
    for row in table.rows:
        given = withheld.get(row[0]) if row else None
        for header, cell in zip(table.header, row, strict=False) if given else ():
            if number(cell.replace(",", "")) is not None and not (given or {}).get(header):
                yield file, f"row {row[0]}", f"{header} {cell} for a withheld row"
