"""Personal details that patterns can find: names, numbers, addresses, places on a machine.

One expression is compiled of all patterns and every piece of text is gone through once. Patterns
are strict rather than greedy: a finding stops the report, so that what is found must be worth it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_SURNAME = r"[A-Z](?:[a-z]+|[’'][A-Z][a-z]+)(?:[-’'][A-Z]?[a-z]+)*"
_ABBREVIATED = (
    "Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Cllr|PC|WPC|DC|TDC|DS|DI|DCI|DSupt|PS|PCSO|Sgt|Insp|Supt|ACC|DCC"
)
_RANK = "Constable|Sergeant|Inspector|Superintendent|Professor|Doctor|Councillor"
# What follows a rank and is no name.
_NO_NAME = (
    r"(?!(?:Of|Or|And|In|At|The|For|To|Police|Constabulary|General|Chief|Detective|Force|Service|"
    r"Grade|Rank|Level|Don|Not|Other|Yes|No)\b)"
)
_FIRST_NAMES = """
    Aaron Abdul Abigail Adam Adrian Ahmed Aisha Alan Alastair Alice Alison Amanda Amelia Amy
    Andrea Andrew Angela Anita Ann Anna Anne Annette Anthony Antony Barbara Benjamin Bernard
    Beverley Brenda Brian Bridget Callum Cameron Carl Carol Caroline Catherine Cathy Charlotte
    Cheryl Chloe Christine Christopher Claire Clare Clive Colin Connor Craig Daniel Danielle
    Darren David Dawn Deborah Debra Denise Dennis Derek Diana Diane Dominic Donna Dorothy
    Douglas Duncan Edward Eileen Elaine Eleanor Elizabeth Ellen Emily Emma Eric Ethan Fatima
    Fiona Frances Gareth Gary Gavin Gemma Geoffrey George Georgia Gerald Gillian Gordon Graeme
    Graham Gregory Hannah Hassan Hazel Heather Helen Henry Hilary Hugh Ian Imran Irene Isabel
    Isobel Jacob Jacqueline James Jamie Jane Janet Janice Jasmine Jason Jean Jeffrey Jennifer
    Jeremy Jessica Jill Joan Joanna Joanne John Jonathan Joseph Joshua Joyce Judith Julia Julian
    Julie Justin Karen Karl Katherine Kathleen Kathryn Katie Keith Kelly Kenneth Kerry Kevin
    Kieran Kirsty Laura Lauren Lawrence Leanne Leonard Lesley Lewis Liam Linda Lindsay Lisa
    Lorraine Louise Lucy Luke Lynn Malcolm Margaret Maria Marian Marie Marion Martin Martyn Mary
    Matthew Maureen Megan Melanie Melissa Michael Michelle Mohammad Mohammed Monica Muhammad
    Natalie Natasha Nathan Neil Nicholas Nicola Nigel Oliver Olivia Owen Pamela Patricia Patrick
    Paul Paula Pauline Peter Philip Phillip Priya Rachael Rachel Raymond Rebecca Richard Robert
    Robin Roger Ronald Rosemary Russell Ruth Ryan Sally Samantha Samuel Sandra Sara Sarah Sharon
    Sheila Shirley Simon Sophie Stacey Stanley Stephanie Stephen Steven Stuart Susan Suzanne
    Sylvia Terence Teresa Theresa Thomas Timothy Tina Tracey Tracy Trevor Valerie Vanessa
    Victoria Vincent Vivien Wayne Wendy William Yasmin Yvonne Zoe
