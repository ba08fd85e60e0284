"""How weights start: each scheme against torchvision's fresh modules, a layer's own `init`, what goes wrong."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import cnnspec
from cnnspec.diagnostics import Diagnostic
from tests.layers.oracle import needs_torch

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = needs_torch

ROOT = Path(__file__).parents[2]
#: Nets of the zoo that start as torchvision's do, and what torchvision needs to be told for the same layers.
NETS: dict[str, dict[str, object]] = {
    "alexnet": {}, "vgg11_bn": {}, "resnet18": {}, "resnext50_32x4d": {}, "densenet121": {},
    "googlenet": {"init_weights": True, "aux_logits": True}, "inception_v3": {"init_weights": True},
    "squeezenet1_1": {}, "shufflenet_v2_x0_5": {}, "mobilenet_v2": {}, "mobilenet_v3_small": {}, "mnasnet1_0": {},
    "efficientnet_b0": {}, "efficientnet_v2_s": {}, "regnet_x_400mf": {}, "convnext_tiny": {},
}
SET = {"googlenet": {"aux": True}}
#: Schemes whose rules are held against the layers of torchvision's own modules.
MODULES = {"default": "s3d", "r3d": "r3d_18"}
#: With fewer elements, a deviation says little.
MANY = 100


def alike(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two tensors hold the same constant, or might be drawn from one distribution around 0."""
    if bool(theirs.min() == theirs.max()) or bool(ours.min() == ours.max()):
        return bool((ours == theirs).all())
    if theirs.numel() < MANY:
        return True
    spread, expected = (float(tensor.square().mean().sqrt()) for tensor in (ours, theirs))
    # a deviation from n elements is known to 1/√(2n) of itself, two from each other to 1/√n
    close = abs(spread / expected - 1) < max(0.05, 5 / theirs.numel() ** 0.5)
    # a uniform distribution ends at 1.7 deviations, a normal one of this many elements beyond 3
    cut, expected_cut = (float(tensor.abs().max()) / expected for tensor in (ours, theirs))
    return close and (theirs.numel() < 10_000 or (cut < 2) == (expected_cut < 2))


def fresh(torchvision: Any, name: str, **settings: object) -> Any:
    import torch

    torch.manual_seed(0)
    return torchvision.models.get_model(name, weights=None, **settings)


@pytest.mark.parametrize("name", NETS)
def test_a_family_starts_as_torchvision_starts_it(name: str, torchvision: Any) -> None:
    import torch

    from cnnspec.runtime.weights import fit

    net = cnnspec.load(name, set=SET.get(name))
    torch.manual_seed(1)
    module = net.to_torch(init="torchvision")
    theirs = fit(net.graph, module, fresh(torchvision, name, **NETS[name]).state_dict())
    assert [key for key, tensor in module.state_dict().items() if not alike(tensor, theirs[key])] == []


@pytest.mark.parametrize("scheme", MODULES)
def test_the_rules_of_a_scheme_are_torchvision_s(scheme: str, torchvision: Any) -> None:
    import torch
    from torch import nn

    from cnnspec.runtime.schemes import CONVOLUTION, HIDDEN, LINEAR, SCHEMES, Fans, Place

    module = fresh(torchvision, MODULES[scheme])
    torch.manual_seed(1)
    unlike = []
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear):
            kind = LINEAR if isinstance(layer, nn.Linear) else CONVOLUTION
            start = SCHEMES[scheme].start(Place(kind, 0, HIDDEN))
            own = deepcopy(layer)
            own.reset_parameters()
            taps = layer.weight[0][0].numel()
            fans = Fans(layer.weight.shape[1] * taps, layer.weight.shape[0] * taps)
            for part, rule in (("weight", start.weight), ("bias", start.bias)):
                theirs = getattr(layer, part)
                ours = None if theirs is None else getattr(own, part).detach()
                if ours is not None and rule is not None:
                    rule(ours, fans)
                if ours is not None and not alike(ours, theirs.detach()):
                    unlike.append(f"{name}.{part}")
        elif getattr(layer, "running_mean", None) is not None:
            assert bool((layer.weight == 1).all())
            assert not bool(layer.bias.any())
    assert unlike == []


def test_alexnet_starts_as_its_paper_has_it() -> None:
    state = cnnspec.load("alexnet_2012").to_torch(init="alexnet").state_dict()
    biases = {key: float(tensor.mean()) for key, tensor in state.items() if key.endswith("bias")}
    assert list(biases.values()) == [0, 1, 0, 1, 1, 1, 1, 0]
    for key, tensor in state.items():
        if key.endswith("weight"):
            assert float(tensor.std()) == pytest.approx(0.01, rel=0.05), key


