"""The code as data: every module of the package with its imports, functions and calls, read without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "cnnspec"


class Import(NamedTuple):
    """One module of the package that another imports."""

    user: str
    used: str
    #: The function that it stands in; empty at the top of the module.
    function: str

    def __str__(self) -> str:
        return f"{self.user} imports {self.used}{f' in {self.function}' if self.function else ''}"


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module of the package, by its dotted name below it; the package itself is `""`."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root / PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(root: Path = ROOT) -> Iterator[Import]:
    """All imports of the package's modules by each other, also those inside functions."""
    known = modules(root)
    for name, path in known.items():
        yield from _imports(name, parsed(path), known, "")


def _imports(user: str, node: ast.AST, known: dict[str, Path], function: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] == PACKAGE:
            base = (child.module or "").removeprefix(PACKAGE).removeprefix(".")
            for alias in child.names:
                below = f"{base}.{alias.name}".removeprefix(".")
                yield Import(user, below if below in known else base, function)
        elif isinstance(child, ast.Import):
            for alias in child.names:
                if alias.name.split(".")[0] == PACKAGE:
                    yield Import(user, alias.name.removeprefix(PACKAGE).removeprefix("."), function)
        else:
            inner = child.name if isinstance(child, ast.FunctionDef) else function
            yield from _imports(user, child, known, inner)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Every function and method."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def lines(path: Path) -> int:
    """Lines of a file that are not blank."""
    return sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())


def prints(tree: ast.Module) -> Iterator[int]:
    """The lines that print: calls of `print` and `echo`, and the standard streams."""
    for node in ast.walk(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in {"print", "stdout", "stderr", "echo", "secho"}:
            yield node.lineno
