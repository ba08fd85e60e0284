"""The questions before a run: each finds what was made wrong on purpose, and nothing in sound networks."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to ask")

from cnnspec import Net, parse  # noqa: E402  # behind what they need
from cnnspec.analysis.learning import Check  # noqa: E402
from cnnspec.cli.options import load_target  # noqa: E402
from cnnspec.limits import Limits  # noqa: E402
from cnnspec.runtime.train.checks import checks, gradients  # noqa: E402
from cnnspec.runtime.train.gradients import Move, judged, normed  # noqa: E402
from tests.runtime.training import SMALL, WHOLE, images, setup  # noqa: E402

NAMES = ["classes", "initial-loss", "scale", "dead-units", "gradients", "overfit"]
DEEP = "INPUT(1x8x8) -> [CONV(6, bias=off) -> {}]*40 -> GAP -> FC(4)"


def asked(spec: str, **regime: Any) -> dict[str, Check]:
    torch.manual_seed(0)
    return {check.name: check for check in checks(setup(spec, **regime))}


def answer(spec: str | Net, **regime: Any) -> Check:
    """To the question of gradients alone, as it is asked."""
    made = setup(spec, **{**regime, "batch": 32})
    return gradients(made, made.net.summary().layers)


@pytest.mark.parametrize("spec", [SMALL, WHOLE])
@pytest.mark.parametrize("loss", ["cross-entropy", "hinge"])
def test_sound_networks_pass(spec: str, loss: str) -> None:
    found = asked(spec, loss=loss, rate=0.003)
    assert [*found] == NAMES
    assert all(check.passed and not check.advice for check in found.values()), [check.says for check in found.values()]


def test_the_loss_at_the_start_is_that_of_guessing() -> None:
    check = asked(SMALL)["initial-loss"]
    assert check.figures["guessing"] == pytest.approx(1.3863, abs=1e-4)
    assert "guessing among 4 classes has 1.39" in check.says
    assert asked(SMALL, loss="hinge")["initial-loss"].figures["guessing"] == 0.75


@pytest.mark.parametrize(("spec", "name", "says"), [
    ("INPUT(1x8x8) -> CONV(6) -> GAP -> FC(4) -> SOFTMAX", "classes", "ends with SOFTMAX"),
    ("INPUT(1x8x8) -> CONV(6) -> GAP -> FC(7)", "classes", "tells 7 classes, and the images are of 4"),
    ("INPUT(1x8x8) -> CONV(6) -> RELU -> SCALE(60, train=off) -> FC(4)", "initial-loss", "guessing among 4 classes"),
    (DEEP.format("TANH -> SCALE(0.2, train=off)"), "scale", "values vanish with the depth"),
    (DEEP.format("SCALE(9, train=off)"), "scale", "values explode with the depth"),
    ("INPUT(1x8x8) -> CONV(6) -> SCALE(0, train=off) -> RELU -> GAP -> FC(4)", "dead-units", "dead: up to 100 % of"),
    ("INPUT(1x8x8) -> CONV(6) -> SCALE(0, train=off) -> CONV(6) -> GAP -> FC(4)", "gradients",
     "no gradient reaches 2 of 3 layers: conv[0], conv[1]"),
    ("INPUT(1x8x8) -> CONV(6) -> SCALE(0, train=off) -> GAP -> FC(4)", "overfit", "not learned by heart in 200 steps"),
])
def test_what_is_wrong_is_found_and_advised_on(spec: str, name: str, says: str) -> None:
    check = asked(spec)[name]
    assert not check.passed
    assert says in check.says
    assert check.advice


STACK = "INPUT(1x8x8) -> [CONV(8{}) -> {}]*{} -> GAP -> FC(4)"


@pytest.mark.parametrize("name", ["adamw", "sgd"])
@pytest.mark.parametrize("act", ["RELU", "TANH", "SIGMOID"])
def test_gradients_that_vanish_are_found_although_weight_decay_changes_what_they_do_not(act: str, name: str) -> None:
    check = answer(STACK.format("", act, 40), optimizer=name, rate=0.001, decay=0.01)
    assert not check.passed
    assert check.says.startswith("gradients vanish towards the input: ")
    assert "of the weights at conv[0]," in check.says
    assert "of 41 layers: conv[0], conv[1], conv[2] and " in check.says
    assert all(word in check.advice for word in ("BN", "skip connections", "init=kaiming"))
    assert check.figures["gradient conv[0]"] < 1e-11
    assert check.figures["update conv[0]"] < 1e-6


@pytest.mark.parametrize("spec", [STACK.format("", "BN -> RELU", 40), STACK.format(", init=kaiming", "RELU", 40)])
def test_what_is_advised_against_vanishing_gradients_helps(spec: str) -> None:
    assert answer(spec, rate=0.001).passed, answer(spec, rate=0.001).says


def moved(**changes: tuple[float, float]) -> dict[str, Move]:
    """Kernels of norm 1, by path: the norms of their gradients and of their changes."""
    return {path: Move(gradient, 1.0, change, kernel=True) for path, (gradient, change) in changes.items()}


def test_gradients_that_explode_towards_the_input_are_told_from_such_that_vanish() -> None:
    step = 1e-3
    exploding = judged(moved(first=(1e8, step), middle=(1.0, step), last=(1e-2, step)), (), "adamw")
    assert exploding.says == ("gradients explode towards the input: 1.0e-02 of the weights at last, 1.0e+08 at first; "
                              "less than a billionth of that in 1 of 3 layers: last")
    assert judged(moved(first=(1e6, step), last=(1e-2, step)), (), "adamw").passed
    broken = judged(moved(first=(float("inf"), step), last=(1e-2, step)), (), "adamw")
    assert broken.says == "gradients explode: they are no numbers in 1 of 2 layers: first"


def test_a_large_step_does_no_harm_before_a_norm() -> None:
    found = moved(first=(1.0, 8.0), last=(1.0, 0.01))
    assert judged(found, {"first"}, "sgd").passed
    check = judged(found, (), "sgd")
    assert check.says.endswith("it changes first by 8 times itself, and by more than half 1 of 2 layers: first")
    net = parse("INPUT(1x8x8) -> CONV(4) -> BN -> RELU -> CONV(4) -> ADD{ BN | ID } -> GAP -> FC(4)")
    assert normed(net.summary().layers) == {"conv[0]"}


def test_layers_that_a_step_leaves_as_they_are_are_named() -> None:
    found = moved(**dict.fromkeys("abcde", (1e-7, 1e-8)), last=(1.0, 0.01))
    check = judged(found, (), "sgd")
    assert check.says.endswith("but by less than a millionth 5 of 6 layers: a, b, c and 2 more")
    assert "--optimizer adamw" in check.advice


@pytest.mark.parametrize(("net", "extents"), [
    ("lenet", "1x32x32"), ("resnet18", "3x32x32"), ("vgg11_bn", "3x32x32"), ("squeezenet1_1", "3x32x32"),
    ("mobilenet_v2", "3x64x64"), ("densenet121", "3x32x32"), ("convnext_tiny", "3x32x32")])
def test_gradients_of_the_catalogue_are_sound(net: str, extents: str) -> None:
    found = load_target(net, None, (), (extents,), Limits())
    check = answer(found.vary(classes=4), rate=0.001, decay=0.01)
    assert check.passed, check.says
    assert check.says.startswith("gradients in all ")


@pytest.mark.parametrize(("rate", "says", "advice"), [
    (3.0, "the first step is too large", "a lower learning rate"),
    (1e-9, "the first step is too small", "a higher learning rate"),
])
def test_steps_that_are_too_large_or_too_small_are_found(rate: float, says: str, advice: str) -> None:
    check = answer(SMALL, rate=rate)
    assert not check.passed
    assert check.says.startswith(says)
    assert advice in check.advice


def test_branches_that_begin_at_nothing_are_asked_when_they_have_begun() -> None:
    branch = "INPUT(1x8x8) -> CONV(6) -> ADD{{ ID | CONV(6) -> SCALE(0{}) }} -> RELU -> GAP -> FC(4)"
    assert answer(branch.format("")).passed
    dead = answer(branch.format(", train=off"))
    assert dead.says == "no gradient reaches 1 of 3 layers: conv[1]"


def test_figures_are_those_of_each_layer() -> None:
    found = asked(SMALL)
    assert [*found["scale"].figures] == ["conv[0]", "conv[1]", "fc"]
    assert [*found["dead-units"].figures] == ["relu[0]", "relu[1]"]
    assert {*found["gradients"].figures} == {f"{kind} {path}" for kind in ("gradient", "update")
                                             for path in ("conv[0]", "conv[1]", "fc")}


def test_gradients_and_updates_are_those_of_a_step_by_hand() -> None:
    figures = asked(SMALL, optimizer="sgd", rate=0.1, momentum=0.0, decay=0.0, warmup=0.0)["gradients"].figures
    torch.manual_seed(0)
    run = setup(SMALL, optimizer="sgd", rate=0.1)
    module = run.begin().module
    weight = module.get_submodule("fc").weight.detach().norm()
    assert figures["update fc"] == pytest.approx(0.1 * figures["gradient fc"] / float(weight), rel=1e-2)


def test_the_share_of_silent_channels_is_counted() -> None:
    spec = "INPUT(1x8x8) -> CONV(8) -> CONCAT{ ID | SCALE(-1, train=off) } -> RELU -> GAP -> FC(4)"
    figures = asked(spec)["dead-units"].figures
    (share,) = figures.values()
    assert 0 <= share <= 0.5  # of a channel and its negative, not both are silent everywhere


def test_images_that_are_few_are_asked_about_too() -> None:
    found = {check.name: check for check in checks(setup(SMALL, data=images(count=8)))}
    assert found["overfit"].says.startswith("8 images are learned by heart")


def test_a_network_of_too_few_classes_is_asked_what_can_be_asked() -> None:
    found = asked(SMALL.replace("FC(4)", "FC(3)"), rate=0.003)
    assert [*found] == NAMES
    assert found["classes"].says == ("the network tells 3 classes, and the images are of 4; what follows is asked with "
                                     "images of those alone")
    assert "`FC(4)`" in found["classes"].advice
    assert [name for name, check in found.items() if not check.passed] == ["classes"]
    single = asked(SMALL.replace("FC(4)", "FC(1)"))
    assert [*single] == ["classes", "scale", "dead-units"]
    assert single["classes"].says.endswith("tells 1 class, and the images are of 4; nothing that takes labels is asked")


def test_silent_channels_are_told_with_their_share() -> None:
    spec = "INPUT(1x8x8) -> CONV(8) -> BN -> {}RELU -> GAP -> FC(4)"
    assert asked(spec.format(""))["dead-units"].says == "no channel of a RELU is silent"
    half = asked(spec.format("CONCAT{ ID | SCALE(0, train=off) } -> "))["dead-units"]
    assert half.says == "up to 50 % of the channels of a RELU are silent (at relu)"


def test_steps_that_float16_has_no_room_for_are_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = "INPUT(1x8x8) -> CONV(6) -> RELU -> GAP -> FC(4) -> SCALE(30, train=off)"
    with monkeypatch.context() as once:
        once.setattr("cnnspec.runtime.train.gradients._SCALINGS", 1)
        assert answer(spec, dtype="float16", rate=0.001).says.startswith("gradients explode: they are no numbers in ")
    assert answer(spec, dtype="float16", rate=0.001).says.startswith("gradients in all 2 layers")
