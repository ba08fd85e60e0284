"""The spec files against the published figures: the CSV files beside this one, each row with its source.

`figures.csv` has a row for every net. `receptive_field.csv` has size, stride and first centre per axis, after the last
local layer, confirmed by gradients of torchvision's modules. `inference_memory.csv` has the peak in bytes of
torchvision's modules: float32, eight images of 3x224x224, every value released after its last use.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import cnnspec
from cnnspec.cli import group
from cnnspec.files import nets_in
from cnnspec.grammar import ast, parse_file
from cnnspec.layers.base import show
from cnnspec.source import Source

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"
FILES = sorted(SPECS.rglob("*.cnn"))
FORMULAS = sorted((SPECS / "formulas").glob("*.cnn"))

#: The five whiteboard formulas, as they are taught (CS231n, Stanford); spaces mean nothing.
WHITEBOARD = {
    "INPUT → [[CONV → RELU] * N → POOL?] * M → [FC → RELU] * K → FC",
    "INPUT → FC",
    "INPUT → CONV → RELU → FC",
    "INPUT → [CONV → RELU → POOL] * 2 → FC → RELU → FC",
    "INPUT → [CONV → RELU → CONV → RELU → POOL] * 3 → [FC → RELU] * 2 → FC",
}


def rows(name: str, *key: str) -> list[object]:
    """The rows of a CSV file as test cases, named by some columns."""
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        return [pytest.param(row, id=":".join(row[column] for column in key)) for row in csv.DictReader(file)]


def names_in(node: object) -> Iterator[str]:
    """Every name that an expression reads."""
    if isinstance(node, ast.Name):
        yield node.id
    if isinstance(node, tuple):
        for item in node:
            yield from names_in(item)
    elif isinstance(node, ast.Syntax):
        for field in node._fields:
            yield from names_in(getattr(node, field))


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and output of a `cnnspec` command."""
    result = CliRunner().invoke(group, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize("row", rows("figures.csv", "file", "net"))
def test_figures_agree_with_the_published_ones(row: dict[str, str]) -> None:
    path = SPECS / row["file"]
    summary = cnnspec.load(str(path) if path in FORMULAS else f"{path}:{row['net']}").summary()
    totals = summary.totals
    found = {"params": totals.params, "buffers": totals.buffers, "macs": totals.macs, "output": show(summary.output)}
    assert {name: str(figure) for name, figure in found.items()} == {name: row[name] for name in found}


def test_every_net_has_a_row_of_figures() -> None:
    with (HERE / "figures.csv").open(newline="", encoding="utf-8") as file:
        told = [(row["file"], row["net"]) for row in csv.DictReader(file)]
    defined = [(path.relative_to(SPECS).as_posix(), net) for path in FILES for net in nets_in(str(path))]
    assert sorted(told) == sorted(defined)


@pytest.mark.parametrize("row", rows("receptive_field.csv", "net"))
def test_receptive_fields_agree_with_the_gradients(row: dict[str, str]) -> None:
    field = cnnspec.load(row["net"]).summary().totals.receptive_field
    assert field is not None
    found = {"size": field.size, "stride": field.stride, "start": field.start}
    assert all(found[name] == (int(row[name]),) * 2 for name in found if row[name])


@pytest.mark.parametrize("row", rows("inference_memory.csv", "net"))
def test_inference_peak_agrees_with_torchvision(row: dict[str, str]) -> None:
    settings = dict(item.split("=") for item in row["set"].split())
    net = cnnspec.load(row["net"], set=settings, input=(3, 224, 224))
    assert net.summary(batch=8).totals.inference_peak_bytes == int(row["bytes"])


def test_every_spec_checks_in_silence() -> None:
    assert run("check", "--strict", SPECS) == (0, "")


def test_every_spec_has_the_canonical_layout() -> None:
    assert run("fmt", "--check", SPECS) == (0, "")


@pytest.mark.parametrize("path", [path for path in FILES if path not in FORMULAS], ids=lambda path: path.name)
def test_every_net_is_held_to_a_figure(path: Path) -> None:
    tree, diagnostics = parse_file(Source(path.name, path.read_text(encoding="utf-8")))
    assert not diagnostics
    nets = {one.name for one in tree.statements if isinstance(one, ast.Net)}
    expected = {name for one in tree.statements if isinstance(one, ast.Expect) for name in names_in(one.test)}
    assert nets <= expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_header_names_where_it_comes_from(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    header = " ".join(line[2:] for line in lines[: next(i for i, line in enumerate(lines) if line[:1] != "#")])
    assert re.search(r"\((.+, )?[^()]*\b(19|20)\d\d\b[^()]*\)|Stanford", header), header


def test_formulas_stand_as_on_the_whiteboard() -> None:
    written = [path.read_text(encoding="utf-8").splitlines()[-1] for path in FORMULAS]
    assert {line.replace(" ", "") for line in written} == {line.replace(" ", "") for line in WHITEBOARD}


def test_set_overrides_the_free_parameters_of_a_formula() -> None:
    path = str(SPECS / "formulas" / "general.cnn")
    deep, flat = cnnspec.load(path, set={"M": 5}), cnnspec.load(path, set={"pool": False, "N": 1, "M": 1, "K": 0})
    assert [layer.op for layer in deep.layers].count("POOL") == 5
    assert [layer.op for layer in flat.layers] == ["INPUT", "CONV", "RELU", "FC"]