#: Mean, deviation and largest absolute value of a weight with fan_in 576 (64 channels, 3×3) and fan_out 1152.
SHAPES = {
    "kaiming": (0, (2 / 1152) ** 0.5, None),
    "xavier": (0, (2 / 1728) ** 0.5, (6 / 1728) ** 0.5),
    "normal": (0, 0.01, None),
    "truncated": (0, 0.0176, 0.04),  # the cut at two deviations leaves 0.88 of the deviation
    "zeros": (0, 0, 0),
    "ones": (1, 0, 1),
}


@pytest.mark.parametrize("word", SHAPES)
def test_a_general_scheme_and_a_layer_s_own_word_mean_the_same(word: str) -> None:
    mean, deviation, most = SHAPES[word]
    plain = cnnspec.parse("INPUT(64x8x8) -> CONV(128)").to_torch(init=word)
    own = cnnspec.parse(f"INPUT(64x8x8) -> CONV(128, init={word})").to_torch(init="orthogonal")
    for module in (plain, own):
        weight = module.conv.weight.detach()
        assert float(weight.mean()) == pytest.approx(mean, abs=0.001)
        assert float(weight.std()) == pytest.approx(deviation, rel=0.02)
        if most is not None:
            assert float(weight.abs().max()) <= most
            assert float(weight.abs().max()) == pytest.approx(most, rel=0.01)
        assert not bool(module.conv.bias.any())


def test_an_orthogonal_start_keeps_lengths() -> None:
    import torch

    weight = cnnspec.parse("INPUT(256) -> FC(64)").to_torch(init="orthogonal", dtype=torch.float64).fc.weight
    torch.testing.assert_close(weight @ weight.T, torch.eye(64, dtype=torch.float64), atol=1e-5, rtol=0)


FAN = {
    "CONV(64, 3, groups=4)": (2 / (64 * 9)) ** 0.5,
    "DWCONV(5, multiplier=2)": (2 / (128 * 25)) ** 0.5,
    "UPCONV(32, 4, stride=2)": (2 / (32 * 16)) ** 0.5,
    "UPCONV(128, 2, groups=8)": (2 / (128 * 4)) ** 0.5,
    "FC(256)": (2 / 256) ** 0.5,
}


@pytest.mark.parametrize("layer", FAN)
def test_fan_out_is_that_of_the_outputs_of_all_groups(layer: str) -> None:
    state = cnnspec.parse(f"INPUT(64x8x8) -> {layer}").to_torch(init="kaiming").state_dict()
    weight = next(iter(state.values()))
    assert float(weight.std()) == pytest.approx(FAN[layer], rel=5 / weight.numel() ** 0.5)


def test_xavier_of_a_transposed_convolution_counts_what_an_output_reads() -> None:
    weight = cnnspec.parse("INPUT(64x8x8) -> UPCONV(128, 2, groups=4)").to_torch(init="xavier").upconv.weight.detach()
    bound = (6 / (64 / 4 * 4 + 128 * 4)) ** 0.5
    assert 0.98 * bound < float(weight.abs().max()) <= bound


def test_other_layers_start_as_they_say() -> None:
    text = ("INPUT(8x8x8) -> BN(init=zeros) -> PRELU -> PRELU(init=ones) -> SCALE(3) -> SCALE(2, train=off)"
            "-> BIAS -> BIAS(init=ones) -> BN -> IN -> BN(affine=off, init=ones) -> BN(train=off, init=zeros)")
    state = cnnspec.parse(text).to_torch(init="kaiming").state_dict()
    held = {key: set(tensor.unique().tolist()) for key, tensor in state.items() if "running" not in key}
    assert {key: value.pop() for key, value in held.items() if "batches" not in key and len(value) == 1} == {
        "bn.0.weight": 0, "bn.0.bias": 0, "prelu.0.weight": 0.25, "prelu.1.weight": 1, "scale.0.weight": 3,
        "bias.0.bias": 0, "bias.1.bias": 1, "bn.1.weight": 1, "bn.1.bias": 0, "bn.3.weight": 0, "bn.3.bias": 0,
    }


@pytest.mark.parametrize("train", ["on", "off"])
def test_a_weight_norm_starts_with_the_magnitudes_of_its_weight(train: str) -> None:
    import torch

    module = cnnspec.parse(f"INPUT(32x8x8) -> CONV(64, norm=weight, train={train})").to_torch(init="normal")
    assert float(module.conv.weight.detach().std()) == pytest.approx(0.01, rel=0.05)
    state = module.state_dict()
    magnitudes, directions = (state[f"conv.parametrizations.weight.original{i}"] for i in (0, 1))
    torch.testing.assert_close(magnitudes.flatten(), directions.flatten(1).norm(dim=1))


