"""Receptive fields against exact sets of pixels on random networks, and by hand where numbers are known."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cnnspec
from cnnspec.analysis.axis import Axis, Phases, joined, size, through
from cnnspec.analysis.field import ReceptiveField
from cnnspec.analysis.summary import LayerSummary, Summary
from cnnspec.layers.facts import Reach
from tests.analysis.networks import built, chains
from tests.analysis.pixels import Pixels, carried

#: Windows repeat after this many outputs, whatever was doubled and tripled before.
PERIOD = 216
#: Windows beyond which a field is enclosed by a line.
MOST_REPEATED = 64


def field(text: str) -> ReceptiveField | None:
    """The field of a net's last layer."""
    return cnnspec.parse(text).layers[-1].receptive_field


def ancestors(summary: Summary, index: int) -> set[int]:
    """A layer and all that its value comes from, gates left out."""
    found: set[int] = set()
    waiting = [index]
    while waiting:
        last = waiting.pop()
        if last not in found:
            found.add(last)
            waiting += carried(summary.layers[last])
    return found


def gain(summary: Summary, index: int, axis: int) -> int:
    """The product of all upsampling factors behind a layer: no more windows than that repeat."""
    product = 1
    for layer in (summary.layers[i] for i in ancestors(summary, index)):
        factor = layer.args.get({"UPCONV": "stride", "UPSAMPLE": "scale", "PIXELSHUFFLE": "r"}.get(layer.op, ""), 1)
        product *= factor[axis] if isinstance(factor, tuple) else factor
    return product


def agrees(summary: Summary, layer: LayerSummary) -> None:
    """Assert that size, stride and start are those of the layer's windows."""
    seen = layer.ungated_field
    assert seen is not None
    for axis, (most, stride, start) in enumerate(zip(seen.size, seen.stride, seen.start, strict=True)):
        pixels = Pixels(summary, axis)
        windows = {o: window for o in range(PERIOD) if (window := pixels.window(layer.index, o))}
        begins = {o: first - ceil(start + o * stride) for o, (first, _) in windows.items()}
        assert min(begins.values()) >= 0
        assert most >= max(last - first + 1 for first, last in windows.values())
        if gain(summary, layer.index, axis) <= MOST_REPEATED:
            assert min(begins.values()) == 0
            assert most == max(last - first + 1 for first, last in windows.values())
        if gain(summary, layer.index, axis) == 1:
            assert set(begins.values()) == {0}
        for o, (first, last) in windows.items():
            if o < 8:
                assert pixels.window(layer.index, o + PERIOD) == (first + PERIOD * stride, last + PERIOD * stride)


@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.one_of(chains(axes=1), chains(axes=2, steps=3)).map(built).filter(bool), st.data())
def test_fields_are_those_of_exact_sets_of_pixels(net: cnnspec.Net, data: st.DataObject) -> None:
    summary = net.summary()
    local = [layer for layer in summary.layers if layer.op not in {"GAP", "SIGMOID"} and layer.ungated_field]
    agrees(summary, data.draw(st.sampled_from(local)))


def test_the_oracle_can_disagree() -> None:
    summary = cnnspec.parse("INPUT(4x432) -> CONV(4, 3) -> POOL(2)").summary()
    agrees(summary, summary.layers[-1])
    wrong = summary.layers[-2].field
    with pytest.raises(AssertionError):
        agrees(summary, summary.layers[-1].replace(field=wrong))


@pytest.mark.slow
@settings(max_examples=1500, suppress_health_check=list(HealthCheck))
@given(st.one_of(chains(axes=1), chains(axes=2, steps=4)).map(built).filter(bool), st.data())
def test_many_fields_are_those_of_exact_sets_of_pixels(net: cnnspec.Net, data: st.DataObject) -> None:
    summary = net.summary()
    local = [layer for layer in summary.layers if layer.op not in {"GAP", "SIGMOID"} and layer.ungated_field]
    agrees(summary, data.draw(st.sampled_from(local)))


HALF = Fraction(1, 2)


@pytest.mark.parametrize(("text", "size_", "stride", "start"), [
    ("INPUT(1x16) -> RELU", 1, 1, 0),
    ("INPUT(1x16) -> CONV(1, 3)", 3, 1, -1),
    ("INPUT(1x16) -> CONV(1, 3, dilation=4)", 9, 1, -4),
    ("INPUT(1x16) -> CONV(1, 2, pad=causal, dilation=4)", 5, 1, -4),
    ("INPUT(1x16) -> [CONV(1, 3) -> POOL(2)]*2", 10, 4, -3),
    ("INPUT(1x16) -> UPSAMPLE(2)", 1, HALF, -HALF),
    ("INPUT(1x16) -> UPSAMPLE(3)", 1, Fraction(1, 3), Fraction(-2, 3)),
    ("INPUT(1x16) -> UPSAMPLE(2, linear)", 2, HALF, -1),
    ("INPUT(1x16) -> UPCONV(1, 2)", 1, HALF, -HALF),
    ("INPUT(1x16) -> UPCONV(1, 4, stride=2, pad=1)", 2, HALF, -1),
    ("INPUT(1x16) -> UPSAMPLE(2) -> CONV(1, 3)", 2, HALF, -1),
    ("INPUT(1x16) -> UPSAMPLE(2) -> POOL(2)", 1, 1, -HALF),
    ("INPUT(1x16) -> CONV(1, 3, stride=2) -> UPSAMPLE(2)", 3, 1, -2),  # 4 wide, were it one line
    ("INPUT(1x16) -> ADD{ ID | CONV(1, 3) | CONV(1, 3, dilation=2) }", 5, 1, -2),
    ("INPUT(1x16) -> ADD{ ID | POOL(2) -> UPSAMPLE(2) }", 2, 1, -1),
    ("INPUT(1x16) -> PAD((3, 1)) -> CONV(1, 3, pad=0)", 3, 1, -3),
    ("INPUT(1x16) -> CROP(cut=(3, 1)) -> POOL(2)", 2, 2, 3),
])
def test_fields_by_hand(text: str, size_: int, stride: Fraction, start: Fraction) -> None:
    assert field(text) == ReceptiveField((size_,), (stride,), (start,))


