"""Predicted times: of made-up devices whose times are known, and rooflines worked out by hand."""

from __future__ import annotations

from math import exp, log, sqrt

import pytest

import cnnspec
from cnnspec.analysis.datasheets import DATASHEETS, find
from cnnspec.analysis.devices import Anchor, DeviceProfile
from cnnspec.analysis.prediction import BOUND, CALIBRATED, COMPUTE, LAUNCH, MEMORY, predict
from cnnspec.analysis.regression import Efficiency, Regression, mean_near
from cnnspec.analysis.tasks import Task, features, task
from cnnspec.environment import NoDevice
from tests.analysis.devices import device, steady

VGG = "INPUT(64x56x56) -> CONV(128, 3, pad=1)"


def first(spec: str, batch: int = 1, element: int = 4) -> Task:
    """The task of the first layer behind the input."""
    return task(cnnspec.parse(spec).graph.nodes[1].op, batch, element)


def test_a_task_has_the_facts_of_its_layer() -> None:
    macs = 2 * 56 * 56 * 128 * 64 * 9
    moved = (64 * 56 * 56 + 128 * 56 * 56) * 2 * 4 + (128 * 64 * 9 + 128) * 4
    kinds = ("windowed", "dense", "convolution")
    assert first(VGG, batch=2) == Task(kinds, 2, 56 * 56, 128, 1, 64 * 9, 1.0, macs, moved)


@pytest.mark.parametrize(("spec", "kinds", "groups"), [
    ("INPUT(3x8x8) -> CONV(4, 1)", ("stem", "dense", "convolution"), 1),
    ("INPUT(8x8x8) -> CONV(4, 1)", ("pointwise", "dense", "convolution"), 1),
    ("INPUT(8x8x8) -> CONV(4, (1, 3))", ("windowed", "dense", "convolution"), 1),
    ("INPUT(8x8x8) -> CONV(4, groups=2)", ("blockwise", "grouped", "convolution"), 2),
    ("INPUT(8x8x8) -> DWCONV", ("depthwise", "grouped", "convolution"), 8),
    ("INPUT(8x8x8) -> UPCONV(4)", ("transposed", "convolution"), 1),
    ("INPUT(8) -> FC(4)", ("linear", "dense", "convolution"), 1),
    ("INPUT(8x8x8) -> POOL(2, kind=avg)", ("POOL avg", "POOL", "moving"), 1),
    ("INPUT(8x8x8) -> TANH", ("TANH", "moving"), 1),
    ("INPUT(8x8x8) -> FLATTEN", (), 1),
])
def test_every_layer_is_of_a_kind(spec: str, kinds: tuple[str, ...], groups: int) -> None:
    found = first(spec)
    assert (found.kinds, found.groups) == (kinds, groups)


def test_bandwidth_lies_on_a_line_of_logarithms_between_two_sizes() -> None:
    profile = steady(copies=((100, 1e9), (10_000, 4e9)))
    assert [profile.bandwidth(size) for size in (1, 100, 10_000, 1 << 30)] == [1e9, 1e9, 4e9, 4e9]
    assert profile.bandwidth(1000) == pytest.approx(2e9)


def test_a_device_of_one_efficiency_is_predicted_exactly() -> None:
    profile = steady(0.25)
    summary = cnnspec.load("resnet50").summary()
    found = predict(summary, profile)
    wanted = sum(4 * profile.ideal(task(layer.node.op, 1, 4)) for layer in summary.layers if layer.node.inputs)
    views = sum(4 * profile.ideal(task(layer.node.op, 1, 4)) - profile.launch
                for layer in summary.layers if layer.node.inputs and not task(layer.node.op, 1, 4).kinds)
    assert found.seconds == pytest.approx(wanted - views, rel=1e-6)
    assert found.basis == CALIBRATED
    assert found.low == pytest.approx(found.seconds)
    assert found.high == pytest.approx(found.seconds)
    assert found.unmeasured == ()