@pytest.mark.parametrize("train", ["on", "off"])
def test_a_spectral_norm_fits_the_weight_that_starts(train: str) -> None:
    import torch

    text = f"INPUT(32x8x8) -> CONV(64, norm=spectral, train={train}) -> UPCONV(8, norm=spectral, train={train})"
    torch.manual_seed(0)
    module = cnnspec.parse(text).to_torch(init="truncated").eval()
    for layer, matrix in ((module.conv, module.conv.weight), (module.upconv, module.upconv.weight.transpose(0, 1))):
        assert float(torch.linalg.matrix_norm(matrix.detach().flatten(1), 2)) == pytest.approx(1, rel=0.05)
        assert float(layer.parametrizations.weight.original.detach().abs().max()) <= 0.04


def test_a_head_on_a_backbone_starts_apart_from_it(tmp_path: Path) -> None:
    for name in ("resnet.cnn", "my.cnn"):
        (tmp_path / name).write_text("block body = CONV(256, bias=off) -> BN -> RELU\nnet n = INPUT(64x8x8) -> body\n")
    spec = 'use "resnet.cnn"\nnet fcn = INPUT(64x8x8) -> body -> CONV(256, bias=off) as head\n'
    (tmp_path / "fcn.cnn").write_text(spec)
    module = cnnspec.load(str(tmp_path / "fcn.cnn")).to_torch(init="torchvision")
    assert float(module.body.conv.weight.detach().std()) == pytest.approx((2 / 2304) ** 0.5, rel=0.05)
    assert float(module.head.weight.detach().std()) == pytest.approx((1 / 2304 / 3) ** 0.5, rel=0.05)
    assert mistake(cnnspec.load(str(tmp_path / "my.cnn")), "torchvision").code == "unknown-init"


def test_a_seed_gives_the_same_weights_layer_after_layer() -> None:
    import torch

    def started(text: str) -> dict[str, Tensor]:
        module = cnnspec.parse(text).to_torch(device="meta").to_empty(device="cpu")
        torch.manual_seed(5)
        from cnnspec.runtime.initialise import initialise

        initialise(cnnspec.parse(text).graph, module, "kaiming")
        return module.state_dict()

    short, long = started("INPUT(3x8x8) -> CONV(4) as a"), started("INPUT(3x8x8) -> CONV(4) as a -> CONV(4) as b")
    assert bool((short["a.weight"] == long["a.weight"]).all())
    assert bool((long["b.weight"] == started("INPUT(3x8x8) -> CONV(4) as a -> CONV(4) as b")["b.weight"]).all())


def test_half_precision_and_no_device_are_no_hindrance() -> None:
    import torch

    net = cnnspec.parse("INPUT(64x8x8) -> CONV(64) -> FC(10)")
    half = net.to_torch(init="orthogonal", dtype=torch.bfloat16).state_dict()
    assert {tensor.dtype for tensor in half.values()} == {torch.bfloat16}
    meta = net.to_torch(init="orthogonal", device="meta").state_dict()
    assert {tensor.device.type for tensor in meta.values()} == {"meta"}


def mistake(net: cnnspec.Net, init: str) -> Diagnostic:
    with pytest.raises(cnnspec.SpecError) as caught:
        net.to_torch(init=init)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def test_an_unknown_name_is_told_with_the_closest_and_all() -> None:
    from cnnspec.runtime.schemes import FAMILIES, SCHEMES

    net = cnnspec.load("resnet18")
    diagnostic = mistake(net, "kaimin")
    assert (diagnostic.code, diagnostic.help) == ("unknown-init", "did you mean `kaiming`?")
    assert all(name in diagnostic.notes[0] for name in (*SCHEMES, "torchvision"))
    no_family = mistake(cnnspec.load("lenet"), "torchvision")
    assert "specs/lenet.cnn" in no_family.message
    assert all(name in no_family.notes[0] for name in FAMILIES)


def test_a_normed_weight_that_would_be_zero_is_refused_at_its_place() -> None:
    net = cnnspec.parse("INPUT(3x8x8) -> RELU -> CONV(4, norm=spectral)")
    diagnostic = mistake(net, "zeros")
    assert diagnostic.code == "bad-argument"
    assert diagnostic.span is not None
    assert diagnostic.span.column == 25


def test_the_page_names_every_scheme_and_the_layers_words() -> None:
    from cnnspec.layers.conv import Conv
    from cnnspec.runtime.schemes import FAMILIES, SCHEMES, WORDS

    page = (ROOT / "docs" / "pytorch.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert rows == {*SCHEMES, "torchvision"}
    assert set(FAMILIES.values()) <= set(SCHEMES)
    assert set(Conv.args["init"].words) == {"default", *WORDS}
