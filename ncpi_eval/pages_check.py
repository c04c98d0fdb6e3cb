"""Open every finished page in Chromium, offline, as readers do: ``make check-pages``.

axe-core holds each page to WCAG 2.2 AA, light and dark, on a desktop's and on a phone's width; what
the page asks for, says on the console, runs or lets a keyboard reach is written down; `page_rules`
reads what axe-core does not. Anything found makes the exit code 1. The page stays as its reader has
it: its security policy holds, and axe-core works in a world of its own beside it. Each page is
opened once more without the policy, because a page that only the policy keeps quiet is not quiet.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ncpi_eval import page_rules, paths
from ncpi_eval.errors import BuildError, NcpiError, Problem
from ncpi_eval.page_rules import Finding

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

TOOLS = paths.ROOT / "tests" / "browser"
AXE = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing in the background, so that every request is the page's.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STANDARD = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# Rules that look at every letter's colour.
COLOURS = ("color-contrast", "link-in-text-block")
# Width in CSS pixels: a desktop's, and the one at which WCAG 1.4.10 forbids scrolling sideways.
DESKTOP, PHONE = 1280, 320
VIEWS: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", DESKTOP),
    ("dark", DESKTOP),
    ("light", PHONE),
    ("dark", PHONE),
)
# How many rows of the same markup axe-core sees in every view; all of them it sees once.
ROWS_OF_A_KIND = 3
TAB_STOPS = 25
SECONDS = 120


def main(arguments: Sequence[str] = ()) -> int:
    """Check pages in the named files or folders, or in ``outputs/``; return the exit code."""
    started = time.perf_counter()
    try:
        executable, axe = tools()
        pages = pages_in([Path(name) for name in arguments] or [paths.ROOT / "outputs"])
    except NcpiError as error:
        print(error, file=sys.stderr)
        return 1
    found = check(pages, executable, axe)
    for finding in found:
        print(finding)
    views = ", ".join(f"{scheme} {width}px" for scheme, width in VIEWS)
    print(
        f"{len(pages)} pages in {Path(executable).name} with axe-core {_axe_version()} ({views}) "
        f"and {len(page_rules.RULES)} rules of our own: {len(found) or 'no'} findings, "
        f"{time.perf_counter() - started:.0f} s"
    )
    return int(bool(found))


def tools() -> tuple[str, str]:
    """Path of Chromium and source of axe-core, which npm fetches by its hash if it is not there.

    Raises
    ------
    BuildError
        With what to install.
    """
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    problems = []
    if executable is None:
        problems.append(_missing("Chromium", "sudo apt-get install chromium"))
    if not AXE.is_file():
        npm = shutil.which("npm")
        if npm is None:
            problems.append(_missing("npm", "sudo apt-get install npm"))
        else:
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=TOOLS, capture_output=True, text=True)
            if done.returncode or not AXE.is_file():
                said = (done.stderr or done.stdout).strip().splitlines()
                problems.append(
                    Problem(
                        "npm ci in tests/browser",
                        said[-1][:200] if said else "no axe-core",
                        "axe-core as package-lock.json names it",
                        "Connect to the network and try again.",
                    )
                )
    if problems or executable is None:
        raise BuildError("The pages cannot be checked.", problems)
    return executable, AXE.read_text(encoding="utf-8")


def _missing(name: str, remedy: str) -> Problem:
    return Problem(name, "not on this machine", "on the PATH", f"Install it, e.g. {remedy}.")


def _axe_version() -> str:
    return str(json.loads((AXE.parent / "package.json").read_text(encoding="utf-8"))["version"])


def pages_in(places: Iterable[Path]) -> list[Path]:
    """Every page in files and folders, through links but not in hidden folders, each once.

    Raises
    ------
    BuildError
        If there is none.
    """
    places = list(places)
    pages: list[Path] = [place for place in places if place.is_file()]
    for place in places:
        for folder, inner, names in os.walk(place, followlinks=True):
            inner[:] = sorted(n for n in inner if not n.startswith(".") and n != "current")
            pages += [Path(folder, name) for name in sorted(names) if name.endswith(".html")]
    if not pages:
        raise BuildError(
            "There are no pages to check.",
            [Problem(str(places[0]), "no .html file", "the report", "Call make report first.")],
        )
    return pages


def check(pages: Sequence[Path], executable: str, axe: str) -> list[Finding]:
    """What is found on the pages, in their order, in as many browsers as there are processors."""
    found: dict[Path, list[Finding]] = {}
    others: dict[Path, frozenset[str]] = {}
    names = _names(pages)
    # The largest first, so that no browser waits for one that began it last.
    queue = sorted(pages, key=lambda path: -path.stat().st_size)
    workers = min(os.cpu_count() or 1, len(queue))
    with ProcessPoolExecutor(workers, initializer=_open, initargs=(executable, axe)) as pool:
        waiting = [(path, pool.submit(_in_worker, path, names[path])) for path in queue]
        for path in pages:
            found[path] = page_rules.findings(page_rules.read(path, others), names[path])
        for number, (path, answer) in enumerate(waiting, 1):
            in_browser = answer.result()
            found[path] += in_browser
            said = f", {len(in_browser)} findings" if in_browser else ""
            print(f"{number} of {len(waiting)}: {names[path]}{said}", file=sys.stderr, flush=True)
    return [finding for path in pages for finding in found[path]]


def _names(pages: Sequence[Path]) -> dict[Path, str]:
    shared = Path(os.path.commonpath([path.parent for path in pages]))
    return {path: path.relative_to(shared).as_posix() for path in pages}


# A browser of each process, closed when the process ends.
_mine: dict[str, Any] = {}


def _open(executable: str, axe: str) -> None:
    from playwright.sync_api import sync_playwright

    _mine["playwright"] = sync_playwright().start()
    _mine["browser"] = launch(_mine["playwright"], executable)
    _mine["axe"] = axe


def _in_worker(path: Path, name: str) -> list[Finding]:
    return examine(_mine["browser"], path, _mine["axe"], name)


def launch(playwright: Any, executable: str) -> Browser:
    """Chromium without a window."""
    return playwright.chromium.launch(executable_path=executable, args=[*FLAGS])


def examine(browser: Browser, path: Path, axe: str, name: str = "") -> list[Finding]:
    """What a browser finds on one page.

    Parameters
    ----------
    browser : Browser
        From `launch`.
    path : Path
        The page.
    axe : str
        Source of axe-core.
    name : str
        What findings call the page; its file's name if not given.
    """
    name = name or path.name
    found: list[Finding] = []
    with opened(browser, path) as (page, noticed):
        found += [Finding(name, "keyboard", detail) for detail in _keyboard(page)]
        found += [Finding(name, "axe-core", detail) for detail in _axe(page, axe)]
        found += [Finding(name, "width", detail) for detail in _sideways(page)]
        found += [Finding(name, "letters", detail) for detail in _letters(page)]
        found += [Finding(name, "paper", detail) for detail in _printed(page)]
        found += [Finding(name, rule, detail) for rule, detail in noticed]
    with opened(browser, path, policy=False) as (_, noticed):
        found += [Finding(name, rule, f"{detail}, but for its policy") for rule, detail in noticed]
    return list(dict.fromkeys(found))


@contextmanager
def opened(
    browser: Browser, path: Path, *, policy: bool = True
) -> Iterator[tuple[Page, list[tuple[str, str]]]]:
    """A page offline, with the list of what it asked for, said or did, as rule and detail."""
    context = browser.new_context(
        offline=True, bypass_csp=not policy, viewport={"width": DESKTOP, "height": 900}
    )
    context.set_default_timeout(SECONDS * 1000)
    noticed: list[tuple[str, str]] = []
    try:
        page = context.new_page()
        address = path.resolve().as_uri()
        allowed = [address]

        def asked(request: Any) -> None:
            if request.url in allowed:
                allowed.remove(request.url)
            elif not request.url.startswith("data:image/"):
                noticed.append(("request", request.url[:100]))

        def said(message: Any) -> None:
            if message.type in ("error", "warning", "assert"):
                noticed.append(("console", message.text[:160]))

        def dialog(shown: Any) -> None:
            noticed.append(("dialog", f"{shown.type} {shown.message[:60]!r}"))
            shown.dismiss()

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: noticed.append(("console", str(error)[:160])))
        page.on("dialog", dialog)
        page.on("popup", lambda other: noticed.append(("window", other.url[:100])))
        page.goto(address, wait_until="load")
        yield page, noticed
    finally:
        context.close()


# axe-core

# Folded parts are unfolded, because axe-core passes over what nobody sees. Colours take it minutes
# for thousands of rows, and rows of the same markup have the same colours, so that of each kind of
# row it sees the first few in every view, and then all rows once by all other rules.
_PREPARE = """
(() => {
  document.querySelectorAll("details").forEach(details => details.open = true);
  const bare = element => element.cloneNode(false).outerHTML
    .replace(/ (?!class|scope)[\\w-]+="[^"]*"/g, "");
  const kinds = new Map(), spare = [];
  for (const row of document.querySelectorAll("main tbody > tr")) {
    const around = [row.closest("table"), row.closest("figure, details") || document.body];
    const kind = [...row.querySelectorAll("*"), ...around].map(bare).join("");
    kinds.set(kind, (kinds.get(kind) || 0) + 1);
    if (kinds.get(kind) > %d) spare.push([row, row.parentNode, row.nextSibling]);
  }
  spare.forEach(([row]) => row.remove());
  window.putBack = () => spare.reverse().forEach(
    ([row, parent, next]) => parent.insertBefore(row, next));
  return spare.length;
})()
"""
_RUN = """
axe.run(document, {
  runOnly: {type: "%s", values: %s}, rules: %s,
  resultTypes: ["violations"], preload: false, iframes: false
}).then(result => result.violations.map(violation => ({
  id: violation.id, help: violation.help, times: violation.nodes.length,
  target: violation.nodes[0].target.join(" "),
  why: violation.nodes[0].failureSummary.split("\\n")[1] || ""
})))
"""


def _axe(page: Page, axe: str) -> Iterator[str]:
    session = page.context.new_cdp_session(page)
    world = _world(session)
    _evaluate(session, world, axe)
    spare = int(_evaluate(session, world, _PREPARE % ROWS_OF_A_KIND))
    for scheme, width in VIEWS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        # Nothing but colours changes in the dark.
        run = _run(STANDARD, COLOURS) if scheme == "light" else _run(COLOURS)
        for violation in _evaluate(session, world, run):
            yield _violation(violation, f"{scheme} {width}px")
    if spare:
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": DESKTOP, "height": 900})
        _evaluate(session, world, "putBack()")
        for violation in _evaluate(session, world, _run(STANDARD)):
            yield _violation(violation, f"all rows {DESKTOP}px")
    session.detach()


def _run(wanted: Sequence[str], also: Sequence[str] = ()) -> str:
    """The call of axe-core for tags of rules, with or without those of colours, or for these."""
    if wanted is COLOURS:
        return _RUN % ("rule", json.dumps(wanted), "{}")
    rules = {name: {"enabled": name in also} for name in COLOURS}
    rules["target-size"] = {"enabled": True}  # off in axe-core unless asked for
    return _RUN % ("tag", json.dumps(wanted), json.dumps(rules))


def _violation(found: dict[str, Any], view: str) -> str:
    return (
        f"{found['id']} ({found['help']}), {found['times']} times, {view}, "
        f"first {found['target']}: {found['why'].strip()}"
    )


def _world(session: CDPSession) -> int:
    """A world beside the page's own, out of its policy's reach and out of its scripts' sight."""
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    created = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "check"})
    return int(created["executionContextId"])


