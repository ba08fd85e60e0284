"""The book of cases: Markdown files that show a spec and what must become of it, read and rendered back.

A case is a `##` heading with fenced blocks. One or more `cnn` blocks hold the files, the last one the spec itself;
behind `cnn` may stand a file name and the options `--net NAME`, `--set NAME=VALUE` and `--input [NAME=]SHAPE`, or
`--check` for what `cnnspec check` says of the whole file. What must come of it stands in a `layers` block, a
`diagnostics` block (warnings beside layers, errors alone), or both; an empty one stands for silence.

A line of `layers` is a path, a keyword, the shape that leaves, and any arguments that matter. A layer reads the one
above it unless `<- path, path` says which ones it reads (`<-` alone: none). `=> path` is the net's value where that is
not the last layer; `=> name: path` a further output, with `(train only)` behind it where it is that.

A diagnostic is `line:column severity[code] message`; indented below it stand `^ label`, `line:column second label`,
`= note` and `= help: text`. Each of these kinds is compared where the case shows any of that kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import cnnspec
from cnnspec import files
from cnnspec.analysis.check import check
from cnnspec.analysis.summary import Summary
from cnnspec.diagnostics import Diagnostic
from cnnspec.graph.values import written
from cnnspec.layers.base import show
from cnnspec.limits import Limits

FOLDER = Path(__file__).parent / "cases"
#: What a spec without a name is called.
MAIN = "main.cnn"


class Case(NamedTuple):
    """One heading of the book."""

    place: str
    title: str
    #: The files, by name; the last is the spec.
    files: Mapping[str, str]
    options: tuple[str, ...]
    layers: tuple[str, ...] | None
    diagnostics: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.place} {self.title}"


def read(path: Path) -> Iterator[Case]:
    """The cases of a file; raises `ValueError` for one that is not understood."""
    title, start, blocks = "", 0, []
    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
    for number, line in lines:
        if line.startswith("## "):
            if title:
                yield _case(path, start, title, blocks)
            title, start, blocks = line[3:], number, []
        elif line.startswith("```"):
            inside = []
            for _, text in lines:
                if text == "```":
                    break
                inside.append(text)
            blocks.append((line[3:].split(), inside))
    yield _case(path, start, title, blocks)


def _case(path: Path, line: int, title: str, blocks: list[tuple[list[str], list[str]]]) -> Case:
    place = f"{path.stem}:{line}"
    files: dict[str, str] = {}
    options: tuple[str, ...] = ()
    expected: dict[str, tuple[str, ...]] = {}
    for (kind, *words), inside in blocks:
        if kind == "cnn":
            name = words.pop(0) if words and words[0].endswith(".cnn") else MAIN
            files[name], options = "\n".join(inside), tuple(words)
        elif kind in {"layers", "diagnostics"} and kind not in expected and not words:
            expected[kind] = tuple(text.rstrip() for text in inside if text.strip())
        else:
            raise ValueError(f"{place}: a block `{kind}` is not understood here")
    if not files or not expected:
        raise ValueError(f"{place}: a case needs a spec and what becomes of it")
    return Case(place, title, files, options, expected.get("layers"), expected.get("diagnostics", ()))


def outcome(case: Case, folder: Path) -> tuple[list[str] | None, list[str]]:
    """What becomes of a case's spec, as the book writes it and in its detail: layers (None after errors), messages."""
    for name, text in case.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    main = list(case.files)[-1]
    if case.options == ("--check",):
        rows, found = None, check(files.read(str(folder / main), Limits()), Limits())
    else:
        rows, found = _expanded(case, str(folder / main))
    lines = [line.replace(f"{folder}/{main}:", "").replace(f"{folder}/", "") for line in _diagnostics(found)]
    return rows, _in_detail_of(case.diagnostics, lines)


def _expanded(case: Case, target: str) -> tuple[list[str] | None, tuple[Diagnostic, ...]]:
    """The layers of the net that a case speaks of, and what is said of it."""
    settings, inputs = {}, {}
    for option, value in zip(case.options[::2], case.options[1::2], strict=True):
        name, _, rest = value.rpartition("=")
        match option:
            case "--net":
                target += f":{value}"
            case "--set":
                settings[name] = rest
            case "--input":
                inputs[name] = tuple(map(int, rest.split("x")))
            case _:
                raise ValueError(f"{case.place}: there is no option `{option}`")
    try:
        net = cnnspec.load(target, set=settings, input=inputs)
    except cnnspec.SpecError as error:
        return None, error.diagnostics
    return _layers(net.summary(), case.layers or ()), net.diagnostics


def _layers(summary: Summary, wanted: Sequence[str]) -> list[str]:
    paths = [layer.path for layer in summary.layers]
    lines = []
    for layer, line in zip_longest(summary.layers, wanted[: len(paths)], fillvalue=""):
        words = [layer.path, layer.op, show(layer.output_shape)]
        words += [f"{name}={written(layer.args[name])}" for name in _ARGUMENT.findall(line) if name in layer.args]
        inputs = layer.node.inputs
        if inputs != ((layer.index - 1,) if layer.index else ()):
            words.append(f"<- {', '.join(paths[i] for i in inputs)}".rstrip())
        lines.append(" ".join(words))
    if summary.graph.output != len(paths) - 1:
        lines.append(f"=> {paths[summary.graph.output]}")
    return lines + [f"=> {output.name}: {paths[output.node]}{' (train only)' if output.train_only else ''}"
                    for output in summary.graph.outputs]


def _diagnostics(found: Sequence[Diagnostic]) -> Iterator[str]:
    for one in found:
        yield f"{f'{one.span} ' if one.span else ''}{one.severity}[{one.code}] {one.message}"
        yield from [f"    ^ {one.label}"] if one.label else []
        yield from (f"    {label.span} {label.text}".rstrip() for label in one.labels)
        yield from (f"    = {note}" for note in one.notes)
        yield from [f"    = help: {one.help}"] if one.help else []


def _in_detail_of(wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """The found diagnostics, without the kinds of lines that the wanted ones say nothing of."""
    kinds = [{_kind(line) for line in lines} for lines in _grouped(wanted)]
    return [line for lines, shown in zip_longest(_grouped(found), kinds, fillvalue=[])
            for line in lines if not line.startswith(" ") or _kind(line) in shown]


def _grouped(lines: Sequence[str]) -> list[list[str]]:
    groups: list[list[str]] = []
    for line in lines:
        if not line.startswith(" "):
            groups.append([])
        groups[-1].append(line)
    return groups


def _kind(line: str) -> str:
    if line.startswith("    = help:"):
        return "help"
    return {"^": "label beneath", "=": "note"}.get(line.split(maxsplit=1)[0], "second place")


_ARGUMENT = re.compile(r"(\w+)=")