def test_near_points_count_more_than_far_ones() -> None:
    near, far = Efficiency((0.0, 0.0), 1.0), Efficiency((3.0, 0.0), -1.0)
    assert mean_near((0.0, 0.0), [near, far]) == pytest.approx(1.0, abs=1e-5)
    assert mean_near((1.5, 0.0), [near, far]) == pytest.approx(0.0)
    assert mean_near((1.0, 0.0), [near, far]) > 0.8


def test_a_measured_layer_is_predicted_as_it_was_measured() -> None:
    profile = device(lambda profile, one: 1e-3 if "stem" in one.kinds else profile.ideal(one))
    one = profile.points[-1]
    new = one.task.replace(kinds=("new",))
    changed = profile.replace(points=(*profile.points, one.replace(task=new, seconds=1e-3)))
    assert Regression(changed).guess(new).seconds == pytest.approx(1e-3)
    stem = first("INPUT(3x64x64) -> CONV(16)")
    assert Regression(profile).guess(stem).seconds == pytest.approx(1e-3, rel=0.01)


def test_a_kind_that_was_not_measured_is_judged_by_the_next_general_one() -> None:
    regression = Regression(steady())
    assert regression.guess(first("INPUT(8x8x8) -> FC(4)")).kind == "linear"
    assert regression.guess(first("INPUT(8x8x8) -> TANH")).kind == "moving"
    assert regression.guess(first("INPUT(8x8x8) -> POOL(2, kind=avg)")).kind == "POOL"


def test_without_points_of_any_kind_the_ideal_time_stands_and_is_said() -> None:
    profile = steady(spec="INPUT(8x8x8) -> CONV(4, 3)")
    found = predict(cnnspec.parse("INPUT(8x8x8) -> CONV(4, 3) -> TANH").summary(), profile)
    assert found.unmeasured == ("TANH",)
    assert found.layers[1].cost.seconds == profile.ideal(first("INPUT(4x8x8) -> TANH"))
    assert found.layers[1].high == pytest.approx(4 * found.layers[1].cost.seconds)


def test_between_two_layers_the_gap_goes_by() -> None:
    plain, late = (predict(cnnspec.load("lenet").summary(), steady(gap=gap)) for gap in (0.0, 1e-3))
    moving = [layer for layer in plain.layers if layer.cost.kind != "view"]
    assert late.seconds == pytest.approx(plain.seconds + len(moving) * 1e-3)


def test_a_view_takes_a_call_and_nothing_is_faster_than_its_launch() -> None:
    profile = steady(launch=1.0)
    found = predict(cnnspec.parse("INPUT(8x8x8) -> FLATTEN -> FC(4)").summary(), profile)
    assert [(layer.cost.seconds, layer.cost.bound) for layer in found.layers] == [(1.0, LAUNCH), (1.0, LAUNCH)]


@pytest.mark.parametrize(("spec", "bound"), [
    ("INPUT(512x56x56) -> CONV(512, 3)", COMPUTE), ("INPUT(512x56x56) -> RELU", MEMORY),
    ("INPUT(4x2x2) -> RELU", LAUNCH),
])
def test_a_layer_is_bound_by_the_longest_of_three(spec: str, bound: str) -> None:
    assert predict(cnnspec.parse(spec).summary(), steady()).layers[0].cost.bound == bound


def test_anchors_scale_the_whole_by_the_geometric_mean_of_what_they_took() -> None:
    anchors = (Anchor("a", 1.0, 2.0), Anchor("b", 1.0, 8.0))
    plain, scaled = (predict(cnnspec.load("lenet").summary(), steady(anchors=given)) for given in ((), anchors))
    assert scaled.seconds == pytest.approx(4 * plain.seconds)
    assert scaled.high == pytest.approx(scaled.seconds * exp(2 * log(2)))