def test_each_axis_has_its_own_numbers() -> None:
    seen = field("INPUT(1x16x16x16) -> CONV(1, 3x5x1, stride=1x2x1) -> POOL((1, 1, 2))")
    assert seen == ReceptiveField((3, 5, 2), (1, 2, 2), (-1, -2, 0))


@pytest.mark.parametrize("step", [
    "GAP", "FC(3)", "FLATTEN", "ADAPTIVEPOOL(1)", "REDUCE(over=space)", "RESHAPE(1, 64, 4)", "SOFTMAX(axis=space)",
    "MUL{ ID | GAP }", "CONCAT{ ID | GAP -> UPSAMPLE(16) }",
])
def test_what_sees_everything_has_no_field(step: str) -> None:
    assert field(f"INPUT(1x16x16) -> CONV(1, 3) -> {step}") is None


def test_gates_are_left_out_beside_the_whole_field() -> None:
    net = cnnspec.parse("INPUT(4x16) -> CONV(4, 3) -> MUL{ GAP -> SIGMOID | CONV(4, 5) } -> CONV(4, 3)")
    layer = net.layers[-1]
    assert layer.receptive_field is None
    assert layer.ungated_field == ReceptiveField((9,), (1,), (-4,))
    assert net.summary().totals.receptive_field == layer.ungated_field


def test_a_product_of_equals_is_no_gate() -> None:
    text = "INPUT(4x16) -> MUL{ CONV(4, 3) -> TANH | CONV(4, 5) -> SIGMOID }"
    assert field(text) == ReceptiveField((5,), (1,), (-2,))


def test_the_total_is_that_of_the_last_local_value() -> None:
    totals = cnnspec.parse("INPUT(4x16) -> CONV(4, 3) -> POOL(2) -> CONV(4, 3) -> GAP -> FC(3)").summary().totals
    assert totals.receptive_field == ReceptiveField((8,), (2,), (-3,))
    assert cnnspec.parse("INPUT(16) -> FC(3)").summary().totals.receptive_field is None


def test_it_is_said_where_centres_do_not_line_up() -> None:
    crooked = cnnspec.parse("INPUT(4x16) -> ADD{ ID | CONV(4, 2, pad=(1, 0)) } -> RELU").summary()
    assert crooked.notes == ("at add several paths meet whose receptive fields have different centres",)
    assert cnnspec.parse("INPUT(4x16) -> ADD{ ID | CONV(4, 3) } -> RELU").summary().notes == ()


@pytest.mark.parametrize("times", [1, 2, 9])
def test_odd_resizing_again_and_again_is_exact_or_enclosed(times: int) -> None:
    seen = field(f"INPUT(1x401) -> [UPSAMPLE(1.1)]*{times}")
    assert seen is not None
    assert seen.stride == (Fraction(10, 11) ** times,)
    pixels = list(range(100))
    for _ in range(times):
        pixels = [pixels[o * 10 // 11] for o in range(100)]
    begins = [ceil(seen.start[0] + o * seen.stride[0]) for o in range(100)]
    assert all(first <= pixel for first, pixel in zip(begins, pixels, strict=True))
    assert seen.size == (1,) if times == 1 else all(
        pixel < first + seen.size[0] for first, pixel in zip(begins, pixels, strict=True))


def test_a_field_beyond_all_inputs_is_refused() -> None:
    with pytest.raises(cnnspec.SpecError, match="more than 100 digits"):
        field("INPUT(1x1x1) -> [CONV(1, 3, stride=2)]*1000")


def test_fractions_are_kept_short() -> None:
    seen = field("INPUT(1x16) -> [UPSAMPLE(1.1) -> CROP(16)]*300")
    assert seen is not None
    assert all(len(str(number)) < 120 for number in (*seen.stride, *seen.start))
    assert seen.size[0] >= 1


def test_paths_of_different_strides_are_enclosed() -> None:
    narrow, wide = Reach(Fraction(7, 4), 0, 0), Reach(2, -1, 1)
    assert joined([narrow, wide], extent=9) == Reach(2, -2, 1)


def test_a_union_repeats_where_one_of_its_paths_does() -> None:
    coarse = through(Reach(2, 0, 1), Reach(HALF, -HALF, 0))
    assert coarse == Phases(2, (0, 0), (1, 1))
    union: Axis = joined([coarse, Reach(1, 0, 0)], extent=9)
    assert union == coarse
    assert (size(union), union.stride, union.low, union.high) == (2, 1, -1, 1)
