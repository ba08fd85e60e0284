"""The memory of a training step: published figures, peaks by hand, and CUDA's allocator."""

from __future__ import annotations

import pytest

import cnnspec
from cnnspec.analysis.allocator import MIB, reserved
from cnnspec.analysis.memory import Memory, Setting, inference
from cnnspec.analysis.training import training

#: Of torchvision 0.28's modules: float32, batch 8, 3x224x224, 1000 classes, int64 labels, SGD with momentum from its
#: second step on; counted from live storages at the boundaries of operators on a CPU with PyTorch 2.13. Resident; live
#: when the loss is computed (torchvision's VGG keeps 802,816 B more for a pooling to 7x7 that the paper has not); the
#: peak; the peak with each block rounded up to 512 B, as CUDA's allocator does.
FIGURES = {
    "resnet50": (107_257_992, 892_221_744, 940_329_936, 940_369_920),
    "vgg16": (558_247_136, 1_692_963_720, 2_219_048_488, 2_219_052_032),
    "densenet121": (37_067_944, 1_107_455_824, 1_114_702_320, 1_114_841_600),
}
MOMENTUM = {"resnet50": 102_228_128, "vgg16": 553_430_176, "densenet121": 31_915_424}
KIB = 1024  # 1x16x16 in float32


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_known_networks(name: str) -> None:
    graph = cnnspec.load(name).graph
    resident, loss, peak, rounded = FIGURES[name]
    told = training(graph, Setting(8))
    state = MOMENTUM[name]  # the figure of what is resident leaves out the optimiser's state
    assert told.resident - state == resident
    forward = [moment.live for moment in told.timeline if moment.phase == "forward"]
    assert forward[-1] + 8 * 1000 * 4 + 4 + 4 == loss  # log-probabilities, the loss, the weight of its mean
    assert told.peak == peak
    assert training(graph, Setting(8, device="cuda")).peak == rounded


def test_a_step_by_hand() -> None:
    """SCALE keeps its input, which is the caller's; SIGMOID its output, which the caller holds, too."""
    told = training(cnnspec.parse("INPUT(1x16x16) -> SCALE -> SIGMOID").graph, Setting(1))
    resident = KIB + 8 * 256 + 4 + 4  # input, labels of 16x16 places, the gain and its momentum
    logits = resident + KIB  # SCALE's output is read by SIGMOID alone
    losses = KIB + 4 + 4  # log-probabilities, the loss, the weight of its mean
    forward, loss = [moment.live for moment in told.timeline[:2]], told.timeline[2]
    assert told.resident == resident
    assert forward == [logits, logits]
    # two gradients of the logits, one after the other: of the log-probabilities, then through them
    assert (loss.phase, loss.peak, loss.live) == ("loss", logits + losses + 4 - 4 + 2 * KIB, logits + 4 + 4 + KIB)
    # SIGMOID's gradient stands beside that of its input; then SCALE's product beside the sum of it
    assert [(moment.phase, moment.peak) for moment in told.timeline[3:5]] == [
        ("backward", logits + 8 + 2 * KIB), ("backward", logits + 8 + KIB + KIB + 4)]


def test_what_is_kept_and_for_whom() -> None:
    graph = cnnspec.parse("INPUT(3x8x8) -> CONV(4, 3) -> BN -> RELU -> POOL(2) -> FC(2)").graph
    kept = [(graph.nodes[one.node].op.layer.keyword, one.kind, one.bytes,
             [graph.nodes[index].op.layer.keyword for index in one.needed_by])
            for one in training(graph, Setting(2)).saved]
    whole, pooled = 2 * 4 * 64 * 4, 2 * 4 * 16 * 4
    assert kept == [
        ("CONV", "value", whole, ["BN"]),
        ("BN", "statistics", 32, ["BN"]),
        ("BN", "value", whole, ["RELU", "POOL"]),
        ("POOL", "indices", 2 * pooled, ["POOL"]),
        ("POOL", "value", pooled, ["FC"]),
    ]


def test_what_no_gradient_reaches_is_not_kept() -> None:
    """Before the first weights that are trained, nothing is."""
    graph = cnnspec.parse("INPUT(3x8x8) -> CONV(4, 3, train=off) -> SIGMOID -> FC(2)").graph
    assert [(one.node, one.needed_by) for one in training(graph, Setting(1)).saved] == [(2, (3,))]


@pytest.mark.parametrize(("optimizer", "copies"), [("sgd", 0), ("momentum", 1), ("adam", 2), ("adamw", 2)])
def test_the_optimisers_keep_copies_of_the_weights(optimizer: str, copies: int) -> None:
    graph = cnnspec.load("lenet").graph
    split = training(graph, Setting(1, device="cuda"), optimizer).split
    assert split.get("optimizer", 0) == copies * split["parameters"]


def test_the_peak_grows_with_the_batch_alone() -> None:
    graph = cnnspec.load("resnet18").graph
    one, two, four = (training(graph, Setting(batch)).peak for batch in (1, 2, 4))
    assert four - two == 2 * (two - one)


def test_the_split_is_the_whole_peak() -> None:
    graph = cnnspec.load("googlenet_aux").graph
    for device in ("cpu", "cuda"):
        for told in (training(graph, Setting(2, device=device)), inference(graph, Setting(2, device=device))):
            assert sum(told.split.values()) == told.peak == max(moment.peak for moment in told.timeline)


def test_a_step_ends_with_what_stays() -> None:
    """Weights, state, inputs, labels, gradients, the outputs and the loss."""
    told: Memory = training(cnnspec.load("resnet18").graph, Setting(2))
    gradients = 11_689_512 * 4
    assert told.timeline[-1].live == told.resident + gradients + 2 * 1000 * 4 + 4


@pytest.mark.parametrize(("sizes", "segments"), [
    ([512], 2 * MIB),
    ([MIB], 2 * MIB),
    ([MIB, MIB], 2 * MIB),
    ([MIB, MIB, 512], 4 * MIB),
    ([MIB + 512], 20 * MIB),
    ([9 * MIB, 9 * MIB], 20 * MIB),
    ([9 * MIB, 9 * MIB, 3 * MIB], 40 * MIB),
    ([10 * MIB], 10 * MIB),
    ([11 * MIB], 12 * MIB),
    ([512, 5 * MIB], 22 * MIB),
])
def test_segments(sizes: list[int], segments: int) -> None:
    assert reserved(list(enumerate(sizes))) == segments


def test_what_is_given_back_is_used_again() -> None:
    assert reserved([(0, 12 * MIB), (0, -12 * MIB), (1, 12 * MIB)]) == 12 * MIB
    assert reserved([(0, 12 * MIB), (0, -12 * MIB), (1, 5 * MIB), (2, 7 * MIB)]) == 12 * MIB
    assert reserved([(0, 9 * MIB), (1, 9 * MIB), (0, -9 * MIB), (1, -9 * MIB), (2, 20 * MIB)]) == 20 * MIB


def test_a_rest_of_a_large_block_of_at_most_one_mib_goes_with_it() -> None:
    """The rest of 1 MiB stays with the first block, so that a second request of 1 MiB + 512 B needs a new segment."""
    assert reserved([(0, 19 * MIB), (1, MIB + 512)]) == 20 * MIB + 20 * MIB
