"""What `difference` tells: edits of zoo files exactly, nothing for equal networks, and figures that add up."""

from __future__ import annotations

import itertools
import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnspec
from cnnspec.analysis.alignment import align
from cnnspec.analysis.difference import Change, Difference, difference
from cnnspec.analysis.difference_alone import alone
from cnnspec.analysis.difference_follows import Follows
from cnnspec.analysis.summary import Summary, summarize
from cnnspec.files import known_nets
from cnnspec.limits import Limits
from cnnspec.render import diff_words as words
from cnnspec.render.diff import following
from cnnspec.source import Source
from cnnspec.targets import from_source
from tests.analysis.edits import EDITS, Edit
from tests.zoo import zoo

SPECS = Path(__file__).parents[2] / "specs"
NETS = sorted(known_nets())
OPPOSITE = {"+": "-", "-": "+", "~": "~"}


@cache
def of_zoo(net: str) -> Summary:
    return cnnspec.load(net).summary()


def of(text: str, name: str = "n.cnn", net: str = "") -> Summary:
    elaboration = from_source(Source(name, text), net=net).elaborate()
    assert elaboration.graph is not None, elaboration.diagnostics
    return summarize(elaboration.graph)


def edited(edit: Edit) -> tuple[Summary, Summary]:
    path = SPECS / f"{edit.file}.cnn"
    text = path.read_text(encoding="utf-8")
    assert edit.before in text
    return of(text, str(path), edit.net), of(text.replace(edit.before, edit.after, 1), str(path), edit.net)


def told(found: Difference) -> list[str]:
    return [f"{words.mark(change)} {words.place(change)}{words.words(change)} | "
            f"{words.signed(change.params) or 0} {words.scaled(change.macs) or 0} | line {words.line(found, change)}"
            for change in found.changes]


def said(before: str, after: str) -> list[str]:
    found = difference(of(before), of(after))
    return [f"{words.mark(change)} {words.place(change)}{words.words(change)}" for change in found.changes]


def adds_up(found: Difference) -> bool:
    whole = [(getattr(found.after.totals, figure) - getattr(found.before.totals, figure)) for figure in FIGURES]
    return whole == [sum(getattr(one, figure) for one in (*found.changes, found.follows)) for figure in FIGURES]


FIGURES = ("params", "macs")


# ------------------------------------------------------------------------------------------ zoo, edited


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_an_edit_is_told_as_what_it_is(edit: Edit) -> None:
    before, after = edited(edit)
    found = difference(before, after)
    assert told(found) == list(edit.told)
    assert not found.equal
    assert adds_up(found)


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_the_way_back_is_the_same_way(edit: Edit) -> None:
    before, after = edited(edit)
    there, back = difference(before, after), difference(after, before)
    assert sorted(map(mirrored, there.changes)) == sorted(map(as_told, back.changes))
    assert adds_up(back)


def as_told(change: Change) -> tuple[object, ...]:
    values = [(one.name, one.before, one.after) for one in change.alterations]
    return words.mark(change), change.place, change.before, change.after, change.count, str(values)


def mirrored(change: Change) -> tuple[object, ...]:
    values = [(one.name, one.after, one.before) for one in change.alterations]
    return OPPOSITE[words.mark(change)], change.place, change.after, change.before, change.count, str(values)


def test_there_are_enough_edits_of_enough_files() -> None:
    assert len(EDITS) >= 30
    assert len({edit.file for edit in EDITS}) >= 10


# ---------------------------------------------------------------------------------------------- the zoo


@pytest.mark.parametrize("net", zoo())
def test_a_network_does_not_differ_from_itself(net: str) -> None:
    found = difference(of_zoo(net), cnnspec.load(net).summary())
    assert found.equal
    assert not found.rewritten
    assert found.changes == ()
    assert (found.follows.layers, found.follows.params, found.follows.macs) == (0, 0, 0)


@pytest.mark.parametrize("net", zoo())
def test_every_layer_is_its_own_counterpart(net: str) -> None:
    found = align(of_zoo(net), of_zoo(net))
    assert found.pairs == tuple((index, index) for index in range(len(of_zoo(net).layers)))
    assert found.gaps == ()


