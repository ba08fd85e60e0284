"""The questions before a run on a page: lines of the width there is, and a table that stays short."""

from __future__ import annotations

import re

import pytest

from cnnspec.analysis.learning import Check
from cnnspec.render.console import plain
from cnnspec.render.train import check_lines
from cnnspec.render.train_layers import ROWS, layer_lines

LONG = Check("gradients", False, " ".join(["gradients vanish"] * 12), " ".join(["normalisation behind"] * 8))


def table(checks: list[Check], paths: list[str], room: int | None = 80) -> list[str]:
    return [line.rstrip("\n") for line in plain(layer_lines(checks, paths, room))]


def figures(count: int, odd: int) -> list[Check]:
    """Layers that are all alike but one, which has no gradient worth the name."""
    paths = [f"conv[{index}]" for index in range(count)]
    gradients = {path: 1e-20 if index == odd else 1e-2 * (1 + index / 1000) for index, path in enumerate(paths)}
    return [Check("scale", True, "", "", dict.fromkeys(paths, 0.5)),
            Check("dead-units", True, "", "", {f"relu[{index}]": 0.125 for index in range(3)}),
            Check("gradients", True, "", "", {**{f"gradient {path}": value for path, value in gradients.items()},
                                              **{f"update {path}": 1e-3 for path in paths}})]


@pytest.mark.parametrize("room", [40, 80, 120])
def test_answers_are_cut_to_lines(room: int) -> None:
    lines = [line.rstrip("\n") for line in plain(check_lines(LONG, room))]
    assert max(map(len, lines)) <= room
    assert lines[0].startswith("! gradients vanish")
    assert all(line.startswith("  ") for line in lines[1:])
    assert " ".join(line[2:] for line in lines) == f"{LONG.says} {LONG.advice}"


def test_answers_are_one_line_where_nothing_bounds_it() -> None:
    assert [*plain(check_lines(LONG))] == [f"! {LONG.says}\n", f"  {LONG.advice}\n"]


def test_every_layer_of_a_small_network_has_a_row() -> None:
    found = table(figures(5, 2), [f"conv[{index}]" for index in range(5)] + ["relu[0]", "pool"])
    rows = [line.split() for line in found if line.startswith("  ")]
    assert rows[0] == ["deviation", "silent", "gradient", "update"]
    assert rows[1:4] == [["conv[0]", "0.5", "1.0e-02", "1.0e-03"], ["conv[1]", "0.5", "1.0e-02", "1.0e-03"],
                         ["conv[2]", "0.5", "1.0e-20", "1.0e-03"]]
    assert rows[-1] == ["relu[0]", "12.5", "%"]
    assert not re.search("not shown", "\n".join(found))


def test_of_many_layers_those_are_shown_that_differ_from_the_others() -> None:
    paths = [f"conv[{index}]" for index in range(100)]
    found = table(figures(100, 50), paths)
    rows = [line.split()[0] for line in found if line.startswith("  conv")]
    assert len(rows) == ROWS
    assert {"conv[0]", "conv[50]", "conv[99]"} <= {*rows}
    assert rows == sorted(rows, key=paths.index)
    assert "60 layers nearer to the others are not shown; `--format json` has all" in found
    assert len([line for line in table(figures(ROWS, 3), paths[:ROWS]) if line.startswith("  conv")]) == ROWS
    assert "1 layer nearer to the others is not shown; `--format json` has all" in table(
        figures(ROWS + 1, 3), paths[:ROWS + 1])


def test_dead_layers_are_shown() -> None:
    paths = [f"relu[{index}]" for index in range(100)]
    check = Check("dead-units", False, "", "", {path: 0.75 if index in (30, 70) else 0.5 * (index < 60)
                                                for index, path in enumerate(paths)})
    shown = [line.split()[0] for line in table([check], paths) if line.startswith("  relu")]
    assert {"relu[30]", "relu[70]"} <= {*shown}
    assert shown[-1] == "relu[70]", "the others of the last are 0 %"


def test_layers_whose_figures_are_no_numbers_are_shown() -> None:
    checks = figures(100, 50)
    broken = Check("scale", False, "", "", {**checks[0].figures, "conv[49]": float("nan")})
    assert any(line.split()[:2] == ["conv[49]", "nan"]
               for line in table([broken, *checks[1:]], [f"conv[{index}]" for index in range(100)]))