def _evaluate(session: CDPSession, world: int, expression: str) -> Any:
    answer = session.send(
        "Runtime.evaluate",
        {
            "expression": expression,
            "contextId": world,
            "awaitPromise": True,
            "returnByValue": True,
            "timeout": SECONDS * 1000,
        },
    )
    if "exceptionDetails" in answer:
        raise RuntimeError(json.dumps(answer["exceptionDetails"])[:500])
    return answer["result"].get("value")


# What axe-core does not try

_FOCUSED = """
() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const box = element.getBoundingClientRect(), style = getComputedStyle(element);
  return {
    name: element.tagName.toLowerCase() + (element.id ? "#" + element.id : "") + " "
      + element.textContent.trim().slice(0, 40),
    href: element.getAttribute("href"),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
      && box.top < innerHeight && box.left < innerWidth
  };
}
"""


def _keyboard(page: Page) -> Iterator[str]:
    """Walk the first stops of the page by the Tab key, then skip to the content."""
    page.keyboard.press("Tab")
    first = page.evaluate(_FOCUSED)
    if not first or first["href"] != "#main":
        yield "the first stop of the Tab key is not the link that skips to the content"
    for _ in range(TAB_STOPS):
        stop = page.evaluate(_FOCUSED)
        if not stop:
            break
        if not stop["ring"]:
            yield f"no ring around {stop['name']!r} when it has the focus"
        if not stop["seen"]:
            yield f"{stop['name']!r} has the focus out of sight"
        page.keyboard.press("Tab")
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    skip = page.locator("a[href='#main']").first
    if not skip.count():
        return
    skip.focus()
    page.keyboard.press("Enter")
    if page.evaluate("() => document.activeElement.id") != "main":
        yield "the link that skips to the content does not take the focus there"