PAIRS = random.Random(5).sample(list(itertools.permutations(NETS, 2)), 60)  # noqa: S311  # the same ones each time


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_figures_of_the_changes_add_up(before: str, after: str) -> None:
    found = difference(of_zoo(before), of_zoo(after))
    assert adds_up(found)
    assert found.equal == (not found.changes)
    pairs = dict(found.pairs)
    assert len(pairs) == len(set(pairs.values())) == len(found.pairs)
    gone = [i for one in found.changes for i in one.before_layers if i not in pairs]
    come = [j for one in found.changes for j in one.after_layers if j not in set(pairs.values())]
    assert sorted([*gone, *pairs]) == list(range(len(found.before.layers)))
    assert sorted([*come, *pairs.values()]) == list(range(len(found.after.layers)))


@pytest.mark.parametrize(("before", "after"), PAIRS[:20])
def test_what_stands_alone_is_a_network(before: str, after: str) -> None:
    found = difference(of_zoo(before), of_zoo(after))
    for change in found.changes:
        made = alone(found, change)
        if made is not None and len(found.changes) > 1:
            assert made.totals.params == sum(layer.params for layer in made.layers)
            kept = len(found.before.layers) - len(set(change.before_layers) - {i for i, _ in found.pairs})
            assert len(made.layers) == kept + len(set(change.after_layers) - {j for _, j in found.pairs})


def test_the_last_of_two_changes_alone_is_the_rest_of_the_way() -> None:
    a, b, c = (of(f"INPUT(3x64x64) -> CONV(8, {k}) -> RELU -> [CONV(8) -> RELU]*{n} -> GAP -> FC(10)")
               for k, n in ((3, 1), (3, 2), (5, 2)))
    found = difference(a, c)
    repeat, = (one for one in found.changes if one.kind == "repeated")
    assert alone(found, repeat).totals == b.totals  # type: ignore[union-attr]


# --------------------------------------------------------------------------------- written differently


@pytest.mark.parametrize(("before", "after"), [
    ("INPUT(3x8x8) -> [CONV(4) -> RELU]*2", "INPUT(3x8x8) -> CONV(4) -> RELU -> CONV(4) -> RELU"),
    ("block b(c) = CONV(c) -> BN\nnet n = INPUT(3x8x8) -> b(4) -> b(8)",
     "net n = INPUT(3x8x8) -> CONV(4) -> BN -> CONV(8) -> BN"),
    ("block b(c) = CONV(c) -> BN\nnet n = INPUT(3x8x8) -> b(4)",
     "block d(c) = CONV(c) -> BN\nnet n = INPUT(3x8x8) -> d(4)"),
    ("INPUT(3x8x8) -> ADD{ CONV(3) | ID } -> RELU", "INPUT(3x8x8) -> ID as x -> ADD{ CONV(3) | @x } as y -> RELU"),
])
def test_the_same_layers_written_differently_are_equal(before: str, after: str) -> None:
    found = difference(of(before), of(after))
    assert found.equal
    assert found.changes == ()
    assert found.rewritten


@pytest.mark.parametrize(("before", "after"), [
    ("INPUT(3x8x8) -> CONV(4) -> RELU", "INPUT(3x8x8) -> CONV(kernel=3, out=4) -> RELU"),
    ("INPUT(3x8x8) -> CONV(4)", "let c = 4\nINPUT(3x8x8) -> CONV(c)"),
    ("INPUT(3x8x8) -> [CONV(c)] for c in (4, 4)", "INPUT(3x8x8) -> [CONV(4)]*2"),
])
def test_other_words_for_the_same_are_not_even_rewritten(before: str, after: str) -> None:
    found = difference(of(before), of(after))
    assert (found.equal, found.rewritten) == (True, False)


def test_an_edit_is_found_in_what_was_also_written_differently() -> None:
    assert said("INPUT(3x8x8) -> [CONV(4) -> BN -> RELU]*2",
                "INPUT(3x8x8) -> CONV(4) -> BN -> RELU -> CONV(4, 5) -> BN -> RELU") == ["~ CONV 3×3 → 5×5"]
    assert said("block b(c) = CONV(c) -> BN -> RELU\nnet n = INPUT(3x8x8) -> b(4)",
                "net n = INPUT(3x8x8) -> CONV(4) -> BN -> SILU") == ["~ RELU → SILU"]
    assert said("block b(c) = CONV(c) -> BN -> RELU\nnet n = INPUT(3x8x8) -> b(4)",
                "block d(c) = CONV(c) -> BN -> SILU\nnet n = INPUT(3x8x8) -> d(4)") == ["~ d: RELU → SILU"]


TURNS = "INPUT(3x8x8) -> {} -> GAP -> FC(2)"


