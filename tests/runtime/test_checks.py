"""The questions before a run: each finds what was made wrong on purpose, and nothing in sound networks."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to ask")

from cnnspec.analysis.learning import Check  # noqa: E402  # behind what they need
from cnnspec.runtime.train.checks import checks  # noqa: E402
from tests.runtime.training import SMALL, WHOLE, images, setup  # noqa: E402

NAMES = ["classes", "initial-loss", "scale", "dead-units", "gradients", "overfit"]
DEEP = "INPUT(1x8x8) -> [CONV(6, bias=off) -> {}]*40 -> GAP -> FC(4)"


def asked(spec: str, **regime: Any) -> dict[str, Check]:
    torch.manual_seed(0)
    return {check.name: check for check in checks(setup(spec, **regime))}


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
    (DEEP.format("TANH -> SCALE(0.2, train=off)"), "scale", "they vanish with the depth"),
    (DEEP.format("SCALE(9, train=off)"), "scale", "they explode with the depth"),
    ("INPUT(1x8x8) -> CONV(6) -> SCALE(0, train=off) -> RELU -> GAP -> FC(4)", "dead-units", "half in 1 of 1"),
    ("INPUT(1x8x8) -> CONV(6) -> SCALE(0, train=off) -> CONV(6) -> GAP -> FC(4)", "gradients", "2 of 3 layers get"),
    ("INPUT(1x8x8) -> CONV(6) -> SCALE(0, train=off) -> GAP -> FC(4)", "overfit", "not learned by heart in 200 steps"),
])
def test_what_is_wrong_is_found_and_advised_on(spec: str, name: str, says: str) -> None:
    check = asked(spec)[name]
    assert not check.passed
    assert says in check.says
    assert check.advice


@pytest.mark.parametrize(("rate", "says"), [(3.0, "a lower learning rate"), (1e-9, "gradients vanish")])
def test_steps_that_are_too_large_or_too_small_are_found(rate: float, says: str) -> None:
    check = asked(SMALL, rate=rate)["gradients"]
    assert not check.passed
    assert says in check.advice


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