def test_layers_that_are_alike_err_together_and_others_independently() -> None:
    """Points of one kind, whose efficiencies are half and twice: the spread of each is log 4 from the other."""
    def seconds(profile: DeviceProfile, one: Task) -> float:
        return profile.ideal(one) * (2.0 if one.channels == 8 else 0.5)

    profile = device(seconds, "INPUT(8x64x64) -> CONV(8, 3, pad=1) -> CONV(4096, 3, pad=1)")
    alike = predict(cnnspec.parse("INPUT(8x64x64) -> [CONV(8, 3, pad=1)]*4").summary(), profile)
    assert alike.high is not None
    assert log(alike.high / alike.seconds) == pytest.approx(2 * log(4), rel=1e-3)
    two = cnnspec.parse("INPUT(8x64x64) -> CONV(8, 3, pad=1) -> UPCONV(8, 3, stride=1, pad=1)")
    apart = predict(two.summary(), profile)
    shares = [layer.cost.seconds / apart.seconds * layer.cost.spread for layer in apart.layers if layer.cost.spread]
    assert apart.high is not None
    assert log(apart.high / apart.seconds) == pytest.approx(2 * sqrt(sum(share**2 for share in shares)))


def test_layers_that_only_train_take_nothing() -> None:
    trained = cnnspec.load("googlenet_aux")
    found = predict(trained.summary(), steady())
    assert {layer.path for layer in found.layers} < {layer.path for layer in trained.layers}
    assert found.seconds == pytest.approx(predict(cnnspec.load("googlenet").summary(), steady()).seconds)


# ---------------------------------------------------------------------------------------------- rooflines


def test_the_roofline_of_a_convolution_is_its_arithmetic_at_the_peak() -> None:
    sheet = find("h100")
    assert sheet is not None
    found = predict(cnnspec.parse(VGG).summary(batch=64), sheet)
    assert found.seconds == pytest.approx(2 * 64 * 56 * 56 * 128 * 64 * 9 / 67e12)
    assert (found.basis, found.low, found.high) == (BOUND, found.seconds, None)
    assert found.images_per_second == pytest.approx(64 / found.seconds)
    assert found.layers[0].cost.bound == COMPUTE


def test_the_roofline_of_an_activation_is_its_traffic_at_full_bandwidth() -> None:
    sheet = find("A100 80")
    assert sheet is not None
    found = predict(cnnspec.parse("INPUT(64x56x56) -> RELU").summary(dtype="float16"), sheet)
    assert found.seconds == pytest.approx(2 * 64 * 56 * 56 * 2 / 2039e9)
    assert found.layers[0].cost.bound == MEMORY


@pytest.mark.parametrize("name", ["h100", "H100 SXM", "NVIDIA H100 SXM", "h100-sxm", "H100SXM"])
def test_names_of_the_table_are_read_generously(name: str) -> None:
    found = find(name)
    assert found is not None
    assert found.title == "NVIDIA H100 SXM"


def test_names_of_the_table_are_each_for_one_device() -> None:
    names = [name for sheet in DATASHEETS for name in (sheet.name, *sheet.aliases)]
    assert len(set(names)) == len(names)
    assert find("h") is None


def test_a_dtype_that_a_datasheet_lacks_is_said() -> None:
    sheet = find("v100")
    assert sheet is not None
    with pytest.raises(NoDevice, match="the datasheet of the NVIDIA V100 SXM2 gives no peak for bfloat16"):
        predict(cnnspec.load("lenet").summary(dtype="bfloat16"), sheet)


def test_a_dtype_that_a_profile_lacks_is_said() -> None:
    with pytest.raises(NoDevice, match="this profile of Abacus 3 is for float32, not float16"):
        predict(cnnspec.load("lenet").summary(dtype="float16"), steady())


def test_features_are_logarithms_of_extents() -> None:
    assert features(first(VGG, batch=2)) == pytest.approx((log(2), log(56 * 56), log(128), log(576), 0, 0))