@pytest.mark.parametrize(("before", "after", "expected"), [
    ("[CONV(4) -> RELU]*3", "CONV(4) -> RELU -> CONV(4, 5) -> RELU -> CONV(4) -> RELU", ["~ CONV 3×3 → 5×5"]),
    ("[CONV(4) -> RELU]*3", "[CONV(4) -> RELU]*2 -> CONV(4, 5) -> RELU", ["~ CONV 3×3 → 5×5"]),
    ("[CONV(4) -> RELU]*3", "CONV(4, 5) -> RELU -> [CONV(4) -> RELU]*2", ["~ CONV 3×3 → 5×5"]),
    ("[CONV(4) -> RELU]*3", "CONV(4) -> RELU -> [CONV(4, 5) -> RELU]*2", ["~ CONV 3×3 → 5×5, 2 places"]),
    ("[CONV(4) -> RELU]*5", "[CONV(4) -> RELU]*2 -> CONV(4) -> SILU -> [CONV(4) -> RELU]*2", ["~ RELU → SILU"]),
    ("[CONV(4) -> RELU]*3", "[CONV(4) -> RELU]*2 -> BN -> CONV(4) -> RELU", ["+ BN"]),
    ("[CONV(4) -> RELU]*3", "[CONV(4) -> RELU]*4 -> DROPOUT", ["~ [CONV 3×3 → RELU] ×3 → ×4", "+ DROPOUT"]),
    ("[CONV(4) -> RELU]*3", "[CONV(4) -> RELU]*4 -> CONV(4, 5) -> RELU",
     ["~ [CONV 3×3 → RELU] ×3 → ×4", "+ CONV 5×5 → RELU"]),
])
def test_a_turn_that_was_written_out_and_edited_is_that_edit(before: str, after: str, expected: list[str]) -> None:
    texts = TURNS.format(before), TURNS.format(after)
    assert said(*texts) == expected
    assert adds_up(difference(*map(of, texts)))
    back = difference(*map(of, texts[::-1]))
    assert adds_up(back)
    assert len(back.changes) == len(expected)
    assert [OPPOSITE[words.mark(one)] for one in back.changes] == [text[0] for text in expected]


def test_what_was_removed_of_a_period_begins_with_what_weighs_most() -> None:
    steps = ["CONV(4)", "BN", "RELU"]
    before, after = ("INPUT(3x8x8) -> " + " -> ".join(chain) for chain in (
        ["CONV(4, 7)", *steps[1:], *steps, *steps, "FC(2)"], ["CONV(4, 5)", *steps[1:], *steps, "FC(2)"]))
    assert said(before, after) == ["~ CONV 7×7 → 5×5", "- CONV 3×3 → BN → RELU"]
    assert said(after, before) == ["~ CONV 5×5 → 7×7", "+ CONV 3×3 → BN → RELU"]


def test_counterparts_with_other_names_are_told() -> None:
    found = difference(of("INPUT(3x8x8) -> CONV(4) -> CONV(5)"),
                       of("INPUT(3x8x8) -> CONV(4) as a -> ADD{ ID | @a } -> CONV(5)"))
    assert found.renamed == [("conv[0]", "a"), ("conv[1]", "conv")]


# ------------------------------------------------------------------------------------------ where it is


