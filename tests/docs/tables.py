"""The tables that the pages take from the code: the catalogue, each layer's FLOPs, the limits, the zoo."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cnnspec
from cnnspec import files, limits
from cnnspec.cli.zoo import title
from cnnspec.grammar import arguments, expressions, numbers, postfixes, statements, steps
from cnnspec.layers import LAYERS
from cnnspec.layers.arguments import REQUIRED, Arg, SameAs, shown
from cnnspec.layers.base import Layer
from cnnspec.render.units import scaled
from tests.docs.pages import ROOT

Rows = list[str]
#: A generated table in a page's text: its first line, name, rows and last line.
TABLE = r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->\n)"


def tables(page: Path) -> Iterator[tuple[str, Rows]]:
    """The generated tables of a page, by name."""
    text = page.read_text(encoding="utf-8")
    for _, name, inside, _ in re.findall(TABLE, text, re.DOTALL):
        yield name, inside.splitlines()


def table(*rows: tuple[str, ...]) -> Rows:
    """Markdown rows, the first one a head."""
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]


def paragraph(layer: type[Layer], start: str) -> str:
    """The paragraph of a layer's docstring that begins so, on one line, without this beginning."""
    paragraphs = [" ".join(part.split()) for part in (layer.__doc__ or "").split("\n\n")]
    return next(part for part in paragraphs if part.startswith(start)).removeprefix(start).strip()


def catalogue() -> Rows:
    """Every layer: how it is called, with its defaults, and what it is."""
    rows = [(f"`{layer.keyword}{signature(layer)}`", paragraph(layer, "").removesuffix(".")) for layer in LAYERS]
    return table(("layer", "what it is"), *rows)


def signature(layer: type[Layer]) -> str:
    """The arguments in the order in which they are given by position; behind `*` those that only a name gives."""
    shared = ("train", "init", "call")  # of whole families: said once, below the table
    placed = [named(name, arg) for name, arg in layer.args.items() if not arg.named_only]
    others = [named(name, arg) for name, arg in layer.args.items() if arg.named_only and name not in shared]
    arguments = [*placed, *["*"] * bool(others), *others]
    return f"({', '.join(arguments)})" if arguments else ""


def named(name: str, arg: Arg) -> str:
    """An argument with its default, where it has one."""
    if arg.default is REQUIRED:
        return name
    if arg.default is None:
        return f"[{name}]"
    return f"{name}={arg.default.name if isinstance(arg.default, SameAs) else shown(arg.default)}"


def flops() -> Rows:
    """What each layer adds to 2·MACs; layers with the same rule share a row."""
    rules: dict[str, list[str]] = {}
    for layer in LAYERS:
        rules.setdefault(paragraph(layer, "FLOPs:").removesuffix("."), []).append(layer.keyword)
    return table(("layer", "FLOPs beside 2·MACs"), *((", ".join(keywords), rule) for rule, keywords in rules.items()))


def bounds() -> Rows:
    """Each limit, its default and its option, with the comments of the declaration."""
    source = Path(limits.__file__).read_text(encoding="utf-8")
    found = re.findall(r"    #: (.+?) \(`(--max-[\w-]+)`\)(.*)\.\n    (\w+): int = ([\d_]+)", source)
    assert len(found) == source.count(": int = ")
    rows = [(lowered(what) + more, f"{int(number):,}", f"`{option}`") for what, option, more, _, number in found]
    return table(("what is bounded", "at most", "option"), *rows)


def lowered(text: str) -> str:
    """A sentence as a phrase."""
    return text[0].lower() + text[1:]


def zoo() -> Rows:
    """The spec files: their networks, where these come from, and the size of the one that the file stands for."""
    rows = []
    for path in files.specs_in(str(ROOT / "specs")):
        names = files.nets_in(path)
        net = cnnspec.load(path)
        totals = net.summary().totals
        others = [name for name in names if name != net.name]
        rows.append((f"`{net.name}`" + "".join(f", `{name}`" for name in others), title(path),
                     scaled(totals.params), scaled(totals.macs)))
    return table(("networks", "after", "parameters", "MACs"), *rows)


def grammar() -> Rows:
    """The productions, from the docstrings of the functions that read them; of two for one name, the first."""
    found: dict[str, str] = {}
    for module in (statements, steps, postfixes, expressions, arguments, numbers):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        docs = [ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)]
        for doc in docs:
            if re.match(r"\w+ = ", doc):
                for production in doc.split("\n\n")[0].split(" ;"):
                    rule = " ".join(production.split())
                    found.setdefault(rule.partition(" = ")[0], rule)
    return ["```text", *found.values(), "```"]


TABLES: dict[str, Callable[[], Rows]] = {
    "catalogue": catalogue, "flops": flops, "limits": bounds, "zoo": zoo, "grammar": grammar,
}
