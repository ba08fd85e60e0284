"""The folding of a summary: every layer stands in exactly one row, and the rows follow the spec."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnspec
from cnnspec.analysis import labels
from cnnspec.analysis.outline import ALL, Outline, outline
from cnnspec.analysis.rows import Row
from cnnspec.analysis.summary import Summary
from cnnspec.files import nets_in

SPECS = Path(__file__).parents[2] / "specs"
NETS = [(path, name) for path in sorted(SPECS.rglob("*.cnn")) for name in nets_in(str(path))]
SUMMED = ("params", "buffers", "macs", "flops", "activation_bytes", "weight_bytes", "traffic_bytes")


def summary(spec: str) -> Summary:
    return cnnspec.parse(spec).summary()


def closed(shown: Outline) -> list[Row]:
    """The rows that have figures."""
    return [row for row, _ in shown.walk() if not row.children]


def written(spec: str, depth: int | None = 0) -> list[str]:
    """The rows as text, indented."""
    return ["  " * len(lasts) + labels.text(row.label) + (f" ×{row.count}" if row.count > 1 else "")
            for row, lasts in outline(summary(spec), depth).walk()]


def assert_whole(whole: Summary, depth: int | None) -> None:
    """Every layer in one row, and the columns add up to the totals."""
    rows = closed(outline(whole, depth))
    assert sorted(index for row in rows for index in row.indices) == list(range(len(whole.layers)))
    for field in SUMMED:
        assert sum(getattr(row, field) for row in rows) == getattr(whole.totals, field), field


@pytest.mark.parametrize(("path", "name"), NETS, ids=[name for _, name in NETS])
def test_every_layer_of_the_specs_stands_in_one_row_at_every_depth(path: Path, name: str) -> None:
    net = cnnspec.load(str(path) if path.parent.name == "formulas" else f"{path}:{name}")
    whole = net.summary(batch=3)
    for depth in (None, 0, 1, 2, 3):
        assert_whole(whole, depth)
    rows = closed(outline(whole, ALL))
    assert [[*row.indices] for row in rows] == [[index] for index in range(len(whole.layers))]


@pytest.mark.parametrize(("path", "name"), NETS, ids=[name for _, name in NETS])
def test_a_default_outline_fits_a_screen(path: Path, name: str) -> None:
    net = cnnspec.load(str(path) if path.parent.name == "formulas" else f"{path}:{name}")
    assert len([*outline(net.summary()).walk()]) <= 32


STEPS = st.recursive(
    st.sampled_from(["CONV(8, 3)", "CONV(8, 3, stride=2)", "RELU", "BN", "unit(8)", "ID", "POOL(2, ceil=on)"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda steps: f"[{' -> '.join(steps)}]"),
        st.tuples(inner, st.integers(0, 3)).map(lambda pair: f"[{pair[0]}]*{pair[1]}"),
        inner.map(lambda step: f"[CONV(c, 1) -> {step} -> CONV(8, 1)] for c in (4, 8, 8)"),
        st.lists(inner.map(lambda step: f"{step} -> GAP"), min_size=1, max_size=3)
        .map(lambda branches: f"CONCAT{{ {' | '.join(branches)} }}"),
        inner.map(lambda step: f"CONCAT{{ for i in range(3): {step} -> CONV(8*(i//2 + 1), 1) -> GAP }}"),
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(st.lists(STEPS, min_size=1, max_size=4), st.sampled_from([None, 0, 1, 2, ALL]))
def test_every_layer_of_any_network_stands_in_one_row(steps: list[str], depth: int | None) -> None:
    body = " -> ".join(f"[{step}]" for step in steps)
    assert_whole(summary("block unit(c) = ADD{ ID | CONV(C, 3) -> BN } -> CONV(c, 1) -> RELU\n"
                         f"net random = INPUT(8x40x40) -> {body}"), depth)


# ------------------------------------------------------------------------------------------ what folds


def test_repeats_fold_and_count() -> None:
    spec = "INPUT(3x8x8) -> [CONV(4) -> RELU]*3 -> CONV(9)"
    assert written(spec) == ["INPUT", "[CONV 3×3 → RELU] ×3", "CONV 3×3"]
    row = outline(summary(spec), 0).rows[1]
    assert row.params == (3 * 9 * 4 + 4) + 2 * (4 * 9 * 4 + 4)
    assert [*row.indices] == [1, 2, 3, 4, 5, 6]
    assert row.output == (4, 8, 8)


def test_a_repeat_that_shrinks_its_input_shows_each_turn() -> None:
    assert written("INPUT(3x8x8) -> [CONV(4) -> RELU -> POOL]*2") == [
        "INPUT", "1 of 2", "  CONV 3×3 → RELU", "  POOL max 2×2", "2 of 2", "  CONV 3×3 → RELU", "  POOL max 2×2"]


def test_the_turn_of_a_repeat_that_flattens_stands_by_itself() -> None:
    assert written("INPUT(3x8x8) -> [FC(16) -> RELU]*3") == ["INPUT", "FC → RELU", "[FC → RELU] ×2"]


def test_a_loop_heads_its_turns_with_their_values() -> None:
    spec = "INPUT(3x8x8) -> [[CONV(c)]*n -> POOL] for c, n in ((4, 1), (8, 2))"
    assert written(spec) == [
        "INPUT", "c=4  n=1", "  CONV 3×3", "  POOL max 2×2", "c=8  n=2", "  CONV 3×3 ×2", "  POOL max 2×2"]


def test_a_turn_of_one_row_needs_no_heading() -> None:
    spec = "INPUT(3x8x8) -> [CONV(c, 3) -> RELU] for c in (4, 8, 8, 6)"
    assert written(spec) == ["INPUT", "CONV 3×3 → RELU", "[CONV 3×3 → RELU] ×2", "CONV 3×3 → RELU"]


BLOCK = """
    block shortcut(c, s) = ID if s == 1 and C == c else CONV(c, 1, stride=s)
    block b(c, s = 1) = ADD{ CONV(c, 3, stride=s) -> BN | shortcut(c, s) } -> RELU