@pytest.mark.parametrize(("before", "after", "expected"), [
    ("let c = 8\nblock b = CONV(c)\nnet n = INPUT(3x8x8) -> b -> b",
     "let c = 9\nblock b = CONV(c)\nnet n = INPUT(3x8x8) -> b -> b", ["~ let c 8 → 9"]),
    ("block b(act = RELU) = CONV(4) -> act\nnet n = INPUT(3x8x8) -> b -> b",
     "block b(act = SILU) = CONV(4) -> act\nnet n = INPUT(3x8x8) -> b -> b", ["~ b: act RELU → SILU, 2 places"]),
    ("block b(act = RELU) = CONV(4) -> act\nnet n = INPUT(3x8x8) -> b -> b",
     "block b(act = RELU) = CONV(4) -> act\nnet n = INPUT(3x8x8) -> b -> b(SILU)", ["~ b: act RELU → SILU"]),
    ("net n(w = 1) = INPUT(3x8x8) -> [CONV(w*c)] for c in (4, 8)",
     "net n(w = 2) = INPUT(3x8x8) -> [CONV(w*c)] for c in (4, 8)", ["~ n: w 1 → 2"]),
    ("INPUT(3x8x8) -> CONV(4, 3, pad=1) -> CONV(4)", "INPUT(3x8x8) -> CONV(8, 5, pad=2) -> CONV(4)",
     ["~ CONV 3×3: out 4 → 8", "~ CONV 3×3 → 5×5", "~ CONV 3×3: pad 1 → 2"]),
    ("INPUT(3x8x8) -> POOL(2)", "INPUT(3x8x8) -> POOL(4)", ["~ POOL max 2×2 → 4×4, stride 2 → 4"]),
    ("INPUT(3x8x8) -> POOL(4)", "INPUT(3x8x8) -> POOL(4, stride=2)", ["~ POOL max 4×4: stride 4 → 2"]),
    ("INPUT(4x8x8) -> RESHAPE(4, 8, 8)", "INPUT(4x8x8) -> RESHAPE(4, 4, 16)", ["~ RESHAPE 4×8×8 → 4×4×16"]),
    ("block b(f) = f -> RELU\nnet n = INPUT(3x8x8) -> b([CONV(4) -> BN])",
     "block b(f) = f -> RELU\nnet n = INPUT(3x8x8) -> b([CONV(4, 1) -> BN])", ["~ b: CONV 3×3 → 1×1"]),
    ("INPUT(3x8x8) -> LEAKYRELU(0.1)", "INPUT(3x8x8) -> LEAKYRELU(0.2)", ["~ LEAKYRELU: slope 0.1 → 0.2"]),
    ("INPUT(3x8x8) -> CONV(4) as a -> CONV(4) as b -> ADD{ @a | ID }",
     "INPUT(3x8x8) -> CONV(4) as a -> CONV(4) as b -> ADD{ @b | ID }", ["~ ADD reads a, b → b, b"]),
    ("INPUT(3x8x8) -> CONCAT{ CONV(4) | CONV(5) }", "INPUT(3x8x8) -> CONCAT{ CONV(5) | CONV(4) }",
     ["~ CONCAT reads conv[0], conv[1] → conv[1], conv[0]"]),
    ("INPUT(3x8x8) -> CONV(3) as a -> ADD{ ID | @a }", "INPUT(3x8x8) -> CONV(3) as a -> ADD{ ID | @a | @a }",
     ["~ ADD reads a, a → a, a, a"]),
    ("INPUT(3x8x8) -> CONCAT{ CONV(4) as conv1 | CONV(5) as conv2 }",
     "INPUT(3x8x8) -> CONCAT{ CONV(5) as conv2 | CONV(4) as conv1 }", ["~ CONCAT reads conv1, conv2 → conv2, conv1"]),
    (f"INPUT(3x8x8) -> CONCAT{{ {' | '.join(f'CONV({c})' for c in (1, 2, 3, 4, 5, 6, 7, 8))} }}",
     f"INPUT(3x8x8) -> CONCAT{{ {' | '.join(f'CONV({c})' for c in (1, 2, 3, 5, 4, 6, 7, 8))} }}",
     ["~ CONCAT reads …, conv[3], conv[4], … → …, conv[4], conv[3], …"]),
    (f"INPUT(3x8x8) -> CONCAT{{ {' | '.join(f'CONV({c})' for c in (1, 2, 3, 4, 5))} }}",
     f"INPUT(3x8x8) -> CONCAT{{ {' | '.join(f'CONV({c})' for c in (5, 1, 2, 3, 4))} }}",
     ["~ CONCAT reads conv[0], conv[1], conv[2], … → conv[4], conv[0], conv[1], …"]),
    ("block b = CONCAT{ CONV(4) | CONV(5) }\nnet n = INPUT(3x8x8) -> b -> b",
     "block b = CONCAT{ CONV(5) | CONV(4) }\nnet n = INPUT(3x8x8) -> b -> b",
     ["~ b: CONCAT reads conv[0], conv[1] → conv[1], conv[0], 2 places"]),
    ("INPUT(3x8x8) -> CONV(4) as x -> CONV(4, 5) as y -> RELU as z -> CONCAT{ @x | @y | @z }",
     "INPUT(3x8x8) -> CONV(4) as x -> CONV(4, 5) as y -> RELU as z -> CONCAT{ @x | @z | @z }",
     ["~ CONCAT reads x, y, z → x, z, z"]),
    ("INPUT(3x8x8) -> CONV(4) -> RELU -> CONV(4) -> RELU", "INPUT(3x8x8) -> CONV(4) -> SILU -> CONV(4) -> SILU",
     ["~ RELU → SILU, 2 places"]),
    ("INPUT(3x8x8) -> CONV(4) -> RELU\n-> CONV(4) -> RELU", "INPUT(3x8x8) -> CONV(4) -> SILU\n-> CONV(4) -> SILU",
     ["~ RELU → SILU", "~ RELU → SILU"]),
    ("INPUT(3x8x8) -> CONV(4) -> POOL(2) -> RELU", "INPUT(3x8x8) -> CONV(4) -> UPCONV(3, 2, stride=2) -> BN -> RELU",
     ["~ POOL max 2×2 → [UPCONV 2×2 /2 → BN]"]),
    ("INPUT(3x8x8) -> CONV(4) -> RELU -> OUTPUT(a) -> FC(3)", "INPUT(3x8x8) -> CONV(4) -> OUTPUT(a) -> RELU -> FC(3)",
     ["~ output a at relu → output a at conv"]),
    ("INPUT(3x8x8) -> CONV(4) -> FC(3)", "INPUT(3x8x8) -> CONV(4) -> OUTPUT(a) -> FC(3)", ["+ output a at conv"]),
    ("INPUT(3x8x8) -> CONV(4) -> OUTPUT(a) -> RELU", "INPUT(3x8x8) -> CONV(4) -> OUTPUT(b) -> RELU",
     ["~ output a → b"]),
    ("INPUT(3x8x8) -> CONV(4) -> OUTPUT(a) -> OUTPUT(b) -> RELU",
     "INPUT(3x8x8) -> CONV(4) -> OUTPUT(b) -> RELU -> OUTPUT(c)", ["- output a at conv", "+ output c at relu"]),
    ("INPUT(3x8x8) as image -> CONV(4)", "INPUT(3x8x8) as photo -> CONV(4)", ["~ input image → photo"]),
    ("net n = INPUT(3x8x8) as left ; INPUT(3x8x8) as right ; ADD{ @left | @right }",
     "net n = INPUT(3x8x8) as right ; INPUT(3x8x8) as left ; ADD{ @right | @left }",
     ["~ input left → right", "~ input right → left"]),
    ("INPUT(3x8x8) -> CONV(4) -> BN -> RELU", "INPUT(3x8x8) -> CONV(4) -> RELU -> BN", ["~ RELU moved"]),
    ("INPUT(3x8x8) -> CONV(3) -> RELU", "INPUT(3x8x8) -> ADD{ ID | CONV(3) } -> RELU", ["+ ADD{…}"]),
    ("INPUT(3x8x8) -> POOL(2) -> RELU", "INPUT(3x8x8) -> CONV(3, stride=2) -> RELU", ["~ POOL max 2×2 → CONV 3×3 /2"]),
])
def test_a_change_is_told_where_it_was_made(before: str, after: str, expected: list[str]) -> None:
    assert said(before, after) == expected


