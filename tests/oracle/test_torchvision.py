"""The zoo with the weights of torchvision's networks: the same outputs, and in training the same gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

import cnnspec
from cnnspec.layers.base import Shape

IMAGE = (3, 96, 80)
CLIP = (3, 8, 56, 48)
#: What runs every time: a small one of most families.
QUICK = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "mnasnet0_5",
    "mobilenet_v2", "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1",
    "lraspp_mobilenet_v3_large", "r2plus1d_18",
]
#: The convolutional networks of torchvision 0.28 for classification, segmentation and video.
NAMES = """
    alexnet convnext_base convnext_large convnext_small convnext_tiny densenet121 densenet161 densenet169 densenet201
    efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6
    efficientnet_b7 efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s googlenet inception_v3 mnasnet0_5
    mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_x_16gf regnet_x_1_6gf
    regnet_x_32gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf regnet_x_8gf regnet_y_128gf regnet_y_16gf
    regnet_y_1_6gf regnet_y_32gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf regnet_y_8gf resnet101 resnet152
    resnet18 resnet34 resnet50 resnext101_32x8d resnext101_64x4d resnext50_32x4d shufflenet_v2_x0_5
    shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 vgg11 vgg11_bn vgg13
    vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn wide_resnet101_2 wide_resnet50_2
    deeplabv3_mobilenet_v3_large deeplabv3_resnet101 deeplabv3_resnet50 fcn_resnet101 fcn_resnet50
    lraspp_mobilenet_v3_large
    mc3_18 r2plus1d_18 r3d_18 s3d
""".split()
#: Inputs other than `IMAGE`: what a window or a linear layer needs (`vgg16` is the book's, without an adaptive pool),
#: and clips of some frames.
INPUTS: dict[str, Shape] = {
    "inception_v3": (3, 299, 299), "vgg16": (3, 224, 224),
    "mc3_18": CLIP, "r2plus1d_18": CLIP, "r3d_18": CLIP, "s3d": (3, 16, 224, 224),
}
#: What torchvision needs to be told, so that it makes the published network and downloads nothing.
SETTINGS: dict[str, dict[str, object]] = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": True, "init_weights": False},
    "lraspp_mobilenet_v3_large": {"weights_backbone": None},
    **{name: {"weights_backbone": None, "aux_loss": True} for name in NAMES if name.startswith(("fcn", "deeplabv3"))},
}
EACH = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in NAMES]


def theirs(torchvision: Any, name: str) -> Any:
    """torchvision's network, its parameters per channel and its statistics such as training would have made them.

    As they start, a layer scale of a millionth would hide its block, and two normalisations could not be told apart.
    """
    import torch

    torch.manual_seed(0)
    module = torchvision.models.get_model(name, weights=None, **SETTINGS.get(name, {}))
    with torch.no_grad():
        for key, tensor in module.state_dict().items():
            if key.endswith("running_var") or (key.endswith("weight") and tensor.ndim == 1) or "layer_scale" in key:
                tensor.uniform_(0.5, 1.5)
            elif key.endswith(("running_mean", "bias")):
                tensor.normal_(0, 0.1)
    return module


def shape(name: str) -> Shape:
    return INPUTS.get(name, IMAGE)


def outputs(value: Any) -> Mapping[str, Any]:
    """What a network returns, by name; the only one is the main one."""
    return value if isinstance(value, Mapping) else {"out": value}


def difference(ours: Any, reference: Any) -> float:
    """The largest difference, relative to the largest value."""
    return float((ours - reference).abs().max() / reference.abs().max())


@pytest.mark.parametrize("name", EACH)
def test_with_its_weights_the_outputs_are_torchvisions(torchvision: Any, name: str) -> None:
    import torch

    reference = theirs(torchvision, name).eval()
    ours = cnnspec.load(name, input=shape(name)).to_torch(weights=reference.state_dict()).eval()
    x = torch.randn(1, *shape(name))
    with torch.inference_mode():
        expected, found = outputs(reference(x)), outputs(ours(x))
    assert list(found) == list(expected)
    for key, value in expected.items():
        assert value.isfinite().all()
        assert value.std() > 0
        assert difference(found[key], value) <= 1e-4, key


def fitted(name: str, state: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
    """The network's module on the meta device, and for each of its tensors the key of the one that fits."""
    import torch

    from cnnspec.runtime.build import build
    from cnnspec.runtime.weights import fit

    graph = cnnspec.load(name).graph
    with torch.device("meta"):
        module = build(graph)
    keys = {tensor.data_ptr(): key for key, tensor in state.items()}
    found = fit(graph, module, state)
    return module, {key: keys[tensor.data_ptr()] for key, tensor in found.items()}


@pytest.mark.parametrize("name", EACH)
def test_a_file_sorted_by_name_is_matched_alike(torchvision: Any, name: str) -> None:
    state = theirs(torchvision, name).state_dict()
    assert fitted(name, {key: state[key] for key in sorted(state)})[1] == fitted(name, state)[1]


@pytest.mark.parametrize("name", EACH)
def test_what_no_figure_shows_is_torchvisions_too(torchvision: Any, name: str) -> None:
    """The constants of normalisations, and the rates of dropout and drop-path."""
    reference = theirs(torchvision, name)
    module, keys = fitted(name, reference.state_dict())
    for key, source in keys.items():
        if key.endswith(("running_mean", "bias")):
            own = module.get_submodule(key.rpartition(".")[0])
            other = reference.get_submodule(source.rpartition(".")[0])
            assert getattr(own, "eps", None) == getattr(other, "eps", None), key
            assert getattr(own, "momentum", None) == pytest.approx(getattr(other, "momentum", None)), key
    rates, others = (Counter(round(part.p, 9) for part in of.modules() if getattr(part, "p", 0))
                     for of in (module, reference))
    assert rates <= others  # torchvision's has some that nothing runs: on blocks without a shortcut


@pytest.mark.parametrize("name", ["convnext_tiny", "densenet121", "mobilenet_v2", "resnet18", "shufflenet_v2_x0_5"])
def test_a_training_step_has_torchvisions_gradients_and_statistics(torchvision: Any, name: str) -> None:
    import torch

    from cnnspec.runtime.weights import fit

    net = cnnspec.load(name, input=shape(name))
    reference = theirs(torchvision, name).double()
    ours = net.to_torch(weights=reference.state_dict(), dtype=torch.float64)
    x = torch.randn(2, *shape(name), dtype=torch.float64)
    for network in (reference, ours):
        for module in network.modules():
            if hasattr(module, "p"):
                module.p = 0.0  # neither dropout nor drop-path
        network.train()
        torch.nn.functional.cross_entropy(network(x), torch.tensor([3, 141])).backward()
    gradients = {key: parameter.grad for key, parameter in reference.named_parameters()}
    fitted = fit(net.graph, ours, reference.state_dict() | gradients)
    for key, parameter in ours.named_parameters():
        assert difference(parameter.grad, fitted[key]) <= 1e-9, key
    for key, buffer in ours.named_buffers():
        assert torch.allclose(buffer, fitted[key], rtol=1e-12), key
