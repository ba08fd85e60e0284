"""The module of a network: names, outputs, modes, memory formats, dtypes, copies, compilation, gradients."""

from __future__ import annotations

import pickle
import sys
from copy import deepcopy
from typing import Any

import pytest

import cnnspec
from tests.layers.oracle import needs_torch

pytestmark = needs_torch

RESIDUAL = """
block conv_bn(c, k = 3) = CONV(c, k, bias=off) -> BN
block basic = ADD{ conv_bn(C) -> RELU -> conv_bn(C) | ID } -> RELU
net small = INPUT(3x8x8) -> CONV(4) as stem -> [basic]*2 -> GAP -> FC(5)
"""
HEADS = """
net heads =
    INPUT(3x8x8) -> CONV(4) as stem -> RELU
    -> OUTPUT(features)
    -> CONV(6) -> GAP -> FC(5) as scores
    ; @stem -> GAP -> FC(2) as helper -> OUTPUT(aux[1], train_only=on)
    ; @scores
"""
TWO = """
net two =
    INPUT(3x8x8) as left ; INPUT(1x4x4) as right
    ; CONCAT{ @left -> POOL(2) | @right } -> CONV(2)
"""


def zeros(net: cnnspec.Net, images: int = 2) -> list[Any]:
    import torch

    torch.manual_seed(0)
    return [torch.randn(images, *shape) for shape in net.summary().inputs.values()]


def test_parameters_bear_the_paths() -> None:
    net = cnnspec.parse(RESIDUAL)
    module = net.to_torch()
    assert [name for name, _ in module.named_parameters()][:4] == [
        "stem.weight", "stem.bias", "basic.0.conv_bn.0.conv.weight", "basic.0.conv_bn.0.bn.weight"]
    dotted = {layer.path.replace("[", ".").replace("]", "") for layer in net.layers if layer.params or layer.buffers}
    assert {name.rpartition(".")[0] for name in module.state_dict()} == dotted


def test_its_code_is_a_line_for_each_layer_and_frees_values() -> None:
    net = cnnspec.parse("INPUT(3x8x8) -> CONV(4) -> SILU -> GAP -> FC(5)")
    module = net.to_torch()
    assert [line.strip() for line in module.code.splitlines() if "=" in line] == [
        "input_1 = input",
        "conv = self.conv(input_1);  input_1 = None",
        "silu = self.silu(conv);  conv = None",
        "gap = self.gap(silu);  silu = None",
        "fc = self.fc(gap);  gap = None",
    ]
    assert len(module.graph.nodes) == len(net.layers) + 1  # the output


def test_one_output_comes_alone() -> None:
    net = cnnspec.parse(RESIDUAL)
    assert net.to_torch()(*zeros(net)).shape == (2, 5)


def test_further_outputs_make_a_dictionary_the_main_one_first() -> None:
    net = cnnspec.parse(HEADS)
    module = net.to_torch()
    training, evaluation = module.train()(*zeros(net)), module.eval()(*zeros(net))
    assert {name: tuple(value.shape) for name, value in training.items()} == {
        "out": (2, 5), "features": (2, 4, 8, 8), "aux[1]": (2, 2)}
    assert list(training) == ["out", "features", "aux[1]"]
    assert list(evaluation) == ["out", "features"]
    assert list(module.train()(*zeros(net))) == ["out", "features", "aux[1]"]


def test_a_head_that_only_trains_keeps_its_weights_in_evaluation() -> None:
    module = cnnspec.parse(HEADS).to_torch()
    trained = list(module.state_dict())
    assert list(module.eval().state_dict()) == trained
    assert "helper.weight" in trained


def test_a_name_that_the_main_output_would_bear_is_left_to_the_spec() -> None:
    net = cnnspec.parse("INPUT(3x8x8) -> CONV(4) -> OUTPUT(out) -> GAP -> FC(5)")
    assert {name: value.shape[1] for name, value in net.to_torch()(*zeros(net)).items()} == {"output": 5, "out": 4}


def test_inputs_come_in_the_order_of_the_spec() -> None:
    net = cnnspec.parse(TWO)
    assert net.to_torch()(*zeros(net)).shape == (2, 2, 4, 4)
    left, right = zeros(net)
    assert net.to_torch()(left=left, right=right).shape == (2, 2, 4, 4)


@pytest.mark.parametrize("word", ["train", "forward", "class", "lambda", "weight", "code", "graph", "training", "type"])
def test_names_that_python_or_torch_use_themselves(word: str) -> None:
    if word in {"class", "lambda", "code", "graph"}:
        net = cnnspec.parse(f"block {word}(c) = CONV(c) -> BN\nnet n = INPUT(3x8x8) -> {word}(4) -> {word}(2)")
    else:
        net = cnnspec.parse(f"net n = INPUT(3x8x8) -> CONV(4) as {word} -> RELU")
    module = net.to_torch()
    assert module.train().eval()(*zeros(net)).shape[0] == 2
    assert set(module.state_dict()) == set(net.to_torch().state_dict())


def test_a_layer_and_a_block_may_share_a_prefix() -> None:
    net = cnnspec.parse("block p = CONV(4) -> RELU\nnet n = INPUT(3x8x8) -> CONV(4) as p[0] -> p -> p")
    assert net.to_torch()(*zeros(net)).shape == (2, 4, 8, 8)
    assert len(net.to_torch().state_dict()) == 6


