"""Charts of the whole zoo: they parse, say what the summary says, and no text meets another or leaves the picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec import load, parse
from cnnspec.analysis.axis import size
from cnnspec.analysis.outline import outline
from cnnspec.analysis.profile import LayerRun, Rates
from cnnspec.analysis.summary import Summary
from cnnspec.files import known_nets
from cnnspec.render import svg
from cnnspec.render.charts import axes
from cnnspec.render.charts.bars import FIGURES, layer_bars
from cnnspec.render.charts.curves import Series, curves
from cnnspec.render.charts.field import growth_chart
from cnnspec.render.charts.marks import attainable
from cnnspec.render.charts.memory import _MOST as MOMENTS
from cnnspec.render.charts.memory import live_chart
from cnnspec.render.charts.pareto import Point, pareto_chart
from cnnspec.render.charts.placing import Area, Spot, placed
from cnnspec.render.charts.roofline import roofline_chart
from cnnspec.render.palette import SERIES
from tests.render import pictures
from tests.zoo import zoo

NETS = sorted(known_nets())
RATES = Rates(67e12, 4.8e12, "datasheet of the H200")
SCALES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "B": 1.0, "": 1.0}
HOSTILE = "</title><script>alert('&\x00\x1b[31m\"')</script>" + "網" * 30


@cache
def summary(name: str) -> Summary:
    return load(name).summary()


@cache
def runs(name: str) -> tuple[LayerRun, ...]:
    """Layers that take as long as the roof lets them, and longer by their number."""
    found = []
    for layer in summary(name).layers:
        if layer.node.inputs and layer.runs:
            least = max(layer.flops / RATES.peak, layer.traffic_bytes / RATES.bandwidth, 2e-6)
            seconds = least * (1.2 + layer.index % 7)
            found.append(LayerRun(layer.index, layer.path, layer.op, seconds, 0.0, 0.0, layer.flops / seconds,
                                  layer.traffic_bytes / seconds, layer.flops / seconds / RATES.peak, "compute", None))
    whole = sum(run.seconds for run in found)
    return tuple(run.replace(share=run.seconds / whole) for run in found)


def charts_of(name: str) -> dict[str, str]:
    found, measured = summary(name), runs(name)
    seconds = {run.index: run.seconds for run in measured}
    return {
        **{figure: layer_bars(found, figure, seconds) for figure in FIGURES},
        "live": live_chart(found), "field": growth_chart(found), "intensity": roofline_chart(found),
        "roof": roofline_chart(found, RATES), "measured": roofline_chart(found, RATES, measured),
    }


def check(chart: str) -> pictures.Element:
    """What every chart must be."""
    root = pictures.read(chart)
    assert root.get("class") == "cnnspec-chart"
    assert root[0].tag.endswith("title")
    assert root[1].tag.endswith("desc")
    assert pictures.overlaps(root) == []
    assert pictures.outside(root) == []
    assert not re.search(r"https?:(?!//www.w3.org/2000/svg\")|url\(|href|<script", chart)
    style = pictures.of(root, "style")[0].text or ""
    for one, _ in pictures.drawn(root):
        for name in one.get("class", "").split():
            if re.match(r"[fs]-", name):
                kind = "fill" if name[0] == "f" else "stroke"
                assert f".cnnspec-chart .{name}{{{kind}:#{name[-6:]}}}" in style
                assert one.get(kind) == f"#{name[2:8]}"
    return root


# ---------------------------------------------------------------------------------------- the whole zoo


@pytest.mark.parametrize("name", zoo())
def test_no_text_of_a_chart_meets_another_or_leaves_the_picture(name: str) -> None:
    made = charts_of(name)
    rows = {svg.layers(row) for row, _ in outline(summary(name)).walk()}
    for kind, chart in made.items():
        root = check(chart)
        found = {one.get("data-layers") for one in pictures.of(root, "g")} - {None}
        if kind != "measured":
            assert found <= rows
        assert all(one[0].tag.endswith("title") for one in pictures.of(root, "g") if one.get("data-layers"))
    assert sum(map(len, made.values())) < 400_000


@pytest.mark.parametrize("name", zoo())
def test_bars_are_as_long_as_their_rows_are_worth(name: str) -> None:
    found = summary(name)
    for figure, field in (("params", "params"), ("macs", "macs"), ("memory", "activation_bytes")):
        root = pictures.read(layer_bars(found, figure))
        worth = {svg.layers(row): getattr(row, field) for row, _ in outline(found).walk() if not row.children}
        ticks = along(root)
        bars = [(one.get("data-layers", ""), bar)
                for one in pictures.of(root, "g") for bar in pictures.of(one, "rect", "bar")]
        assert {layers for layers, _ in bars} == {layers for layers, value in worth.items() if value}
        for layers, bar in bars:
            pixels = ticks[-1][1] / (ticks[-1][0] - ticks[0][0])
            assert float(bar.get("width", "")) * pixels == pytest.approx(worth[layers], rel=0.002, abs=pixels)


@pytest.mark.parametrize("name", zoo())
def test_live_memory_is_as_high_as_its_moments(name: str) -> None:
    found = summary(name)
    root = pictures.read(live_chart(found))
    steps = pictures.of(root, "path", "steps")
    modes = ["inference", "training"] if found.can_train else ["inference"]
    assert len(steps) == len(modes)
    for mode, path, band in zip(modes, steps, pictures.of(root, "rect", "resident"), strict=True):
        told = found.memory(mode)
        points = pictures.path(path.get("d", ""))
        top, left, right = min(y for _, y in points), points[0][0], points[-1][0]
        zero = float(band.get("y", "")) + float(band.get("height", ""))
        assert (zero - points[0][1]) / (zero - top) * told.peak == pytest.approx(told.resident, rel=2e-3)
        near = -(-len(told.timeline) // MOMENTS) - 1  # where a place stands for several moments, it shows their most
        for place, moment in enumerate(told.timeline):
            high = pictures.height_at(points, left + (place + 0.5) * (right - left) / len(told.timeline))
            most = max(one.peak for one in told.timeline[max(place - near, 0) : place + near + 1])
            assert moment.peak * 0.998 <= (zero - high) / (zero - top) * told.peak <= most * 1.002
        assert f"{mode}: peak" in (root[1].text or "")


@pytest.mark.parametrize("name", zoo())
def test_every_layers_field_is_on_a_curve_or_beside_it(name: str) -> None:
    found = summary(name)
    root = pictures.read(growth_chart(found))
    layers = [layer for layer in found.layers if layer.node.inputs]
    ways = [pictures.path(one.get("d", "")) for one in pictures.of(root, "path", "way")]
    spots = [spot for one in pictures.of(root, "path", "aside") for spot in pictures.path(one.get("d", ""))]
    level = next(one for one in pictures.of(root, "line") if one.get("y1") == one.get("y2"))
    left, right = float(level.get("x1", "")), float(level.get("x2", ""))
    value = up(root)
    near = 1.0 if right - left < len(layers) else 0.0  # steps are a pixel wide at least
    for place, layer in enumerate(layers):
        x = left + (place + 0.5) * (right - left) / len(layers)
        here = {y for way in ways for (start, y), (stop, after) in pairwise(way)
                if y == after and start - near <= x <= stop + near}
        told = [value(y) for y in here | {y for across, y in spots if abs(across - x) < 0.1 + near}]
        field = layer.field.axes if len(layer.field.axes or ()) == len(found.layers[0].output_shape) - 1 else None
        for seen in {size(axis) for axis in field} if field else {None}:
            exact = any(one == seen if None in (one, seen) else one == pytest.approx(seen, rel=0.02) for one in told)
            sizes = [one for one in told if one is not None]
            assert exact or (near and seen is not None and min(sizes) <= seen <= max(sizes))


def along(root: pictures.Element) -> list[tuple[float, float]]:
    """The first and the last tick of a horizontal axis: `(x, value)`."""
    high = max(one.bottom for one in pictures.texts(root))
    found = [((one.left + one.right) / 2, number(one.text)) for one in pictures.texts(root) if one.bottom == high]
    return [found[0], found[-1]]


def up(root: pictures.Element) -> Callable[[float], float | None]:
    """From a height to a value, by the ticks of a vertical axis; None for the height of `all`."""
    marks = [(float(one.get("y", "")) - 4, one.text or "") for one in pictures.of(root, "text")
             if one.get("text-anchor") == "end"]
    everything = next(y for y, text in marks if text == "all")
    (y1, v1), *_, (y2, v2) = [(y, number(text)) for y, text in marks if text != "all"]
    middle = [(y, number(text)) for y, text in marks if text != "all"]
    is_log = len(middle) > 2 and v1 > 0 and abs(
        (middle[1][0] - y1) / (y2 - y1) - log(middle[1][1] / v1) / log(v2 / v1)) < 0.01

    def value(y: float) -> float | None:
        if abs(y - everything) < 0.02:
            return None
        share = (y - y1) / (y2 - y1)
        return v1 * (v2 / v1) ** share if is_log else v1 + share * (v2 - v1)

    return value


def number(text: str) -> float:
    """`1.5 MiB` as bytes."""
    digits, _, unit = text.replace(",", "").partition(" ")
    return float(digits) * SCALES[unit]


def test_the_check_for_overlaps_can_fail() -> None:
    twice = parse("INPUT(3x8x8) -> CONV(4)").summary()
    chart = layer_bars(twice, "params")
    assert pictures.overlaps(pictures.read(chart)) == []
    moved = re.sub(r'(<text[^>]*) y="[\d.]+"', r'\1 y="50"', chart)
    assert pictures.overlaps(pictures.read(moved))
    assert pictures.outside(pictures.read(re.sub(r'(<text[^>]*) y="[\d.]+"', r'\1 y="5000"', chart)))


# ------------------------------------------------------------------------------------------------ axes

VALUES = st.floats(1e-9, 1e18)
MEASURES = st.sampled_from([axes.PLAIN, axes.COUNT, axes.BYTES, axes.SECONDS, axes.RATE])


@given(st.lists(VALUES, min_size=1, max_size=5), MEASURES, st.integers(3, 10))
def test_ticks_are_few_and_ascend_within_the_scale(values: list[float], measure: axes.Measure, most: int) -> None:
    for make in (axes.linear, axes.logarithmic, axes.fitting):
        scale = make(values, 100.0, 500.0)
        found = axes.ticks(scale, measure, most)
        assert 1 <= len(found) <= 3 * most
        assert all(one.value < other.value for one, other in pairwise(found))
        assert len({one.text for one in found}) == len(found)
        assert all(scale.low * (1 - 1e-6) - 1e-12 <= one.value <= scale.high * (1 + 1e-6) for one in found)
        places = [scale.at(one.value) for one in found]
        assert all(100 <= place <= 500 for place in places)
        assert all(scale.value(scale.at(value)) == pytest.approx(value, rel=1e-6, abs=scale.high * 1e-9)
                   for value in values)


@given(st.floats(1e-12, 1e12))
def test_nice_steps_are_one_two_or_five(step: float) -> None:
    found = axes.nice(step)
    assert step * (1 - 1e-6) <= found <= step * 2.5 * (1 + 1e-6)
    assert f"{found:.3e}"[:5] in {"1.000", "2.000", "5.000"}


def test_ticks_of_bytes_are_round_in_their_unit() -> None:
    scale = axes.linear([353 * 2**20], 0.0, 100.0)
    assert [tick.text for tick in axes.ticks(scale, axes.BYTES, 4)] == ["0", "100 MiB", "200 MiB", "300 MiB"]
    wide = axes.logarithmic([2**10, 2**30], 0.0, 100.0)
    assert [tick.text for tick in axes.ticks(wide, axes.BYTES, 6)] == ["1 KiB", "32 KiB", "1 MiB", "32 MiB", "1 GiB"]


# -------------------------------------------------------------------------------------------- roofline


def test_rows_stand_on_the_roof_and_measured_layers_below_it() -> None:
    measured = pictures.read(roofline_chart(summary("resnet50"), RATES, runs("resnet50")))
    for chart in (pictures.read(roofline_chart(summary("resnet50"), RATES)), measured):
        (roof,) = pictures.of(chart, "path", "roof")
        (x1, y1), (x2, y2), (x3, y3) = pictures.path(roof.get("d", ""))
        assert y2 == y3
        assert x1 < x2 < x3
        for spot in pictures.of(chart, "circle", "spot"):
            x, y = float(spot.get("cx", "")), float(spot.get("cy", ""))
            high = y2 if x >= x2 else y1 + (x - x1) / (x2 - x1) * (y2 - y1)
            if chart is measured:
                assert y > high + 1
            else:
                assert y == pytest.approx(high, abs=0.05)
    spots = [(spot.get("cx"), spot.get("cy")) for spot in pictures.of(measured, "circle", "spot")]
    told = [group for group in pictures.of(measured, "g") if group.get("data-layers")]
    every = [run for run in runs("resnet50") if run.flops_rate]
    assert len(told) < len(spots) < len(every)
    assert len({*spots[:-len(told)]}) == len(spots) - len(told)


def test_without_a_device_the_ridges_of_some_are_shown() -> None:
    root = pictures.read(roofline_chart(load("vgg16").summary(dtype="float16")))
    said = [one.text for one in pictures.texts(root)]
    assert "H100 295" in said  # 989 TFLOP/s of 3,350 GB/s
    named = [text for text in said if text.startswith(("H100", "A100", "T4", "RTX"))]
    assert len(pictures.of(root, "line", "ridge")) == len(named) == 4
    unknown = pictures.read(roofline_chart(load("vgg16").summary(dtype="float64")))
    assert pictures.of(unknown, "line", "ridge") == []
    assert "no datasheet gives a peak for float64" in [one.text for one in pictures.texts(unknown)]


def test_what_is_attainable_is_the_lower_of_two_limits() -> None:
    assert attainable(RATES, 1.0) == RATES.bandwidth
    assert attainable(RATES, 1e6) == RATES.peak


# ---------------------------------------------------------------------------------------------- points


def fronted(figures: list[tuple[float, float]], name: str = "net") -> list[Point]:
    return [Point(f"{name}{place}", x, y, any(a <= x and b <= y and (a, b) != (x, y) for a, b in figures))
            for place, (x, y) in enumerate(figures)]


@given(st.lists(st.tuples(st.floats(0, 1e12), st.floats(0, 1e12)), min_size=1, max_size=78))
def test_names_of_points_never_meet(figures: list[tuple[float, float]]) -> None:
    root = check(pareto_chart(fronted(figures), "parameters", "MACs"))
    assert len(pictures.of(root, "circle", "spot")) == len(figures)


def test_the_zoo_by_two_costs() -> None:
    points = fronted([(float(one.params), float(one.macs)) for one in (summary(name).totals for name in NETS)])
    root = check(pareto_chart(points, "parameters", "MACs"))
    (front,) = pictures.of(root, "path", "front")
    best = {(float(one.get("cx", "")), float(one.get("cy", ""))) for one in pictures.of(root, "circle", "spot")
            if one.get("fill") == SERIES[0].light}
    steps = pictures.path(front.get("d", ""))
    assert best <= set(steps)
    assert all(x1 <= x2 and y1 <= y2 for (x1, y1), (x2, y2) in pairwise(steps))


def test_names_of_the_front_stand_beside_its_line() -> None:
    root = check(pareto_chart(fronted([(1.0, 60e6), (1.8, 11e6)]), "MACs", "parameters"))
    (front,) = pictures.of(root, "path", "front")
    (begin, level), (across, _), _ = pictures.path(front.get("d", ""))
    named = [one for one in pictures.texts(root) if one.text in ("net0", "net1")]
    assert len(named) == 2
    assert not [one for one in named if one.top < level < one.bottom and begin < one.right and one.left < across]
    assert not [one for one in named if one.left < across < one.right]


def test_a_name_finds_another_side_or_stays_out() -> None:
    within = Area(0, 0, 200, 100)
    alone = placed([Spot(50, 50, 4, 60)], 14, within)
    assert alone[0] is not None
    assert alone[0].area.left == 58
    both = placed([Spot(90, 50, 4, 60), Spot(120, 50, 4, 60)], 14, within)
    assert both[0] is not None
    assert both[0].area.right < 90
    assert placed([Spot(50, 50, 4, 300)], 14, within) == [None]


# --------------------------------------------------------------------------------- little, nothing, evil


@pytest.mark.parametrize("text", [
    "INPUT(3x8x8) -> RELU", "INPUT(3x8x8) -> POOL(2)", "INPUT(10) -> FC(2)", "INPUT(10) -> RELU", "INPUT(3x8x8)",
    "INPUT(3x1x1) -> CONV(1, 1)", "INPUT(3x64) -> CONV(4)", "INPUT(1x4x8x16) -> CONV(2, (1,3,5)) -> GAP -> FC(2)",
    "INPUT(3x8x8) -> DROPOUT", "INPUT(3x8x8) -> FLATTEN",
])
def test_small_networks_have_charts_or_a_remark(text: str) -> None:
    found = parse(text).summary()
    for chart in (*(layer_bars(found, figure, {}) for figure in FIGURES), live_chart(found), growth_chart(found),
                  roofline_chart(found), roofline_chart(found, RATES), roofline_chart(found, RATES, ())):
        assert pictures.texts(check(chart))


def test_what_is_not_there_is_said() -> None:
    found = parse("INPUT(3x8x8) -> RELU").summary()
    assert "No layer multiplies and accumulates." in layer_bars(found, "macs")
    assert "No layer's time is measured." in layer_bars(found, "time").replace("&#x27;", "'")
    assert "no training: " in live_chart(found)
    assert "no spatial axes" in growth_chart(parse("INPUT(10) -> FC(2)").summary())
    with pytest.raises(ValueError, match="figure must be one of params, macs, memory, time, not 'size'"):
        layer_bars(found, "size")


def test_layers_without_a_time_say_so() -> None:
    found = parse("INPUT(3x8x8) -> CONV(4) -> POOL(2)").summary()
    said = [one.text for one in pictures.texts(check(layer_bars(found, "time", {1: 2e-3})))]
    assert "2.00 ms" in said
    assert "not measured" in said


def test_huge_numbers_have_places() -> None:
    found = parse(f"INPUT({'9' * 60}x3x3) -> CONV({'9' * 60}) -> GAP -> FC(2)").summary()
    for chart in (*(layer_bars(found, figure) for figure in FIGURES), live_chart(found), growth_chart(found),
                  roofline_chart(found), roofline_chart(found, RATES)):
        check(chart)


def test_hostile_names_are_escaped() -> None:
    points = [Point(HOSTILE, 1, 2, False), Point(HOSTILE * 20, 2, 1, False), Point("", 3, 3, True)]
    run = runs("lenet")[0].replace(path=HOSTILE)
    for chart in (pareto_chart(points, HOSTILE, HOSTILE), curves([Series(HOSTILE, ((0, 1), (1, 2)))], HOSTILE, HOSTILE),
                  roofline_chart(summary("lenet"), RATES.replace(source=HOSTILE), [run])):
        root = check(chart)
        assert "script" not in {one.tag for one, _ in pictures.drawn(root)}


# ---------------------------------------------------------------------------------------------- curves


def test_curves_pass_through_their_points() -> None:
    points = tuple((float(step), 1 / (1 + step)) for step in range(20))
    root = check(curves([Series("loss", points, tuple((y * 0.9, y * 1.1) for _, y in points))], "epoch", "loss",
                        log_y=True))
    (line,) = pictures.of(root, "path", "line")
    ys = [y for _, y in pictures.path(line.get("d", ""))]
    logs = [log(y) for _, y in points]
    for y, value in zip(ys, logs, strict=True):
        assert (y - ys[0]) / (ys[-1] - ys[0]) == pytest.approx((value - logs[0]) / (logs[-1] - logs[0]), abs=1e-3)
    assert len(pictures.of(root, "path", "band")) == 1


def test_curves_leave_out_what_has_no_place() -> None:
    nan = float("nan")
    root = check(curves([Series("a", ((1, 0), (2, 1), (3, nan), (4, 2))), Series("b", ()), Series("c", ((1, 1),))],
                        "x", "y", log_y=True))
    (line,) = pictures.of(root, "path", "line")
    assert len(pictures.path(line.get("d", ""))) == 2
    assert len(pictures.of(root, "circle", "dot")) == 1
    assert "There is nothing to show." in curves([], "x", "y")
    assert "There is nothing to show." in curves([Series("a", ((1, nan),))], "x", "y")
    with pytest.raises(ValueError, match="at most 8"):
        curves([Series("a", ())] * 9, "x", "y")


@given(st.lists(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), max_size=5), max_size=8))
def test_curves_of_any_values(values: list[list[tuple[float, float]]]) -> None:
    check(curves([Series(f"series {place}", tuple(points)) for place, points in enumerate(values)], "x", "y"))
