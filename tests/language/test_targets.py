"""What a target names: a path, `path:net`, a net of the spec folders, a call; and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

import cnnspec
from cnnspec.limits import Limits

FAMILY = """
block small(c) = CONV(c)
block large(c) = CONV(c, 5)
net family(unit = small, widths = (2, 3), classes = 10) =
    INPUT(1x8x8) -> [unit(c)] for c in widths -> FC(classes)
net member = family(large, (4,))
net grandchild = member
net other(k = 3) = INPUT(2x8x8) -> CONV(k)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec, and another in its `specs`, to work in."""
    (tmp_path / "specs" / "deep").mkdir(parents=True)
    (tmp_path / "family.cnn").write_text(FAMILY, encoding="utf-8")
    (tmp_path / "specs" / "deep" / "mine.cnn").write_text("net mine = INPUT(3x4x4) -> RELU\nnet yours = mine -> TANH\n")
    (tmp_path / "specs" / "lenet.cnn").write_text("net lenet = INPUT(5x4x4) -> RELU\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ops(net: cnnspec.Net) -> list[str]:
    return [layer.op for layer in net.layers]


def told(target: str, **settings: object) -> list[tuple[str, str, str]]:
    """Code, message and help of what is wrong with a target."""
    with pytest.raises(cnnspec.SpecError) as caught:
        cnnspec.load(target, set=settings)
    return [(found.code, found.message, found.help) for found in caught.value.diagnostics]


@pytest.mark.parametrize(("target", "name", "first"), [
    ("family.cnn", "family", (1, 8, 8)),
    ("./family.cnn", "family", (1, 8, 8)),
    ("family.cnn:other", "other", (2, 8, 8)),
    ("mine", "mine", (3, 4, 4)),  # of `./specs`, in a folder below it
    ("yours", "yours", (3, 4, 4)),  # a net of another name in the same file
    ("lenet", "lenet", (5, 4, 4)),  # `./specs` comes before the zoo
    ("alexnet", "alexnet", (3, 224, 224)),  # of the zoo
    ("resnet50", "resnet50", (3, 224, 224)),
    ("resnet", "resnet", (3, 224, 224)),
    ("specs/deep/mine.cnn:yours", "yours", (3, 4, 4)),
])
def test_what_a_target_names(here: Path, target: str, name: str, first: tuple[int, ...]) -> None:
    net = cnnspec.load(target)
    assert (net.name, net.layers[0].output_shape) == (name, first)


def test_an_absolute_path_and_a_file_whose_name_has_signs(here: Path) -> None:
    for name in ("a:b.cnn", "a(b).cnn", "a b.cnn"):
        (here / name).write_text("net n = INPUT(3x4x4) -> RELU\n")
        assert ops(cnnspec.load(name)) == ["INPUT", "RELU"]
        assert ops(cnnspec.load(str(here / name))) == ["INPUT", "RELU"]


@pytest.mark.parametrize(("target", "settings", "widths", "kernel", "classes"), [
    ("family()", {}, [2, 3], 3, 10),
    ("family(large, (7,))", {}, [7], 5, 10),
    ("family(widths=(5, 6, 7))", {}, [5, 6, 7], 3, 10),
    ("family(large, (7,))", {"classes": 4}, [7], 5, 4),
    ("family(large, (7,))", {"widths": (8,)}, [8], 5, 10),  # a setting overrides what the call says
    ("family(large)", {"unit": "small"}, [2, 3], 3, 10),
    ("member(classes=3)", {}, [4], 5, 3),  # what the net has no parameters for, the net that it calls has
    ("member()", {"unit": "small"}, [4], 3, 10),
    ("grandchild", {"classes": 2}, [4], 5, 2),
    ("member", {"widths": "(1, 1)"}, [1, 1], 5, 10),
])
def test_a_call_and_settings(here: Path, target: str, settings: dict[str, object], widths: list[int], kernel: int,
                             classes: int) -> None:
    (here / "specs" / "family.cnn").write_text(FAMILY, encoding="utf-8")
    net = cnnspec.load(target, set=settings)
    convs = [layer for layer in net.layers if layer.op == "CONV"]
    assert [layer.output_shape[0] for layer in convs] == widths
    assert {layer.args["kernel"] for layer in convs} == {kernel}
    assert net.summary().output == (classes,)
    assert net.name == target.partition("(")[0]


def test_settings_are_numbers_switches_tuples_or_text() -> None:
    text = "net n(a, b, c, d = 1) = INPUT(1x8x8) -> [CONV(x)] for x in a -> FC(3, bias=b) -> DROPOUT(c) -> [RELU]*d"
    net = cnnspec.parse(text, set={"a": [2, (3, 4)[1]], "b": False, "c": 0.25, "d": "1 + 1"})
    assert ops(net) == ["INPUT", "CONV", "CONV", "FC", "DROPOUT", "RELU", "RELU"]
    assert (net.layers[3].args["bias"], net.layers[4].args["p"]) == (False, 0.25)


def test_a_net_varies_without_its_file() -> None:
    net = cnnspec.parse(FAMILY, name="family", set={"classes": 5})
    assert net.vary(widths=(1, 2, 3)).summary().output == (5,)
    assert net.vary(classes=6).summary().output == (6,)
    assert len(net.vary(widths=(1, 2, 3)).vary(widths=(1,)).layers) == 3


@pytest.mark.parametrize(("target", "code", "message", "help_"), [
    ("famly.cnn", "file-not-found", "there is no file famly.cnn", "did you mean `family.cnn`?"),
    ("specs", "unknown-net", "there is no net `specs`, and no file of that name", "`cnnspec zoo` lists the nets"),
    ("./specs", "not-a-file", "./specs is a folder", "`cnnspec check ./specs` checks every spec in it"),
    ("alexnt", "unknown-net", "there is no net `alexnt`, and no file of that name", "did you mean `alexnet`?"),
    ("family.cnn:membr", "unknown-net",
     "family.cnn has no net `membr`; it defines `family`, `member`, `grandchild`, `other`",
     "did you mean `family.cnn:member`?"),
    ("zzz(3)", "unknown-net", "there is no net `zzz`, and no file of that name", "`cnnspec zoo` lists the nets"),
])
def test_what_a_target_does_not_name(here: Path, target: str, code: str, message: str, help_: str) -> None:
    assert told(target) == [(code, message, help_)]


def test_a_call_that_cannot_be_read(here: Path) -> None:
    assert [code for code, *_ in told("resnet(bottleneck")] == ["unclosed-bracket"]
    assert [code for code, *_ in told("resnet(botleneck)")] == ["unknown-name"]
    assert [code for code, *_ in told("resnet(uni=basic)")] == ["unknown-argument"]
    assert [code for code, *_ in told("resnet", uni=3)] == ["unknown-argument"]
    assert [code for code, *_ in told("resnet", unit="(")] == ["unclosed-bracket"]


def test_bytes_that_are_no_spec(here: Path) -> None:
    (here / "latin.cnn").write_bytes(b"net n =\n  INPUT -> RELU # na\xefve\n")
    (here / "large.cnn").write_bytes(b"#" * 2000)
    assert told("latin.cnn") == [("not-utf8", "latin.cnn is not UTF-8: byte 0xef on line 2", "save it as UTF-8")]
    with pytest.raises(cnnspec.SpecError, match=r"large.cnn is larger than 1,000 bytes"):
        cnnspec.load("large.cnn", limits=Limits(file_bytes=1000))


@pytest.mark.parametrize("text", [
    b"\xef\xbb\xbfnet n = INPUT(3x4x4) -> RELU\n",
    b"net n = INPUT(3x4x4)\r\n  -> RELU\r\n",
    b"net n = INPUT(3x4x4)\r  -> RELU\r",
    b"net n = INPUT(3x4x4)\t->\f RELU",
])
def test_marks_and_line_ends_of_any_system(here: Path, text: bytes) -> None:
    (here / "system.cnn").write_bytes(text)
    assert ops(cnnspec.load("system.cnn")) == ["INPUT", "RELU"]


def test_a_mistake_behind_carriage_returns_stands_on_its_line(here: Path) -> None:
    (here / "system.cnn").write_bytes(b"net n = INPUT(3x4x4)\r\n  -> RELUU\r\n")
    with pytest.raises(cnnspec.SpecError, match=r"system.cnn:2:6: error\[unknown-layer\]"):
        cnnspec.load("system.cnn")


def test_use_looks_beside_the_file_then_in_the_spec_folders(here: Path) -> None:
    (here / "specs" / "deep" / "parts.cnn").write_text("block unit = RELU\n")
    (here / "specs" / "deep" / "near.cnn").write_text('use "parts.cnn"\nnet near = INPUT(3x4x4) -> unit\n')
    uses = 'use "deep/parts.cnn"\nuse "resnet.cnn"\n'
    (here / "far.cnn").write_text(f"{uses}net far = INPUT(3x4x4) -> unit -> conv_bn(4)\n")
    assert ops(cnnspec.load("near")) == ["INPUT", "RELU"]
    assert ops(cnnspec.load("far.cnn")) == ["INPUT", "RELU", "CONV", "BN"]


def test_a_formula_of_the_zoo_is_a_net(monkeypatch: pytest.MonkeyPatch) -> None:
    net = cnnspec.load("general", set={"N": 1, "M": 1, "K": 0, "pool": False})
    assert ops(net) == ["INPUT", "CONV", "RELU", "FC"]