@pytest.mark.parametrize("text", [RESIDUAL, HEADS, TWO])
@pytest.mark.parametrize("mode", [True, False])
def test_copies_compute_the_same(text: str, mode: bool) -> None:
    import torch

    net = cnnspec.parse(text)
    module = net.to_torch().train(mode)
    for copy in (deepcopy(module), pickle.loads(pickle.dumps(module))):  # noqa: S301  # our own bytes
        assert copy.training is mode
        for inputs in (zeros(net), zeros(net, 3)):
            torch.testing.assert_close(deepcopy(module)(*inputs), copy(*inputs))
        with torch.no_grad():
            next(copy.parameters()).fill_(7)
        assert not torch.equal(next(copy.parameters()), next(module.parameters()))
    if text is HEADS:
        for copy in (deepcopy(module), pickle.loads(pickle.dumps(module))):  # noqa: S301  # our own bytes
            assert len(copy.train()(*zeros(net))) == 3
            assert len(copy.eval()(*zeros(net))) == 2


def test_channels_last_goes_through() -> None:
    import torch

    net = cnnspec.parse("INPUT(3x8x8) -> CONV(4) -> BN -> RELU -> POOL(2)")
    module = net.to_torch().eval().to(memory_format=torch.channels_last)
    (value,) = zeros(net)
    made = module(value.to(memory_format=torch.channels_last))
    assert made.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(made, module.to(memory_format=torch.contiguous_format)(value))


def test_dtype_and_device_are_as_asked() -> None:
    import torch

    net = cnnspec.parse(RESIDUAL)
    module = net.to_torch(dtype=torch.bfloat16)
    assert {tensor.dtype for tensor in module.parameters()} == {torch.bfloat16}
    assert module(*(value.bfloat16() for value in zeros(net))).dtype == torch.bfloat16
    assert {tensor.device.type for tensor in net.to_torch(device="meta").state_dict().values()} == {"meta"}


def test_an_input_may_have_other_extents_where_the_layers_allow() -> None:
    import torch

    assert cnnspec.parse(RESIDUAL).to_torch()(torch.zeros(2, 3, 31, 17)).shape == (2, 5)


def test_gradients_are_those_of_a_module_that_writes_nothing_over() -> None:
    import torch

    net = cnnspec.parse("""
        INPUT(3x8x8) -> CONV(4) -> SIGMOID -> RELU -> CONV(4) -> BN -> RELU as a
        -> ADD{ CONV(C) -> RELU6 | ID } -> ADD{ ID | BIAS | MAX{ CONV(C) | TANH | ID } } -> RELU
        -> MEAN{ MUL{ ID | CONV(C) | GAP -> CONV(C, 1) -> SIGMOID } -> RELU | ID } -> ADD{ ID | @a } -> GAP -> FC(3)""")
    module = net.to_torch()
    plain = deepcopy(module)
    for part in plain.modules():
        if hasattr(part, "inplace"):
            part.inplace = False
    for node in plain.graph.nodes:
        for name, instead in (("iadd", "add"), ("add_", "add")):
            if node.op == "call_function" and node.target.__name__ == name:
                node.target = getattr(sys.modules[node.target.__module__], instead)
    plain.recompile()
    assert "+=" in module.code
    assert "+=" not in plain.code
    (value,) = zeros(net)
    for each in (module, plain):
        each(value).square().sum().backward()
    for (name, ours), theirs in zip(module.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, msg=name)


def test_dropped_paths_are_whole_images_and_scaled_up() -> None:
    import torch

    module = cnnspec.parse("INPUT(2x3) -> DROPPATH(0.25)").to_torch()
    torch.manual_seed(0)
    made = module(torch.ones(4000, 2, 3))
    assert {tuple(image.flatten().tolist()) for image in made} == {(0.0,) * 6, (float(torch.tensor(1 / 0.75)),) * 6}
    assert made.mean().item() == pytest.approx(1, abs=0.05)
    assert torch.equal(module.eval()(torch.ones(3, 2, 3)), torch.ones(3, 2, 3))


def test_everything_may_be_dropped() -> None:
    import torch

    module = cnnspec.parse("INPUT(2x3) -> DROPPATH(1)").to_torch()
    assert module(torch.ones(3, 2, 3)).sum() == 0


def test_fixed_weights_are_buffers_and_do_not_learn() -> None:
    net = cnnspec.parse("INPUT(3x8x8) -> CONV(4, train=off) -> BN(train=off) -> CONV(2)")
    module = net.to_torch()
    assert [name for name, _ in module.named_parameters()] == ["conv.1.weight", "conv.1.bias"]
    before = {name: tensor.clone() for name, tensor in module.named_buffers()}
    module(*zeros(net)).sum().backward()
    assert before.keys() == {"conv.0.weight", "conv.0.bias", "bn.weight", "bn.bias", "bn.running_mean",
                             "bn.running_var"}
    assert all((before[name] == tensor).all() for name, tensor in module.named_buffers())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet", "resnet18", "mobilenet_v2", "googlenet_aux", "unet", "wavenet"])
def test_it_compiles_and_computes_the_same(name: str) -> None:
    import torch

    net = cnnspec.load(name)
    module = net.to_torch().eval()
    inputs = zeros(net, 1)
    with torch.no_grad():
        torch.testing.assert_close(torch.compile(module, backend="aot_eager")(*inputs), module(*inputs))
