"""Networks side by side: every figure is the summary's, stages add up, and fronts are what brute force finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnspec
from cnnspec.analysis.latency import Interval
from cnnspec.analysis.lineup import Candidate, Lineup, line_up, names
from cnnspec.analysis.lineup_measures import (
    ANALYTIC,
    COUNT,
    HIGH,
    LOW,
    NEITHER,
    SECONDS,
    Measure,
    Value,
    dominated,
    front,
)
from cnnspec.analysis.lineup_stages import Part, octaves
from cnnspec.analysis.summary import Summary
from tests.oracle.test_torchvision import NAMES


def measure(*values: Value, better: str = LOW, ratio_intervals: tuple[Interval | None, ...] = ()) -> Measure:
    return Measure("name", "title", "doc", SECONDS, better, values, ratio_intervals=ratio_intervals)


def staged(spec: str) -> dict[int | None, Part]:
    """The stages of a network by octave."""
    lineup = line_up([Candidate(cnnspec.parse(spec).summary(), "")])
    return {stage.octave: part for stage in lineup.stages if (part := stage.parts[0]) is not None}


@pytest.fixture(scope="module")
def zoo() -> Lineup:
    """All networks of torchvision, for a batch of two in half precision, so that bytes are not counts."""
    return line_up([Candidate(cnnspec.load(name).summary(2, "float16", "adam"), name) for name in NAMES])


# ----------------------------------------------------------------------------------------------- figures


def expected(summary: Summary) -> dict[str, Value]:
    """What each measure is, out of the summary."""
    whole = summary.totals
    return {
        "params": whole.params, "macs": whole.macs, "flops": whole.flops, "depth": whole.depth,
        "weight_layers": whole.weight_layers, "rf": whole.receptive_field.size if whole.receptive_field else None,
        "weights": whole.weight_bytes, "activations": whole.activation_bytes,
        "inference_peak": whole.inference_peak_bytes, "training_peak": summary.memory("training").peak,
        "intensity": whole.flops * summary.batch / whole.traffic_bytes,
        "input": next(iter(summary.inputs.values())), "output": summary.output,
    }


def test_every_figure_is_the_summarys(zoo: Lineup) -> None:
    assert zoo.names == tuple(NAMES)
    assert {one.name for one in zoo.measures} == set(ANALYTIC)
    for index, name in enumerate(NAMES):
        wanted = expected(cnnspec.load(name).summary(2, "float16", "adam"))
        assert {one.name: one.values[index] for one in zoo.measures} == wanted, name


def test_stages_add_up_to_the_totals(zoo: Lineup) -> None:
    for index, entrant in enumerate(zoo.entrants):
        parts = [part for stage in zoo.stages if (part := stage.parts[index]) is not None]
        whole = entrant.summary.totals
        assert sum(part.params for part in parts) == whole.params
        assert sum(part.macs for part in parts) == whole.macs
        assert sum(part.activation_bytes for part in parts) == whole.activation_bytes
        assert sum(part.weight_layers for part in parts) == whole.weight_layers
        assert sum(part.layers for part in parts) == sum(bool(layer.node.inputs) for layer in entrant.summary.layers)


def test_picking_keeps_every_figure_with_its_network(zoo: Lineup) -> None:
    order = [5, 0, 70]
    picked = zoo.picked(order)
    assert picked.names == tuple(NAMES[index] for index in order)
    assert picked.measure("params").values == tuple(entrant.summary.totals.params for entrant in picked.entrants)
    assert picked.measure("rf").values[1] == zoo.measure("rf").values[0]
    assert [stage.parts[1] for stage in picked.stages] == [stage.parts[0] for stage in zoo.stages]


def test_a_network_that_cannot_be_trained_says_why() -> None:
    lineup = line_up([Candidate(cnnspec.parse("INPUT(3x8x8) -> POOL(2)").summary(), "pool"),
                      Candidate(cnnspec.parse("INPUT(3x8x8) -> CONV(4)").summary(), "conv")])
    peak = lineup.measure("training_peak")
    assert peak.values[0] is None
    assert peak.reason(0) == "<text> has no weights that training changes"
    assert peak.reason(1) == ""
    assert peak.best == ()
    assert peak.ratios == (None, None)


def test_an_unknown_measure_is_a_key_error(zoo: Lineup) -> None:
    with pytest.raises(KeyError):
        zoo.measure("speed")


# -------------------------------------------------------------------------------------------- best, ratios


@pytest.mark.parametrize(("values", "better", "best"), [
    ((3, 1, 2), LOW, (1,)), ((3, 1, 2), HIGH, (0,)), ((3, 1, 2), NEITHER, ()), ((2, 1, 1), LOW, (1, 2)),
    ((1, 1), LOW, ()), ((1, None), LOW, ()), ((None, 4, 3), LOW, (2,)), ((0, 1), LOW, (0,)),
])
def test_the_best(values: tuple[int | None, ...], better: str, best: tuple[int, ...]) -> None:
    assert measure(*values, better=better).best == best


@pytest.mark.parametrize(("values", "ratios"), [
    ((2, 1, 5), (None, 0.5, 2.5)), ((0, 1), (None, None)), ((None, 1), (None, None)), ((4, None), (None, None)),
    (((3, 3), (5, 5)), (None, None)),
])
def test_ratios_are_to_the_first(values: tuple[Value, ...], ratios: tuple[float | None, ...]) -> None:
    assert measure(*values).ratios == ratios


def test_what_was_measured_is_the_best_only_where_a_difference_was_seen() -> None:
    slower, same, faster = Interval(1.28, 1.34), Interval(0.99, 1.02), Interval(0.9, 0.95)
    assert measure(1.0, 1.31, ratio_intervals=(None, slower)).best == (0,)
    assert measure(1.0, 0.999, ratio_intervals=(None, same)).best == ()
    assert measure(1.0, 0.999, 1.31, ratio_intervals=(None, same, slower)).best == (0, 1)
    assert measure(1.0, 0.999, 0.92, ratio_intervals=(None, same, faster)).best == (2,)
    assert measure(1.0, 0.999, 1.31, ratio_intervals=(None, same, slower)).differs == (None, False, True)
    assert measure(1.0, 2.0).differs == (None, None)


def test_ratios_that_were_measured_to_another_first_are_left_out() -> None:
    found = measure(1.0, 2.0, 3.0, ratio_intervals=(None, Interval(1.9, 2.1), Interval(2.9, 3.1)))
    assert found.picked([0, 2]).ratio_intervals == (None, Interval(2.9, 3.1))
    assert found.picked([2, 0]).ratio_intervals == ()
    assert found.picked([2, 0]).ratios == (None, 1 / 3)


# ------------------------------------------------------------------------------------------------- fronts


NUMBERS = st.one_of(st.none(), st.integers(0, 5))
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=12)


@given(POINTS, st.lists(st.sampled_from([LOW, HIGH]), min_size=3, max_size=3))
def test_the_front_is_what_brute_force_finds(points: list[tuple[int | None, ...]], ends: list[str]) -> None:
    measures = [measure(*(point[axis] for point in points), better=ends[axis]) for axis in range(3)]

    def at_least_as_good(one: int, other: int) -> list[bool]:
        pairs = zip(points[one], points[other], ends, strict=True)
        return [mine is not None and its is not None and (mine <= its if end == LOW else mine >= its)
                for mine, its, end in pairs]

    for index, flag in enumerate(dominated(measures)):
        if None in points[index]:
            assert flag is None
        else:
            assert flag == any(all(at_least_as_good(other, index)) and not all(at_least_as_good(index, other))
                               for other in range(len(points)))


def test_no_front_without_measures_that_have_a_better_end() -> None:
    for wrong in ([], [measure(1, 2), measure(1, 2, better=NEITHER)]):
        with pytest.raises(ValueError, match="a front needs"):
            front(wrong)


# -------------------------------------------------------------------------------------------------- names


def candidate(name: str, target: str, **settings: str) -> Candidate:
    summary = cnnspec.parse(f"net {name} = INPUT(3x8x8) -> CONV(4)").summary()
    return Candidate(summary, target, tuple(settings.items()))


@pytest.mark.parametrize(("candidates", "expected"), [
    ([candidate("a", "a"), candidate("b", "b")], ["a", "b"]),
    ([candidate("a", "a", n="1"), candidate("a", "a", n="2"), candidate("b", "b", n="1")], ["a n=1", "a n=2", "b"]),
    ([candidate("a", "a(1)"), candidate("a", "a(2)")], ["a(1)", "a(2)"]),
    ([candidate("a", "x/a.cnn", n="1"), candidate("a", "y/a.cnn", n="1")], ["x/a.cnn n=1", "y/a.cnn n=1"]),
    ([candidate("a", "a"), candidate("a", "a"), candidate("a", "a")], ["a", "a (2)", "a (3)"]),
    ([candidate("a", "a"), candidate("a", "a"), candidate("b", "a (2)")], ["a", "a (2)", "b"]),
])
def test_names_are_as_short_as_they_can_be_and_unlike_each_other(candidates: list[Candidate],
                                                                 expected: list[str]) -> None:
    assert names(candidates) == expected


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "b"]), max_size=8))
def test_numbers_part_what_is_called_alike(targets: list[str]) -> None:
    found = names([CANDIDATES[target] for target in targets])
    assert len(set(found)) == len(targets)


CANDIDATES = {target: Candidate(cnnspec.parse("net a = INPUT(3x8x8) -> CONV(4)").summary(), target)
              for target in ("a", "a (2)", "a (3)", "b")}

# ------------------------------------------------------------------------------------------------- stages


def test_a_stage_is_a_stride_whatever_the_extents() -> None:
    alexnet, resnet = (line_up([Candidate(cnnspec.load(name).summary(), name)]).stages
                       for name in ("alexnet", "resnet18"))
    assert [(stage.octave, part.extents) for stage in alexnet if (part := stage.parts[0])] == [
        (2, ((55, 55),)), (3, ((27, 27),)), (4, ((13, 13),)), (5, ((6, 6),)), (None, ((),))]
    assert [(stage.octave, part.channels, part.weight_layers) for stage in resnet if (part := stage.parts[0])] == [
        (1, (64, 64), 1), (2, (64, 64), 4), (3, (128, 128), 5), (4, (256, 256), 5), (5, (512, 512), 5),
        (None, (512, 1000), 1)]
    assert [stage.stride for stage in resnet] == [2, 4, 8, 16, 32, None]


def test_gates_count_where_their_value_is() -> None:
    gate = "GAP -> CONV(2, 1) -> RELU -> CONV(8, 1) -> SIGMOID"
    found = staged(f"INPUT(8x16x16) -> CONV(8, 3, stride=2) -> MUL{{ ID | {gate} }} -> GAP -> FC(10)")
    assert set(found) == {1, None}
    assert found[1].layers == 7
    assert found[1].channels == (8, 8)
    assert found[None].weight_layers == 1


def test_a_bottleneck_of_vectors_stays_flat() -> None:
    found = staged("INPUT(1x16x16) -> CONV(4, 3, stride=2) -> FLATTEN -> FC(5) -> FC(256) -> RESHAPE(4x8x8) "
                   "-> UPCONV(1, 2, stride=2)")
    assert {octave: part.layers for octave, part in found.items()} == {0: 1, 1: 2, None: 3}


def test_what_looks_at_the_whole_picture_beside_a_path_counts_with_it() -> None:
    pooled = "GAP -> CONV(8, 1) -> RESIZE((8, 8), linear)"
    found = staged(f"INPUT(3x16x16) -> CONV(8, 3, stride=2) -> CONCAT{{ CONV(8, 1) | {pooled} }}")
    assert {octave: part.layers for octave, part in found.items()} == {1: 6}


@pytest.mark.parametrize(("spec", "expected"), [
    ("INPUT(3x8x8) -> UPCONV(4, 2, stride=2)", [-1]),
    ("INPUT(2x64) -> CONV(4, 3, stride=4) -> CONV(4, 3, stride=4)", [2, 4]),
    ("INPUT(3x8x32x32) -> CONV(4, 3, stride=(1, 2, 2)) -> CONV(4, 3, stride=(2, 1, 1))", [1]),
    ("INPUT(784) -> FC(10)", [None]),
    ("INPUT(3x30x30) -> CONV(4, 3, stride=3) -> CONV(4, 10, pad=0)", [2, None]),
])
def test_strides_are_taken_to_the_nearest_power_of_two(spec: str, expected: list[int | None]) -> None:
    assert [*staged(spec)] == expected


def test_half_a_pixel_is_a_stride_too() -> None:
    (stage,) = line_up([Candidate(cnnspec.parse("INPUT(3x8x8) -> UPCONV(4, 2, stride=2)").summary(), "")]).stages
    assert stage.stride == 0.5


def test_the_stage_of_a_value_is_its_own_unless_it_is_beside_a_path() -> None:
    graph = cnnspec.load("efficientnet_b0").graph
    own, homes = octaves(graph)
    moved = [node.op.layer.keyword for node in graph.nodes if own[node.index] != homes[node.index]]
    assert len(moved) == 16 * 5
    assert all(own[node.index] is None for node in graph.nodes if own[node.index] != homes[node.index])


def test_a_measure_has_a_unit_and_a_sentence(zoo: Lineup) -> None:
    assert zoo.measure("params").unit == COUNT
    assert all(one.doc and one.title for one in zoo.measures)


@pytest.mark.parametrize(("second", "interval", "drifted"), [
    (1.79, Interval(1.54, 1.77), True), (1.5, Interval(1.54, 1.77), True), (1.7, Interval(1.54, 1.77), False),
    (1.79, None, False), (None, Interval(1.54, 1.77), False)])
def test_latencies_drifted_where_their_quotient_is_none_that_the_turns_allow(
        second: float | None, interval: Interval | None, drifted: bool) -> None:
    assert measure(1.0, second, ratio_intervals=(None, interval)).drifted is drifted


def test_exact_figures_and_those_without_a_first_do_not_drift() -> None:
    assert not measure(1.0, 2.0).drifted
    assert not measure(None, 2.0, ratio_intervals=(None, None)).drifted