def _sideways(page: Page) -> Iterator[str]:
    page.set_viewport_size({"width": PHONE, "height": 900})
    wider = page.evaluate(
        """() => {
          const room = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= room) return null;
          const out = [...document.querySelectorAll("body *")].filter(element =>
            element.getBoundingClientRect().right > room + 1 && !element.closest(".scroll"));
          return document.documentElement.scrollWidth + "px, "
            + out.slice(0, 3).map(e => e.tagName.toLowerCase() + "." + e.className).join(" ");
        }"""
    )
    if wider:
        yield f"scrolls sideways at {PHONE}px: {wider}"


# Words in their widest sense are as large as small print, and those of pictures, which a reader has
# as a table too, still letters.
_SMALLEST, _SMALLEST_IN_PICTURES = 12, 7.5
_LETTERS = """
() => {
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), small = {};
  while (words.nextNode()) {
    const text = words.currentNode.data.trim(), element = words.currentNode.parentElement;
    if (!text || element.closest("math, title, desc, sup, sub, style")) continue;
    const range = document.createRange();
    range.selectNodeContents(words.currentNode);
    if (!range.getBoundingClientRect().width) continue;
    const picture = element.closest("svg"), space = picture && picture.viewBox.baseVal.width;
    const scale = space ? picture.getBoundingClientRect().width / space : 1;
    const size = parseFloat(getComputedStyle(element).fontSize) * scale;
    if (size < (picture ? %s : %s)) small[text.slice(0, 40)] = size;
  }
  return small;
}
"""


def _letters(page: Page) -> Iterator[str]:
    page.set_viewport_size({"width": PHONE, "height": 900})
    small = page.evaluate(_LETTERS % (_SMALLEST_IN_PICTURES, _SMALLEST))
    if small:
        least = min(small, key=lambda text: float(small[text]))
        yield f"{least!r} has {small[least]:.1f}px at {PHONE}px, {len(small)} such texts"


# CSS pixels between the margins of an A4 sheet.
PAPER = 700
_PAPER = """
() => {
  const main = document.querySelector("main"), room = document.documentElement.clientWidth;
  if (!main || !main.getBoundingClientRect().height) return "the content is not printed";
  const wide = [...main.querySelectorAll("*")].find(
    element => element.getBoundingClientRect().right > room + 1 && !element.closest(".data"));
  return wide ? wide.tagName.toLowerCase() + " " + wide.textContent.trim().slice(0, 40)
    + " is wider than a sheet of paper" : null;
}
"""


def _printed(page: Page) -> Iterator[str]:
    """What is printed is there and fits; tables of all results are for screens."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 990})
    problem = page.evaluate(_PAPER)
    page.emulate_media(media="screen")
    if problem:
        yield str(problem)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
