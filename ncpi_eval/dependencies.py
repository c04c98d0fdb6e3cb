"""Tell make which package modules each page imports, so that a changed module rebuilds its pages.

Read from the source with `ast`, never by importing: it must be quick, and a module that cannot be
imported must still be listed. Where an import cannot be resolved exactly, too much is listed rather
than too little. Standard library only.
"""

from __future__ import annotations

import ast
import gc
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from ncpi_eval import declarations, paths, workspace

PACKAGE = "ncpi_eval"
NAMED = re.compile(rf"""["'\\]({PACKAGE}\.[\w.]+)["'\\]""")


@cache
def modules() -> dict[str, Path]:
    """Dotted name to file, for every module of the package."""
    found = {}
    for path in sorted((paths.ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(paths.ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(source: str, place: str = "", is_package: bool = False) -> set[str]:
    """Modules of the package that a piece of Python names in its imports.

    Parameters
    ----------
    source : str
        Python; what does not parse imports nothing (its page will fail by itself).
    place : str
        Dotted name of the module it stands in, to resolve relative imports; blank in a notebook.
    is_package : bool
        Whether that module is an ``__init__``.

    Returns
    -------
    set of str
        Dotted names, without their parents. A plain ``import ncpi_eval`` gives every module.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    # importlib.import_module("ncpi_eval.figures"): wherever a module's name stands as a string
    found = {name for text in NAMED.findall(source) for name in _known(text)}
    for node in _statements(tree.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= set(modules()) if alias.name == PACKAGE else _known(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, place, is_package)
            for alias in node.names:
                found |= _names_from(base, alias.name)
    return found - {place}


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every statement of a block, those inside others included; imports stand nowhere else."""
    for node in body:
        yield node
        for inner in ("body", "orelse", "handlers", "finalbody", "cases"):
            yield from _statements(getattr(node, inner, ()))


def _base(node: ast.ImportFrom, place: str, is_package: bool) -> str:
    """Absolute name of the module after ``from``."""
    if not node.level:
        return node.module or ""
    parts = place.split(".")
    keep = len(parts) - node.level + (1 if is_package else 0)
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def _names_from(base: str, name: str) -> set[str]:
    """What ``from base import name`` may load."""
    if base.split(".")[0] != PACKAGE:
        return set()
    if name == "*":
        return {module for module in modules() if module.startswith(base)}
    if f"{base}.{name}" in modules():
        return {f"{base}.{name}"}
    if base == PACKAGE:
        # a name that __init__ hands out lazily: whatever modules __init__ speaks of
        return _known(base) | _lazy()
    return _known(base)


@cache
def _lazy() -> frozenset[str]:
    """Modules behind the names that the package's ``__init__`` hands out when asked."""
    source = modules()[PACKAGE].read_text(encoding="utf-8")
    return frozenset(imports_of(source, PACKAGE, is_package=True))


def _known(name: str) -> set[str]:
    """The module of that name, or the nearest parent that is one."""
    while name:
        if name in modules():
            return {name}
        name = name.rpartition(".")[0]
    return set()


@cache
def direct(module: str) -> frozenset[str]:
    """Modules that one module imports, its own parents not counted.

    Of the package's ``__init__`` only what it imports at once: every module passes through it.
    """
    path = modules()[module]
    source = path.read_text(encoding="utf-8")
    if module == PACKAGE:
        body = [node for node in ast.parse(source).body if not isinstance(node, ast.FunctionDef)]
        source = "\n".join(ast.unparse(node) for node in body)
    return frozenset(imports_of(source, module, path.name == "__init__.py"))


def closure(names: Iterable[str]) -> list[Path]:
    """Files of some modules and of all that they import, sorted, with their parents."""
    seen: set[str] = set()
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in modules():
            continue
        seen.add(name)
        parent = name.rpartition(".")[0]
        waiting += sorted(direct(name))
        waiting += [parent] if parent else []
    return sorted(modules()[name] for name in seen)


def code_of(notebook: Path) -> list[str]:
    """Python of each code cell, with lines that only IPython understands left out."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    sources = ["".join(cell["source"]) for cell in cells if cell.get("cell_type") == "code"]
    return [re.sub(r"^(\s*)[%!?].*$", r"\1pass", source, flags=re.M) for source in sources]


def notebook_imports(notebook: Path) -> set[str]:
    """Modules of the package that a notebook names."""
    return set().union(*(imports_of(source) for source in code_of(notebook)))


def all_imports(notebook: Path) -> list[str]:
    """Every module that a notebook imports, ours and others', in its order.

    A name imported from a package may be a module or something in one: it is listed as a module.
    """
    found: dict[str, None] = {}
    for source in code_of(notebook):
        with suppress(SyntaxError, ValueError):
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Import):
                    found |= dict.fromkeys(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found[node.module] = None
                    if node.module.split(".")[0] == PACKAGE:
                        found |= {f"{node.module}.{alias.name}": None for alias in node.names}
    return list(found)


def write_rules(target: Path) -> None:
    """Write one line per page for make: the page's stamp and the modules behind it."""
    site = declarations.read()
    machinery = closure([f"{PACKAGE}.execute"])
    lines = [
        "# Written by ncpi_eval/dependencies.py from the imports; remade when a module changes."
    ]
    lines.append("INDEX_MODULES := " + _for_make(closure([f"{PACKAGE}.publish"])))
    for page in site.pages:
        files = sorted({*closure(notebook_imports(page.notebook)), *machinery})
        lines.append(f"$(B)/stamps/pages/{page.stem}: {_for_make(files)}")
    workspace.write(target, ("\n".join(lines) + "\n").encode())


def _for_make(files: Iterable[Path]) -> str:
    return " ".join(path.relative_to(paths.ROOT).as_posix() for path in files)


if __name__ == "__main__":
    gc.disable()  # a tree of statements is no garbage, but looking through it takes half the time
    try:
        write_rules(Path(sys.argv[1]))
    except OSError as error:
        sys.exit(str(workspace.refused(error)))
