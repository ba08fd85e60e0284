"""The terminal's summary: the files of `expected/` (see `cases.py`), and what holds at every width."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO

import pytest

import cnnspec
from cnnspec.analysis.outline import ALL, outline
from cnnspec.render.columns import COLUMNS, columns
from cnnspec.render.console import page, plain, print_summary
from cnnspec.render.layout import bar, shortened
from cnnspec.render.snippet import width
from tests.render.cases import CASES, HERE, net, shown

NETS = sorted(path.stem for path in (HERE / "nets").glob("*.cnn"))


def lines(name: str, room: int | None, depth: int | None = None, **options: object) -> list[str]:
    summary = net(name).summary()
    return [line.rstrip("\n") for line in plain(page(summary, outline(summary, depth), room, **options))]  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES)
def test_the_screen_is_as_expected(case: str) -> None:
    assert shown(case) == (HERE / "expected" / f"{case}.txt").read_text(encoding="utf-8")


def test_every_expected_file_is_compared() -> None:
    assert {path.stem for path in (HERE / "expected").iterdir()} == set(CASES)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("room", [50, 60, 79, 80, 81, 100, 120, 200])
def test_it_fits_the_terminal(name: str, room: int) -> None:
    for depth in (None, 1):
        shown = lines(name, room, depth)
        assert max(map(width, shown)) <= room
        assert room < 80 or max(map(width, shown)) >= 80, "the head ends where the table ends"


@pytest.mark.parametrize("name", NETS)
def test_no_line_ends_in_spaces(name: str) -> None:
    assert all(line == line.rstrip() for room in (None, 60, 80) for line in lines(name, room))


def test_wide_terminals_gain_columns_and_narrow_ones_lose_them() -> None:
    titles = {room: lines("plain", room)[2 if room >= 60 else 3].split() for room in (40, 60, 80, 100, 110, 140)}
    assert titles == {
        40: ["layer", "params", "MACs"],
        60: ["layer", "output", "params", "MACs"],
        80: ["layer", "output", "params", "MACs", "RF"],
        100: ["layer", "output", "params", "MACs", "RF", "memory"],
        110: ["layer", "output", "params", "MACs", "RF", "memory", "traffic", "FLOP/B"],
        140: ["layer", "output", "params", "MACs", "RF", "memory", "traffic", "FLOP/B"],
    }


def test_without_a_terminal_nothing_is_cut() -> None:
    assert not any("…" in line for line in lines("gates", None))
    assert any("…" in line for line in lines("gates", 80))
    assert "bneck(5, 120, 40, on, RELU, 1) ×2" in "\n".join(lines("gates", None))


def test_a_global_field_has_the_one_without_gates_beside_it_where_there_is_room() -> None:
    assert any("all (115)" in line for line in lines("gates", 140))
    assert not any("all (" in line for line in lines("gates", 80))


def test_the_totals_are_exact_under_a_named_convention() -> None:
    text = "\n".join(lines("plain", 80, convention="thop"))
    assert "thop MACs 15,470,264,320" in text
    assert "as thop counts them" in text
    text = "\n".join(lines("plain", 80, convention="flops"))
    assert f"FLOPs {net('plain').summary().totals.flops:,}" in text


def test_chosen_columns_stand_in_their_order() -> None:
    shown = lines("plain", None, chosen=columns("path", "thop", "layer", "rf"))
    assert shown[2].split() == ["path", "thop", "MACs", "layer", "RF"]
    shown = lines("plain", None, chosen=columns("op", "start", "stride"))
    assert shown[2].split() == ["op", "start", "stride"]
    assert shown[4].split() == ["CONV", "RELU", "-2", "1"], "headings have nothing to say without labels"


def test_every_column_has_something_to_say_of_every_net() -> None:
    for name in NETS:
        summary = net(name).summary()
        for row, _ in outline(summary, ALL).walk():
            if not row.children:
                for column in COLUMNS.values():
                    value = column.value(summary, row)
                    assert value is None or isinstance(column.text(value), str)


def test_another_input_and_a_batch_are_said() -> None:
    summary = cnnspec.parse("INPUT(3x8x8) -> CONV(4)", input=(3, 16, 16)).summary(batch=4)
    text = " ".join(" ".join(plain(page(summary, outline(summary), 80, overridden=True))).split())
    assert "batch 4" in text
    assert "counts are for one image, bytes for all 4" in text
    assert "ascriptions and expects are not checked" in text


def test_control_characters_of_a_spec_do_not_reach_the_terminal() -> None:
    spec = 'block f(c, note) = CONV(c)\nnet n = INPUT(3x8x8) -> f(4, "\x1b[31mred\x07")'
    summary = cnnspec.parse(spec, name="evil\x1b[2J.cnn").summary()
    text = "".join(plain(page(summary, outline(summary, 0), 80)))
    assert "red" in text
    assert not {"\x1b", "\x07"} & set(text)


def test_wide_characters_take_two_cells() -> None:
    block = "block f(c, note) = CONV(c) -> RELU"
    net = 'net n = INPUT(3x8x8) -> f(4, "畳み込み層の説明がここに入ります") -> f(8, "a")'
    summary = cnnspec.parse(f"{block}\n{net}").summary()
    for room in (60, 80):
        table = [*plain(page(summary, outline(summary, 0), room))]
        column = [width(line[: line.index("×")]) for line in table if "8×8" in line and "input" not in line]
        assert len(column) == 3
        assert len(set(column)) == 1, "the channels stand below each other"


@pytest.mark.parametrize(("share", "scale", "drawn"), [
    (0.0, 10, ""), (0.001, 10, ""), (0.0125, 10, "▏"), (0.743, 10, "███████▍"), (1.0, 10, "██████████"), (0.5, 4, "██"),
    (0.5, 0, ""),
])
def test_bars(share: float, scale: int, drawn: str) -> None:
    assert bar(share, scale) == drawn


def test_labels_are_cut_at_the_end() -> None:
    label = outline(cnnspec.parse("INPUT(3x8x8) -> CONV(4) -> RELU").summary()).rows[1].label
    assert "".join(piece.text for piece in shortened(label, 9)) == "CONV 3×3…"
    assert shortened(label, 15) == label


# ---------------------------------------------------------------------------------------------- terminals


class Terminal(StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def printed(monkeypatch: pytest.MonkeyPatch, file: StringIO, **environment: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    summary = net("formula").summary()
    print_summary(summary, outline(summary), file=file)
    return file.getvalue()


def test_a_terminal_gets_colours_and_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, Terminal(), COLUMNS="80")
    assert "\x1b[36m" in text, "bars"
    assert "\x1b[2m 3×3\x1b[0m" in text, "defaults are dim"
    from rich.text import Text

    assert Text.from_ansi(text).plain.rstrip() == shown("formula_80").rstrip()


def test_no_color_leaves_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, Terminal(), COLUMNS="80", NO_COLOR="1")
    assert "\x1b[36m" not in text


def test_a_pipe_gets_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, StringIO())
    assert "\x1b" not in text
    assert "FLOP/B" in text, "complete: every column"


def test_a_pipe_is_as_wide_as_columns_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, StringIO(), COLUMNS="80") == shown("formula_80")


def test_force_color_colours_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in printed(monkeypatch, StringIO(), COLUMNS="80", FORCE_COLOR="1")


def test_a_pipe_does_not_wait_for_rich() -> None:
    watched = ("import atexit, sys; atexit.register(lambda: print('rich' in sys.modules, file=sys.stderr)); "
               "from cnnspec.cli import main; main()")
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "TTY_COMPATIBLE")}
    for forced, asked in ({}, "False"), ({"FORCE_COLOR": "1"}, "True"):
        done = subprocess.run([sys.executable, "-c", watched, "summary", "-e", "INPUT -> FC"], env={**kept, **forced},
                              capture_output=True, encoding="utf-8", check=True, cwd=HERE.parents[1])
        assert done.stderr.split() == [asked]