"""


def test_calls_in_a_row_fold_where_their_layers_are_alike() -> None:
    net = BLOCK + "net n = INPUT(8x16x16) -> b(8) -> [b(8)]*2 -> b(16, 2) -> b(16) -> RELU"
    assert written(net) == ["INPUT", "b(8) ×3", "b(16, s=2)", "b(16) → RELU"]


def test_other_definitions_with_the_same_layers_do_not_fold() -> None:
    net = "block a = CONV(8) -> RELU\nblock b = CONV(8) -> RELU\nnet n = INPUT(8x4x4) -> a -> b -> b"
    assert written(net) == ["INPUT", "a", "b ×2"]


def test_layers_of_a_flat_chain_stay_apart() -> None:
    assert written("INPUT(8x4x4) -> CONV(8) -> CONV(8) -> CONV(8)") == ["INPUT", "CONV 3×3", "CONV 3×3", "CONV 3×3"]


def test_layers_that_only_pass_on_join_the_one_before() -> None:
    spec = "INPUT(8x6x6) -> BN -> RELU -> CONV(8) -> BN -> GELU -> DROPOUT -> POOL -> SHUFFLE(2) -> FLATTEN -> FC(4)"
    assert written(spec) == [
        "INPUT", "BN → RELU → CONV 3×3 → BN → GELU → DROPOUT", "POOL max 2×2 → SHUFFLE → FLATTEN", "FC"]


def test_a_layer_that_reads_something_else_begins_a_row() -> None:
    net = "net n = INPUT(8x6x6) -> CONV(8) as x -> RELU -> CONV(4) ; @x -> RELU -> CONV(8, 1)"
    assert written(net) == ["INPUT", "CONV 3×3 → RELU", "CONV 3×3", "RELU → CONV 1×1"]


def dilated(turns: int) -> str:
    step = "ADD{ ID | CONV(8, 3, dilation=i + 1) -> RELU }"
    return f"net n = INPUT(8x100) -> CONV(8) -> [{step}] for i in range({turns})"


def test_turns_that_differ_in_no_figure_fold_where_there_are_many() -> None:
    assert written(dilated(8), None)[2:5] == [
        "ADD{ID | CONV 3 → RELU}", "ADD{ID | CONV 3 d2 → RELU}", "ADD{ID | CONV 3 d3 → RELU}"]
    assert written(dilated(40), None) == ["INPUT", "CONV 3", "ADD{ID | CONV 3… → RELU} ×40"]


def test_whole_loops_fold_where_their_turns_are_too_many() -> None:
    spec = "INPUT(8x9) -> [CONV(8 + i % 2, 1) -> RELU -> CONV(8, 1)] for i in range(90)"
    assert written(spec, None) == ["INPUT", "[CONV 1 → RELU → CONV 1] for i in …"]
    assert len(written(spec, 0)) == 1 + 90 * 3


def test_a_small_network_opens_by_itself() -> None:
    assert written(BLOCK + "net n = INPUT(4x8x8) -> b(8) -> FC(3)", None) == [
        "INPUT", "b(8)", "  | CONV 3×3 → BN", "  | shortcut(8, 1)", "  ADD → RELU", "FC"]


# ------------------------------------------------------------------------------------------ what opens


def test_depth_opens_calls_then_branches() -> None:
    net = BLOCK + "block two = ADD{ b(8) -> CONV(8) -> b(8) | ID }\nnet n = INPUT(8x8x8) -> two -> FC(3)"
    assert written(net, 0) == ["INPUT", "two", "FC"]
    assert written(net, 1) == ["INPUT", "two", "  | b(8) → CONV 3×3 → b(8)", "  ADD", "FC"]
    assert written(net, 2) == [
        "INPUT", "two", "  | branch 1 of 2", "    b(8)", "    CONV 3×3", "    b(8)", "  ADD", "FC"]
    assert written(net, 3)[2:6] == [
        "  | branch 1 of 2", "    b(8)", "      | CONV 3×3 → BN", "      ADD → RELU"]


def test_an_open_fold_sums_each_row_over_its_units() -> None:
    net = BLOCK + "net n = INPUT(8x8x8) -> [b(8)]*5"
    rows = closed(outline(summary(net), 1))
    assert [labels.text(row.label) for row in rows] == ["INPUT", "| CONV 3×3 → BN", "ADD → RELU"]
    assert [*rows[1].indices] == [1, 2, 5, 6, 9, 10, 13, 14, 17, 18]
    assert rows[1].params == 5 * (8 * 8 * 9 + 8 + 16)


def test_the_layer_that_joins_branches_stands_below_them() -> None:
    spec = "INPUT(8x8x8) -> CONCAT{ CONV(4, 1) -> RELU | ID | for i in range(3): CONV(2, 1) } -> RELU"
    assert written(spec, 0) == ["INPUT", "CONCAT{CONV 1×1 → RELU | ID | CONV 1×1 ×3} → RELU"]
    assert written(spec, 1) == ["INPUT", "| CONV 1×1 → RELU", "| CONV 1×1 ×3", "CONCAT → RELU"]


def test_a_loop_in_a_merge_heads_its_branches_with_its_values() -> None:
    spec = "INPUT(8x8x8) -> CONCAT{ for c in (2, 4): CONV(c, 1) -> RELU }"
    assert written(spec, ALL) == [
        "INPUT", "| c=2", "  CONV 1×1", "  RELU", "| c=4", "  CONV 1×1", "  RELU", "CONCAT"]


def test_a_merge_of_named_values_alone_reads_as_written() -> None:
    spec = "INPUT(8x8x8) -> [CONV(8) as s[i]] for i in range(3) -> ADD{ @s[:] } -> RELU"
    assert written(spec)[-1] == "ADD{@s[:]} → RELU"


def test_a_merge_left_with_one_branch_is_that_branch() -> None:
    assert written("INPUT(8x8x8) -> ADD{ CONV(8) -> RELU | if C == 1: ID } -> BN") == ["INPUT", "CONV 3×3 → RELU → BN"]


def test_all_is_one_row_per_layer_in_order() -> None:
    net = BLOCK + "net n = INPUT(8x8x8) -> [b(8) -> CONV(8)]*2"
    assert written(net, ALL) == [
        "INPUT",
        *(line for turn in (1, 2) for line in (
            f"{turn} of 2", "  b(8)", "    | branch 1 of 2", "      CONV 3×3", "      BN", "    ADD", "    RELU",
            "  CONV 3×3")),
    ]


def test_blocks_within_blocks_open_however_deep() -> None:
    blocks = "".join(f"block b{i} = b{i - 1} -> CONV(8, 1)\n" for i in range(1, 100))
    whole = summary(f"block b0 = CONV(8)\n{blocks}net n = INPUT(8x4x4) -> b99 -> FC(2)")
    assert_whole(whole, ALL)
    assert max(len(lasts) for _, lasts in outline(whole, ALL).walk()) > 90


# ----------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize(("call", "label"), [
    ("f(8)", "f(8)"), ("f(8, 3)", "f(8)"), ("f(8, k=5)", "f(8, k=5)"), ("f(8, act=GELU)", "f(8, act=GELU)"),
    ("f(8, z=on)", "f(8, z=on)"), ("f(8, act=LEAKYRELU(0.2))", "f(8, act=LEAKYRELU(0.2))"),
    ("f(8, p=1/3)", "f(8, p=0.333333)"), ("f(8, act=[BN -> RELU])", "f(8, act=[BN -> RELU])"),
    ("f(8, act=[BN -> RELU -> BN -> RELU])", "f(8, act=[BN -> RELU -> BN -> RE…)"),
])
def test_calls_show_the_arguments_that_are_not_defaults(call: str, label: str) -> None:
    block = "block f(c, k = 3, act = RELU, z = off, p = 0.5) = CONV(c, k) -> act"
    assert written(f"{block}\nnet n = INPUT(8x8x8) -> {call} -> FC(2)")[1] == label


def test_defaults_of_the_catalogue_are_marked() -> None:
    rows = outline(summary("INPUT -> CONV -> POOL(avg) -> CONV(8, 5, stride=2) -> FC"), 0).rows
    assert rows[1].label == (labels.Piece("CONV"), labels.Piece(" 3×3", default=True))
    assert rows[2].label == (labels.Piece("POOL"), labels.Piece(" avg"), labels.Piece(" 2×2", default=True))
    assert rows[3].label == (labels.Piece("CONV"), labels.Piece(" 5×5"), labels.Piece(" /2"))
    assert [row.default_extents for row in rows] == [3, 1, 0, 0, 1]
    repeated = outline(summary("INPUT(3x8x8) -> [CONV -> BN]*2 -> [CONV(4)]*2"), 0).rows
    assert [row.default_extents for row in repeated] == [0, 1, 0]


def test_layers_that_run_in_training_only_are_known() -> None:
    head = "block head = GAP -> FC(4) -> OUTPUT(aux, train_only=on) ; ID"
    net = "net n = INPUT(8x8x8) -> CONV(8) -> head -> FC(2)"
    assert [row.runs for row in outline(summary(f"{head}\n{net}"), 0).rows] == [True, True, False, True]


def test_a_call_with_a_name_of_its_own_shows_it() -> None:
    net = "block f(c) = CONV(c) -> RELU\nnet n = INPUT(8x8x8) -> [f(8 + i) as e[i]] for i in (0, 1) -> FC(2)"
    assert written(net) == ["INPUT", "f(8) as e[0]", "f(9) as e[1]", "FC"]