# ------------------------------------------------------------------------------------------ what follows

HEADED = "net n = INPUT(3x8x8) -> CONV(4) as a -> CONV(5) -> FC(2) -> OUTPUT({}) ; @a -> GAP -> FC(3)"
#: A convolution and a linear layer that lead to the head alone.
HEAD_MACS = 9 * 4 * 5 * 64 + 5 * 64 * 2


@pytest.mark.parametrize(("before", "after", "says", "macs"), [
    (HEADED.format("h, train_only=on"), HEADED.format("h"),
     "~ output h: train_only on → off, 2 layers now run in inference", HEAD_MACS),
    (HEADED.format("h"), HEADED.format("h, train_only=on"),
     "~ output h: train_only off → on, 2 layers no longer run in inference", -HEAD_MACS),
    (HEADED.format("h, train_only=on"), HEADED.format("h, train_only=on").replace("FC(2)", "OUTPUT(g) -> FC(2)"),
     "+ output g at conv, 1 layer now runs in inference", 9 * 4 * 5 * 64),
    (HEADED.format("h, train_only=on"), HEADED.replace(" -> OUTPUT({})", ""),
     "- output h at fc[0], in training only, 2 layers now run in inference", HEAD_MACS),
])
def test_an_output_has_layers_run_in_inference(before: str, after: str, says: str, macs: int) -> None:
    found = difference(of(before), of(after))
    change, = found.changes
    assert f"{words.mark(change)} {words.words(change)}" == says
    assert (change.params, change.macs, change.starts + change.stops) == (0, macs, len(change.after_layers))
    assert following(found) is None
    assert found.follows == Follows()