"""

_AT = r"(?:@|[\[({<]\s?(?i:at)\s?[\])}>])"
_DOT = r"(?:\.|[\[({<]\s?(?i:dot)\s?[\])}>])"
# What may stand between digits of a number, and a rank that is followed by a year.
_GAP = r"[\s().\u2013/-]{0,3}"
_NOT_A_YEAR = r"(?!\.?\s(?:19|20)\d\d\b)"

#: Kind and pattern; the first that fits a place names the kind.
PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "e-mail address",
        rf"(?<![\w.+'-])[\w.+'-]+(?:\s?{_AT}\s?(?:[\w-]+\s?{_DOT}\s?)+[A-Za-z]{{2,}}"
        r"| (?i:at [\w-]+(?: dot [\w-]+)+))|mailto:[^\s\"'<>]+",
    ),
    (
        "local path",
        r"(?:file:/{1,3}|(?:smb|nfs|afp|sftp|ssh|s3|gs|abfss?|dbfs|vscode-[\w-]+)://)[^\s\"'<>]+"
        r"|(?<![\w./:@~-])/(?:home|root|Users|work|workspaces?|tmp|private|mnt|media|nfs|opt|scratch|"
        r"srv|var|usr|data|shared|app|Volumes)/[\w.@-]+"
        r"|(?<![\w./~-])(?:~[\w-]*|\$\{?HOME\}?|%(?:USERPROFILE|HOME\w+|APPDATA)%)[/\\]\w+"
        r"|(?<!\w)[A-Za-z]:(?:\\{1,2}|/(?!/))[A-Za-z][\w .-]*[\\/]"
        r"|\\\\[\w-]+\\[\w$-]+",
    ),
    (
        "telephone number",
        rf"(?<![\w.,+-])(?:\(?(?:\+|00)44\)?{_GAP}(?:0{_GAP})?|44\s?|\(?0[\s()-]{{0,2}})"
        rf"[1-37-9](?:{_GAP}\d){{8,9}}(?![\w.]?\d)"
        r"|(?<![\w.,+-])0[58]00[ -]?\d{3,4}(?![\w.]?\d)"
        r"|(?i:\b(?:ext|extension)\b)\.?[ :]*\d{3,6}\b",
    ),
    (
        "collar number",
        r"(?<!\w)(?:W?P\.?C|T?D\.?C|DS|DI|DCI|P\.?S|PCSO|Pc|Ps|Sgt|Insp|SC|(?i:constable|sergeant|"
        rf"inspector|officer){_NOT_A_YEAR})\.?[\s#:-]{{0,2}}(?i:no\.?|number)?[\s#:]{{0,2}}"
        r"(?:\d{2,6}|\d\d \d\d)[A-Z]{0,2}(?![\w.,%-]|\s?(?:of|out|per cent)\b)"
        r"|(?i:\b(?:collar|shoulder|warrant|epaulette)(?: card)?(?: ?(?:no|num|number))?\b)"
        r"\.?[\s:#]+(?:is\s+)?[A-Z]{0,3}\d{2,6}[A-Z]{0,2}\b",
    ),
    (
        "national insurance number",
        r"(?<![\w-])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d\d\s?\d\d\s?\d\d\s?[A-D](?![\w-])",
    ),
    ("postcode", r"(?<![\w.#-])[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]?\s\d[ABD-HJLNP-UW-Z]{2}(?![\w-])"),
    (
        "serial",
        r"(?<![\w./,+:-])(?!(?:19|20)\d\d-(?:(?:19|20)\d\d)(?!\d))\d{3,5}-\d{5,6}(?![\w/-]|\.\d)"
        r"|(?i:\b(?:serial|respondent)(?: ?(?:no|number|id))?\b)\.?[\s:=#]+[A-Z]{0,2}\d{3,}\b",
    ),
    (
        "name",
        rf"(?<![\w.])(?:{_ABBREVIATED})\.?\s(?:[A-Z]\.?\s)?{_NO_NAME}{_SURNAME}(?![\w(])"
        rf"|(?<![\w.])(?:{_RANK})\s(?:[A-Z]\.?\s)?{_NO_NAME}{_SURNAME}(?![\w(])"
        rf"|(?<![\w.-])(?:{'|'.join(_FIRST_NAMES.split())})\s(?:[A-Z]\.?\s)?{_SURNAME}(?![\w(])"
        rf"|(?<![\w.-])(?:{'|'.join(_FIRST_NAMES.upper().split())})\s[A-Z][A-Z’'-]{{2,}}(?![\w(])"
        r"|\b(?i:my name is|i am called)\s+\w+",
    ),
)


class Details:
    """Finds details in text; pieces that were gone through before are remembered.

    Parameters
    ----------
    names : iterable of str
        Names that must not occur, each as it would be written (a register of interviewees).
    allowed : iterable of (kind, text)
        Declared exceptions: findings of this kind whose text is this one.
    """

    def __init__(self, names: Iterable[str] = (), allowed: Iterable[tuple[str, str]] = ()) -> None:
        kinds = [kind for kind, _ in PATTERNS]
        listed = [re.escape(name.strip()) for name in names if len(name.strip()) > 2]
        extra = [rf"(?<!\w)(?i:{'|'.join(sorted(listed))})(?!\w)"] if listed else []
        parts = [pattern for _, pattern in PATTERNS] + extra
        self.kinds = kinds + ["name"] * len(extra)
        self.pattern = re.compile("|".join(f"({part})" for part in parts))
        self.allowed = {(kind, text.casefold()) for kind, text in allowed}
        self.seen: set[str] = set()

    def found(self, pieces: Iterable[str]) -> Iterator[tuple[str, str, str]]:
        """Kind, what and piece of every detail in pieces that were not seen before without one."""
        fresh = [piece for piece in pieces if piece not in self.seen and not _is_plain(piece)]
        # One call for many pieces; a line end keeps neighbours apart.
        text = "\n".join(piece.replace("\n", " ") for piece in fresh)
        if not self.pattern.search(text):
            self.seen.update(fresh)
            return
        for piece in fresh:
            clean = True
            for match in self.pattern.finditer(piece):
                kind = self.kinds[(match.lastindex or 1) - 1]
                what = " ".join(match.group().split())
                if (kind, what.casefold()) in self.allowed:
                    continue
                clean = False
                yield kind, what, piece
            if clean:
                self.seen.add(piece)


_PLAIN = re.compile(r"[\s\d.,%eE+−–<>=\[\]()-]*")


def _is_plain(piece: str) -> bool:
    """A short number or a decimal, which is no detail."""
    return len(piece) < 24 and ("." in piece or len(piece) < 9) and bool(_PLAIN.fullmatch(piece))
