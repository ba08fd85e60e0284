"""Variants of a network: what `--over` reads, and what its values do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from cnnspec import files
from cnnspec.diagnostics import SpecError
from cnnspec.limits import Limits
from cnnspec.targets import Shelf, Target, resolve
from cnnspec.variants import count, free_names, given, has, parameters, variants, variation

ROOT = Path(__file__).parents[1]
FREE = "resnet(depths=(n, n, m * 2, n))"


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def layers(target: Target) -> int:
    graph = target.elaborate().graph
    assert graph is not None
    return len(graph.nodes)


@pytest.mark.parametrize(("text", "values"), [
    ("n=1..4", ["1", "2", "3", "4"]), ("n=-1..1", ["-1", "0", "1"]), ("n = 3..3", ["3"]), ("n=1,2,4", ["1", "2", "4"]),
    ("n=(1, 2)", ["1", "2"]), ("n=(1,)", ["1"]), ("n=1..2,8", ["1", "2", "8"]), ("n=1,1,2,1", ["1", "2"]),
    ("n=(1,1),(2,2)", ["(1,1)", "(2,2)"]), ("n=((1,1),(2,2))", ["(1,1)", "(2,2)"]), ("n=(1+2)*(3)", ["(1+2)*(3)"]),
    ("unit=basic,bottleneck", ["basic", "bottleneck"]), ('note="a,b",c', ['"a,b"', "c"]), ("n=0.5..1", ["0.5..1"]),
])
def test_what_a_name_goes_over(text: str, values: list[str]) -> None:
    found = variation(text)
    assert found.name == text.partition("=")[0].strip()
    assert list(found.values) == values


@pytest.mark.parametrize(("text", "said"), [
    ("n", "NAME=1..4"), ("=3", "NAME=1..4"), ("n=", "NAME=1..4"), ("n=4..1", "`4..1` is empty: 4 is more than 1"),
    ("2n=1", "NAME=1..4"), ("n=1,,2", "empty value"), ("n=()", "empty value"), ("n=0..200", "more than 200 values"),
    ("n=1..999999999", "more than 200 values"), ("n=1..150,200..260", "more than 200 values"),
])
def test_what_it_cannot_go_over(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        variation(text)
    assert said in str(caught.value)


@for_all(st.text('n=(),."0123 ', max_size=12))
def test_any_text_is_a_variation_or_says_that_it_is_none(text: str) -> None:
    try:
        found = variation(text)
    except ValueError:
        return
    assert found.values
    assert all(found.values)


def test_names_that_a_call_leaves_free() -> None:
    target = resolve(FREE)
    assert free_names(target) == ("n", "m")
    assert parameters(target) == ("unit", "depths", "classes")
    assert [name for name in ("n", "m", "classes", "basic", "resnet", "zip", "on") if has(target, name)] == [
        "n", "m", "classes"]


@pytest.mark.parametrize(("name", "expected"), [
    ("alexnet", ("classes",)), ("resnet18", ("unit", "depths", "classes")), ("alexnet_2012", ("groups", "classes")),
    ("specs/formulas/linear.cnn", ()),
])
def test_parameters_are_those_that_a_setting_reaches(name: str, expected: tuple[str, ...]) -> None:
    target = resolve(name)
    assert parameters(target) == expected
    assert free_names(target) == ()


def test_free_names_and_parameters_take_their_values_together() -> None:
    target = resolve(FREE)
    made = [*variants(target, [variation("n=1..2"), variation("m=1"), variation("unit=basic,bottleneck")])]
    assert [one.settings for one in made] == [
        (("n", n), ("m", "1"), ("unit", unit)) for n in "12" for unit in ("basic", "bottleneck")]
    assert [layers(one.target) for one in made] == [
        layers(resolve(f"resnet({unit}, ({n}, {n}, 2, {n}))")) for n in "12" for unit in ("basic", "bottleneck")]


def test_what_a_network_does_not_have_is_passed_over() -> None:
    target = resolve("alexnet")
    over = [variation("n=1..4"), variation("classes=3,5")]
    assert count(target, over) == 2
    assert [one.settings for one in variants(target, over)] == [(("classes", "3"),), (("classes", "5"),)]
    assert [one.settings for one in variants(target, [])] == [()]


def test_the_file_knows_nothing_of_a_free_name(tmp_path: Path) -> None:
    path = tmp_path / "main.cnn"
    path.write_text("block f(c) = CONV(c) -> [RELU]?k\nnet main(c = 4) = INPUT(3x8x8) -> f(c) -> f(c)\n")
    target = resolve(str(path), {"c": "k * 2"})
    (one,) = variants(target, [variation("k=3")])
    graph = one.target.elaborate().graph
    assert graph is not None
    assert [node.shape[0] for node in graph.nodes if node.op.layer.keyword == "CONV"] == [6, 6]
    assert len(graph.nodes) == layers(resolve(str(path), {"c": "6"})), "a switch of the same name stays on"
    assert free_names(target) == ("k",), "the target itself stays as it is"


def test_a_value_that_speaks_of_itself_is_refused() -> None:
    target = resolve(FREE)
    for settings in ({"n": "n + 1", "m": "1"}, {"n": "m", "m": "n"}):
        with pytest.raises(SpecError) as caught:
            given(target, settings)
        assert "being set itself" in caught.value.diagnostics[0].message
    with pytest.raises(SpecError):
        given(target, {"n": "1 +"})


def test_a_shelf_reads_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = files.read

    def counted(path: str, limits: Limits) -> object:
        read.append(path)
        return original(path, limits)

    monkeypatch.setattr(files, "read", counted)
    shelf = Shelf(Limits())
    file = "specs/resnet.cnn"
    for name in ("resnet18", "resnet34", "resnet(basic, (1, 1, 1, 1))", file, f"{file}:resnet50"):
        assert layers(resolve(name, shelf=shelf)) > 30
    assert read == [file]


def test_without_a_shelf_a_change_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "net.cnn"
    path.write_text("INPUT -> CONV(4)")
    before = layers(resolve(str(path)))
    path.write_text("INPUT -> CONV(4) -> RELU")
    assert layers(resolve(str(path))) == before + 1


def test_every_name_stands_for_the_file_that_is_called_so_first() -> None:
    every = files.every_net()
    assert set(files.known_nets()) <= set(every)
    assert every["vgg16"] == "specs/vgg16.cnn", "which vgg.cnn defines as well"
    assert all(files.find_net(name) == path for name, path in list(every.items())[:5])
    assert files.find_net("nonesuch") is None
