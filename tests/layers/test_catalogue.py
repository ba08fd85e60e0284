"""The catalogue: what every layer must have, how layers are found, and layers of other packages."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import cnnspec
from cnnspec import layers
from cnnspec.layers import LAYERS, PluginError, find, keywords, option_words
from cnnspec.layers.arguments import REQUIRED, Arg, LayerError, SameAs
from cnnspec.layers.base import RULES, Layer, LayerType, Pointwise, Shape, Weightless
from cnnspec.layers.op import apply

# The layers of docs/language.md.
KEYWORDS = """
    INPUT OUTPUT CONV DWCONV UPCONV FC POOL GAP ADAPTIVEPOOL REDUCE UPSAMPLE RESIZE SHUFFLE PIXELSHUFFLE PIXELUNSHUFFLE
    SLICE PAD CROP FLATTEN RESHAPE BN LN GN IN LRN L2NORM DROPOUT DROPPATH SCALE BIAS RELU RELU6 LEAKYRELU PRELU ELU
    SELU SIGMOID TANH GELU SILU HARDSIGMOID HARDSWISH HARDTANH MISH SOFTPLUS SOFTMAX LOGSOFTMAX ADD CONCAT MUL SUB MAX
    MEAN STACK
"""

each_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.keyword)


def test_the_catalogue_is_whole_and_each_keyword_finds_its_layer() -> None:
    assert tuple(KEYWORDS.split()) == keywords() == tuple(layer.keyword for layer in LAYERS)
    assert [find(layer.keyword) for layer in LAYERS] == list(LAYERS)


@each_layer
def test_keyword_cannot_be_taken_for_a_parameter_or_an_extent(layer: type[Layer]) -> None:
    assert re.fullmatch(r"[A-Z][A-Z0-9]+", layer.keyword)


@each_layer
def test_docstring_says_what_it_is_what_it_costs_and_how_it_is_written(layer: type[Layer]) -> None:
    first, *rest = [" ".join(part.split()) for part in (layer.__doc__ or "").split("\n\n")]
    assert re.match(r"[A-Z`].*[.:`]", first), first
    assert [part[:7] for part in rest if part.startswith(("FLOPs: ", "Example: "))] == ["FLOPs: ", "Example"]
    assert example(layer)
    assert next(part for part in rest if part.startswith("FLOPs: ")).endswith(".")


def example(layer: type[Layer]) -> str:
    found = re.search(r"^\s*Example: `(.+)`$", layer.__doc__ or "", re.MULTILINE)
    assert found, f"{layer.keyword} has no example"
    return found[1]


@each_layer
def test_example_works(layer: type[Layer]) -> None:
    text = example(layer)
    assert re.search(rf"\b{layer.keyword}\b", text)
    net = cnnspec.parse(text if text.startswith("INPUT") else f"INPUT(64x32x32) -> {text}")
    assert layer in {type(node.op.layer) for node in net.graph.nodes} | {find("OUTPUT")}
    assert not net.diagnostics


@each_layer
def test_every_rule_is_defined(layer: type[Layer]) -> None:
    assert [rule for rule in RULES if getattr(layer, rule) is getattr(Layer, rule)] == []


@each_layer
def test_every_argument_is_documented_and_its_default_is_a_value_that_it_takes(layer: type[Layer]) -> None:
    for name, arg in layer.args.items():
        assert arg.doc, name
        assert arg.type, name
        assert not arg.doc.endswith("."), name
        if arg.default is not REQUIRED and arg.default is not None and not isinstance(arg.default, SameAs):
            assert arg.read(name, arg.default) == arg.default
        elif isinstance(arg.default, SameAs):
            assert arg.default.name in layer.args


@each_layer
def test_a_word_that_two_arguments_know_goes_to_the_layers_own(layer: type[Layer]) -> None:
    """A bare `zeros` in CONV fills the padding; how weights start is said by name."""
    owners = {word: [name for name, arg in layer.args.items() if word in arg.words] for word in layer.words}
    shared = {word: names for word, names in owners.items() if len(names) > 1}
    assert all(names[1:] == ["init"] and layer.words[word] == names[0] for word, names in shared.items()), shared


@each_layer
@pytest.mark.parametrize("x", [(1,), (7,), (6, 1), (6, 5), (7, 3, 5), (64, 8, 8), (5, 3, 4, 2)])
def test_a_refused_input_still_has_a_shape_to_go_on_with_or_none(layer: type[Layer], x: Shape) -> None:
    required = {"count": 3, "count per axis": 2, "number": 0.5, "number per axis": 2, "word": "w", "shape": (7, 3)}
    values = {name: required.get(arg.type, 2) for name, arg in layer.args.items() if arg.default is REQUIRED}
    if layer.keyword in ("CROP", "RESIZE"):
        values["size"] = (2, 2)
    made = layer({**values, "stop": 4} if layer.keyword == "SLICE" else values)
    try:
        apply(made, (x, x) if layer.merges else (x,))
    except LayerError:
        meant = made.meant(x)
        assert meant is None or min(meant) >= 1


def test_option_words_are_those_of_the_layers() -> None:
    assert option_words() >= {"max", "avg", "same", "valid", "causal", "reflect", "nearest", "channels", "tanh"}
    assert not option_words() & {"", "on", "off", "C", "H", "W", "stride"}
    assert option_words() == {word for layer in LAYERS for arg in layer.args.values() for word in arg.words}


def test_a_layer_that_lacks_a_rule_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="layer HALF lacks work, storage, saved, recipe"):
        LayerType("Half", (Pointwise, Weightless), {"keyword": "HALF"})


def test_an_argument_may_be_named_like_a_rule() -> None:
    shape = find("INPUT")
    assert shape is not None
    assert list(shape.args) == ["shape"]
    assert isinstance(shape.args["shape"], Arg)
    assert callable(shape.shape)


# ------------------------------------------------------------------------------------------- plug-ins


@pytest.fixture(autouse=True)
def no_plug_ins_remembered() -> Iterator[None]:
    layers._plug_ins.cache_clear()
    yield
    layers._plug_ins.cache_clear()


def install(folder: Path, entries: dict[str, str], **modules: str) -> None:
    """A package on the path with these entry points and these modules."""
    info = folder / f"{folder.name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {folder.name}\nVersion: 1.0\n")
    lines = "\n".join(f"{name} = {value}" for name, value in entries.items())
    (info / "entry_points.txt").write_text(f"[cnnspec.layers]\n{lines}\n")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(dedent(text))


def layer_source(keyword: str) -> str:
    """A whole layer, as another package would declare it."""
    return dedent(f"""
        from cnnspec.layers.arguments import count, option
        from cnnspec.layers.base import Pointwise, Weightless, product
        from cnnspec.layers.facts import FRESH, SAVES_NOTHING, Work
        from cnnspec.layers.recipe import Function

        class Blur(Pointwise, Weightless):
            keyword = {keyword!r}
            radius = count(1, doc="rows on each side")
            edge = option("soft", "hard", doc="what happens at the border")

            def work(self, y, *xs):
                return Work(0, self.radius * product(y))

            def storage(self, y, *xs):
                return FRESH

            def saved(self, y, *xs):
                return SAVES_NOTHING

            def recipe(self, y, *xs):
                return Function("operator.pos")
    """)


def test_a_layer_of_another_package_works_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, {"blur": "blur_layers:Blur"}, blur_layers=layer_source("BLUR"))
    monkeypatch.syspath_prepend(tmp_path)
    blur = find("BLUR")
    assert blur is not None
    assert blur is find("BLUR")
    assert keywords() == (*KEYWORDS.split(), "BLUR")
    net = cnnspec.parse("INPUT(3x8x8) -> BLUR(hard, 2) -> BLUR")
    assert [node.op.work.other for node in net.graph.nodes] == [0, 384, 192]
    assert "soft" not in option_words()


def test_unknown_keywords_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, {"blur": "other_layers:Blur"}, other_layers=layer_source("BLUR"))
    monkeypatch.syspath_prepend(tmp_path)
    assert find("SHARPEN") is None


BROKEN = [
    ("gone", "no_such_module_here:Layer", "",
     "no_such_module_here:Layer does not load (ModuleNotFoundError: No module named 'no_such_module_here')"),
    ("lost", "broken:Lost", "",
     "broken:Lost does not load (AttributeError: module 'broken' has no attribute 'Lost')"),
    ("typo", "broken:Layer", "def (", "broken:Layer does not load (SyntaxError: invalid syntax (broken.py, line 1))"),
    ("half", "broken:Half", """
        from cnnspec.layers.base import Pointwise
        class Half(Pointwise):
            keyword = "HALF"
     """, "broken:Half does not load (TypeError: layer HALF lacks params, buffers, work, storage, saved, recipe)"),
    ("number", "broken:Number", "Number = 7", "broken:Number is no subclass of `cnnspec.layers.base.Layer`"),
    ("alien", "broken:Alien", "class Alien: keyword = 'ALIEN'",
     "broken:Alien is no subclass of `cnnspec.layers.base.Layer`"),
    ("family", "cnnspec.layers.base:Pointwise", "",
     "cnnspec.layers.base:Pointwise has no `keyword` of two or more capitals and digits"),
    ("small", "broken:Blur", layer_source("blur"),
     "broken:Blur has no `keyword` of two or more capitals and digits"),
    ("letter", "broken:Blur", layer_source("N"), "broken:Blur has no `keyword` of two or more capitals and digits"),
    ("ours", "broken:Blur", layer_source("CONV"), "there is a layer CONV already"),
]


@pytest.mark.parametrize(("name", "value", "module", "cause"), BROKEN)
def test_a_broken_plug_in_says_its_name_and_what_is_wrong(
    name: str, value: str, module: str, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(tmp_path, {name: value}, broken=module)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    for look in (lambda: find("BLUR"), keywords, lambda: find("BLUR")):  # each time, not only the first
        with pytest.raises(PluginError) as caught:
            look()
        assert (caught.value.name, caught.value.cause) == (name, cause)
        assert caught.value.diagnostics[0].message == f"the layer plug-in `{name}` cannot be used: {cause}"
    monkeypatch.delitem(sys.modules, "broken", raising=False)


def test_two_plug_ins_of_one_keyword_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, {"blur": "twice:Blur", "smear": "twice:Blur"}, twice=layer_source("BLUR"))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match="`smear` cannot be used: there is a layer BLUR already"):
        find("BLUR")


def test_built_in_layers_and_parameters_never_search_for_plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise AssertionError("plug-ins were searched for")

    monkeypatch.setattr(importlib.metadata, "entry_points", refuse)
    assert find("CONV") is layers.conv.Conv
    assert [find(name) for name in ("N", "n", "pool", "C", "ID", "Conv", "", "A-B", "_")] == [None] * 9
    with pytest.raises(AssertionError):
        find("BLUR")  # this one does: the test can fail


def test_the_catalogue_loads_nothing_heavy() -> None:
    code = ("import sys; before = set(sys.modules); from cnnspec.layers import find; assert find('CONV'); "
            "print(*sorted(set(sys.modules) - before))")
    loaded = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True,
                            cwd=Path(cnnspec.__file__).parents[1]).stdout.split()
    assert "cnnspec.layers" in loaded
    assert not {"importlib.metadata", "inspect", "dataclasses", "pathlib", "json", "torch", "numpy"} & set(loaded)
