"""The Python API: loading, varying, refusing."""

from __future__ import annotations

import pytest

import cnnspec


def test_a_net_varies_without_its_file() -> None:
    net = cnnspec.load("resnet50")
    loaded = cnnspec.load("resnet50", set={"classes": 10})
    assert net.vary(classes=10).summary().totals.params == loaded.summary().totals.params
    assert net.vary(classes=10).vary(classes=20).summary().output == (20,)


def test_another_input_stays_when_a_net_varies() -> None:
    assert cnnspec.load("vgg16", input=(3, 160, 160)).vary(classes=10).summary().inputs == {"input": (3, 160, 160)}


@pytest.mark.parametrize("input", [(3, 0, 5), (), (3.5, 2, 2), (1, 2, 3, 4, 5), "3x3", {"input": (0,)}])
def test_an_input_that_is_no_shape_is_refused(input: object) -> None:
    with pytest.raises(ValueError, match="an input's shape is 1 to 4 whole numbers"):
        cnnspec.load("vgg16", input=input)


@pytest.mark.parametrize(("given", "says"), [
    ({"batch": 0}, "the batch must be"), ({"dtype": "x"}, "dtype must be one of"),
])
def test_a_summary_of_nothing_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cnnspec.load("lenet").summary(**given)


def test_settings_that_are_no_parameter_get_a_suggestion() -> None:
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.load("resnet50", set={"clases": 10})
    assert caught.value.diagnostics[0].help == "did you mean `classes`?"


def test_intensity_grows_with_the_batch_where_weights_are_shared() -> None:
    one, many = (cnnspec.load("vgg16").summary(batch=batch).layers[-1].intensity for batch in (1, 64))
    assert one is not None
    assert many is not None
    assert many > 30 * one


def test_calls_that_python_holds_equal_are_told_apart() -> None:
    text = "block b(f) = f -> RELU\nnet n = INPUT(3x8x8) -> b(CONV(8, pad=(1, 1))) -> b(CONV(8, pad=(on, on)))"
    with pytest.raises(cnnspec.SpecError, match="bad-argument"):
        cnnspec.parse(text)
    assert cnnspec.parse("INPUT(3x8x8) -> UPSAMPLE(2.0)").layers[-1].args["scale"] == 2


HABITS = {
    "CONV(64, kernel_size=3, padding=1)": ["did you mean `kernel`?", "did you mean `pad`?"],
    "Conv2d(8, 3)": ["did you mean `CONV`?"],
    "CONV(8, bias=False)": ["did you mean `off`?"],
    "BatchNorm2d": ["did you mean `BN`?"],
    "MaxPool2d(2)": ["did you mean `POOL`?"],
    "CONV(8, 3, kernel=5)": [""],
}


@pytest.mark.parametrize("step", HABITS)
def test_other_tools_words_are_known(step: str) -> None:
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.parse(f"net n = INPUT(3x8x8) -> {step} -> RELU")
    assert [diagnostic.help for diagnostic in caught.value.diagnostics] == HABITS[step]