def test_layers_that_run_for_no_output_of_their_own_are_said() -> None:
    net = ("net n = INPUT(3x8x8) -> CONV(4) as a -> CONV(3) as c -> FC(2) -> OUTPUT(h, train_only=on) ; "
           "@a -> {} -> GAP -> FC(3)")
    found = difference(of(net.format("CONCAT{ RELU | SILU }")), of(net.format("CONCAT{ RELU | SILU | @c }")))
    assert following(found) == ("and 2 layers downstream have other shapes, 1 layer now runs in inference", "+9",
                                "+6.9 k")
    assert adds_up(found)


@pytest.mark.parametrize(("before", "after"), [
    ("INPUT(3x8x8) -> CONCAT{ CONV(4) | CONV(5) } -> CONV(2)",
     "INPUT(3x8x8) -> CONCAT{ CONV(5) | CONV(4) } -> CONV(2)"),
    ("INPUT(3x8x8) -> CONV(4) -> BN -> RELU", "INPUT(3x8x8) -> CONV(4, 5) -> RELU -> BN"),
])
def test_nothing_is_said_to_follow_where_no_shape_is_another(before: str, after: str) -> None:
    found = difference(of(before), of(after))
    assert found.changes
    assert following(found) is None


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_other_shapes_are_said_of_layers_that_have_them(edit: Edit) -> None:
    found = difference(*edited(edit))
    shapes = [(x.input_shapes, x.output_shape) == (y.input_shapes, y.output_shape)
              for x, y in ((found.before.layers[i], found.after.layers[j]) for i, j in found.pairs)]
    rest = following(found)
    assert rest is None or "other shapes" not in rest[0] or not all(shapes)
    assert (rest is None) == (found.follows == Follows())


# ------------------------------------------------------------------------------------------------ bounds


def test_deep_nests_are_aligned() -> None:
    blocks = "".join(f"block b{i} = ADD{{ b{i - 1} | ID }}\n" for i in range(1, 60))
    before, after = (f"block b0 = CONV(8, {k})\n{blocks}net n = INPUT(8x8x8) -> b59" for k in (3, 5))
    assert said(before, after) == ["~ " + " · ".join(f"b{i}" for i in range(59, -1, -1)) + ": CONV 3×3 → 5×5"]


def test_long_chains_are_aligned_within_bounds() -> None:
    chain = ["CONV(4, 3)", "RELU", "CONV(4, 1)", "BN"] * 700
    other = [*chain[:1000], "CONV(4, 5)", *chain[1001:2000], *chain[2004:]]
    limits = Limits(file_bytes=1 << 24)
    found = difference(*(summarize(from_source(Source("n.cnn", f"INPUT(4x8x8) -> {' -> '.join(steps)}"), limits=limits)
                                   .elaborate().graph) for steps in (chain, other)))  # type: ignore[arg-type]
    assert [words.words(change) for change in found.changes] == [
        "CONV 3×3 → 5×5", "CONV 1×1 → BN → CONV 3×3 → RELU"]


STEPS = st.sampled_from([
    "CONV(4)", "CONV(4, 5)", "CONV(8, 3)", "BN", "RELU", "SILU", "[CONV(4) -> RELU]*2", "[CONV(4) -> RELU]*3", "b(4)",
    "b(6)", "c(4)", "ADD{ ID | BN }", "ADD{ CONV(4) | CONV(4, 1) }", "CONCAT{ ID | b(4) }", "[b(i)] for i in (4, 6)",
    "DROPOUT(0.2)", "MUL{ ID | GAP -> CONV(C, 1) -> SIGMOID }", "POOL(2)",
])
CHAINS = st.lists(STEPS, max_size=8)
BLOCKS = "block b(n, k = 3) = CONV(n, k) -> BN -> RELU\nblock c(n) = ADD{ b(n) | CONV(n, 1) } -> RELU\n"


@given(CHAINS, CHAINS)
def test_any_two_chains_differ_by_what_adds_up(before: list[str], after: list[str]) -> None:
    a, b = (of(f"{BLOCKS}net n = INPUT(4x512x512) -> {' -> '.join([*steps, 'FC(2)'])}") for steps in (before, after))
    found = difference(a, b)
    assert adds_up(found)
    assert found.equal == (not found.changes)
    for change in found.changes:
        alone(found, change)
