"""The inference peak against a plain simulation of every allocation, and by hand."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cnnspec
from cnnspec.analysis.memory import DTYPES
from cnnspec.analysis.summary import LayerSummary, Summary
from tests.analysis.networks import built, chains


class Simulation:
    """Runs a network's allocations one layer after the other, looking ahead at every step for what is still read."""

    def __init__(self, summary: Summary) -> None:
        self.layers = [layer for layer in summary.layers if layer.runs]
        graph = summary.graph
        self.held = {*graph.inputs.values(), graph.output, *(output.node for output in graph.outputs)}
        #: The layer in whose memory each value lies, and the memory of which autograd keeps something.
        self.home: dict[int, int] = {}
        self.saved: set[int] = set()

    def is_read_after(self, home: int, layer: LayerSummary) -> bool:
        """Whether anything in this memory is read after a layer, or belongs to the caller."""
        here = {value for value, memory in self.home.items() if memory == home}
        return bool(here & self.held) or any(here & set(later.node.inputs) for later in self.layers
                                             if later.index > layer.index)

    def place(self, layer: LayerSummary) -> int:
        """The memory that a layer writes to."""
        inputs, storage = layer.node.inputs, layer.node.op.storage
        if inputs and storage == "view":
            return self.home[inputs[0]]
        if inputs and storage == "in place" and inputs.count(inputs[0]) == 1:
            first = self.home[inputs[0]]
            kept = self.is_read_after(first, layer) or first in self.saved
            if not kept and elements(self.layer(inputs[0])) == elements(layer):
                return first
        return layer.index

    def layer(self, index: int) -> LayerSummary:
        return next(layer for layer in self.layers if layer.index == index)

    def peak(self, batch: int, element: int) -> int:
        """The most bytes at once, beside weights and buffers."""
        most = 0
        inputs = {layer.index for layer in self.layers if not layer.node.inputs}
        self.home = {index: index for index in inputs}
        live = set(inputs)
        for layer in self.layers:
            if layer.node.inputs:
                self.home[layer.index] = self.place(layer)
                saved = layer.node.op.saved
                values = [layer.node.inputs[i] for i in saved.inputs] + [layer.index] * saved.output
                self.saved |= {self.home[value] for value in values}
                live.add(self.home[layer.index])
                sizes = sum(elements(self.layer(memory)) for memory in live) * batch * element
                most = max(most, sizes + scratch_bytes(layer, batch, element))
                live = inputs | {memory for memory in live if self.is_read_after(memory, layer)}
        return most


def scratch_bytes(layer: LayerSummary, batch: int, element: int) -> int:
    """What lives only while a layer runs."""
    scratch = layer.node.op.scratch
    always = (scratch.elements * element + scratch.bytes) * batch + scratch.shared * element
    return always + max(scratch.before * element - elements(layer) * batch * element, 0)


def elements(layer: LayerSummary) -> int:
    count = 1
    for extent in layer.output_shape:
        count *= extent
    return count


def agrees(net: cnnspec.Net, batch: int, dtype: str) -> None:
    summary = net.summary(batch, dtype)
    resident = summary.totals.weight_bytes + summary.totals.buffer_bytes
    assert summary.totals.inference_peak_bytes == resident + Simulation(summary).peak(batch, DTYPES[dtype])


@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(chains(axes=1).map(built).filter(bool), st.integers(1, 8), st.sampled_from(sorted(DTYPES)))
def test_the_peak_is_that_of_a_simulation(net: cnnspec.Net, batch: int, dtype: str) -> None:
    agrees(net, batch, dtype)


@pytest.mark.parametrize("name", [
    "resnet18", "densenet121", "googlenet_aux", "mobilenet_v2", "unet", "wavenet", "vgg11"])
def test_the_peak_of_a_known_network_is_that_of_a_simulation(name: str) -> None:
    agrees(cnnspec.load(name), 1, "float32")


KIB = 1024  # 1x16x16 in float32


@pytest.mark.parametrize(("text", "peak", "at"), [
    ("INPUT(1x16x16) -> SIGMOID", 2 * KIB, "sigmoid"),
    ("INPUT(1x16x16) -> SIGMOID -> TANH -> SIGMOID", 3 * KIB, "tanh"),  # the input stays, the oldest goes
    ("INPUT(1x16x16) -> SIGMOID -> RELU -> RELU", 3 * KIB, "relu[0]"),  # autograd keeps what SIGMOID makes
    ("INPUT(1x16x16) -> SILU -> RELU -> SILU", 3 * KIB, "silu[1]"),  # overwritten
    ("INPUT(1x16x16) -> RELU -> SIGMOID", 3 * KIB, "sigmoid"),  # the caller's input is not overwritten
    ("INPUT(1x16x16) -> DROPOUT -> FLATTEN -> SIGMOID", 2 * KIB, "sigmoid"),  # views
    ("INPUT(1x16x16) -> POOL(2)", KIB + KIB // 4 + KIB // 2, "pool"),  # int64 indices while it runs
    ("INPUT(1x16x16) -> POOL(avg, 2)", KIB + KIB // 4, "pool"),
    ("INPUT(1x16x16) -> BIAS -> ADD{ ID | BIAS }", 3 * KIB + 2 * 4, "bias[1]"),  # in place of the first branch
    ("INPUT(1x16x16) -> SIGMOID -> ADD{ ID | TANH }", 4 * KIB, "add"),  # autograd keeps what SIGMOID makes
    ("INPUT(1x16x16) -> SIGMOID -> MUL{ ID | TANH }", 4 * KIB, "mul"),
    ("INPUT(1x16x16) -> SIGMOID -> OUTPUT(a) -> TANH -> SIGMOID", 4 * KIB, "sigmoid[1]"),  # outputs stay
    ("INPUT(1x16x16) -> BN", 2 * KIB + 2 * 4 + 2 * 4 + 8, "bn"),  # weights, statistics, an int64 counter
])
def test_peaks_by_hand(text: str, peak: int, at: str) -> None:
    totals = cnnspec.parse(text).summary().totals
    assert (totals.inference_peak_bytes, totals.inference_peak_at) == (peak, at)


def test_what_only_training_runs_takes_no_memory_but_its_weights() -> None:
    with_heads, without = (cnnspec.load(name).summary(batch=8).totals for name in ("googlenet_aux", "googlenet"))
    weights = with_heads.weight_bytes + with_heads.buffer_bytes - without.weight_bytes - without.buffer_bytes
    assert with_heads.inference_peak_bytes == without.inference_peak_bytes + weights


def test_indices_and_counters_keep_their_eight_bytes_in_every_type() -> None:
    net = cnnspec.parse("INPUT(1x16x16) -> BN -> POOL(2)")
    half, double = net.summary(2, "float16").totals, net.summary(2, "float64").totals
    indices = 2 * 8 * 64
    assert half.inference_peak_bytes == 2 * (2 + 2) + 8 + 2 * 2 * (256 + 256) + 2 * 2 * 64 + indices
    assert double.inference_peak_bytes == 8 * (2 + 2) + 8 + 2 * 8 * (256 + 256) + 2 * 8 * 64 + indices
