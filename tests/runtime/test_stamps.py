"""Time stamps between the layers, by made-up clocks: every layer once, sums that hold, a module that does the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import cnnspec
from cnnspec.analysis.layer_times import Trace
from cnnspec.analysis.structure import runs_at_inference
from tests.language.test_random import nets
from tests.runtime.test_build import HEADS, RESIDUAL, TWO

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to time")

from torch import fx, nn  # noqa: E402  # behind the skip

from cnnspec.runtime import functions, stamps  # noqa: E402
from cnnspec.runtime.build import build  # noqa: E402
from cnnspec.runtime.live import LiveStorages  # noqa: E402

#: Merges that are functions, values that are written over, views, several inputs, heads of training alone.
SPECS = {
    "residual": RESIDUAL, "heads": HEADS, "two": TWO,
    "views": "INPUT(4x6x8) -> CONV(4, 3) -> CROP(4) -> FLATTEN -> RELU -> FC(9) -> FLATTEN -> RELU",
    "merges": "INPUT(4x6x8) -> CONV(4, 3) -> MUL{ CONV(4) | GAP -> SIGMOID | ID } -> CONCAT{ ID | RELU | CONV(2) }",
    "unweighted": "INPUT(4x6x8) -> POOL(2) -> RELU -> CONV(2) -> DROPOUT -> SHUFFLE(2) -> GAP",
}


class Clock:
    """Stands still, but where something is made to take its time, or each stamp a random one."""

    def __init__(self, seed: int | None = None) -> None:
        self.now = 0.0
        self.random = None if seed is None else random.Random(seed)  # noqa: S311  # no secret

    def __call__(self) -> float:
        self.now += self.random.random() if self.random else 0.0
        return self.now

    def takes(self, seconds: float) -> Callable[..., None]:
        def passes(*_: object) -> None:
            self.now += seconds

        return passes


def values(net: cnnspec.Net, images: int = 2) -> list[Any]:
    torch.manual_seed(0)
    return [torch.randn(images, *net.graph.nodes[index].shape) for index in net.graph.inputs.values()]


def loss(outputs: Any) -> Any:
    """A number that every output is part of."""
    return sum(value.square().mean() for value in (outputs.values() if isinstance(outputs, dict) else [outputs]))


def step(module: fx.GraphModule, net: cnnspec.Net, clock: Callable[[], float]) -> Trace:
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    return stamps.training(module, values(net), loss, optimizer, stamps.Stamps(clock))()


@pytest.fixture(params=SPECS)
def net(request: pytest.FixtureRequest) -> cnnspec.Net:
    return cnnspec.parse(SPECS[request.param])


# ------------------------------------------------------------------------------------- every layer, and the sums


def test_every_layer_that_runs_has_its_time_once(net: cnnspec.Net) -> None:
    module = build(net.graph).eval()
    found = stamps.inference(module, values(net), stamps.Stamps(Clock(1)))()
    assert set(found.forward) == runs_at_inference(net.graph)
    assert set(found.aside) == {"call"}
    assert found.backward == {}
    marked = [n.args[0][1] for n in stamps.stamped(module, stamps.Stamps()).graph.nodes if "mark" in n.name]
    assert sorted(what for what in marked if what != "call") == sorted(
        runs_at_inference(net.graph) - set(net.graph.inputs.values()))


def test_in_training_all_layers_run(net: cnnspec.Net) -> None:
    found = step(build(net.graph), net, Clock(1))
    assert set(found.forward) == set(range(len(net.graph.nodes)))
    assert set(found.aside) == {"optimizer", "call", "hooks", "loss"}


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_add_up_to_the_whole_by_any_clock(net: cnnspec.Net, seed: int) -> None:
    for training in (False, True):
        module, clock = build(net.graph).train(training), Clock(seed)
        run = stamps.inference(module, values(net), stamps.Stamps(clock))
        found = step(module, net, clock) if training else run()
        assert min(found.forward.values()) >= 0
        parts = [*found.forward.values(), *found.backward.values(), *found.aside.values()]
        assert sum(parts) == pytest.approx(found.whole, rel=1e-9)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(nets())
def test_random_networks(net: cnnspec.Net) -> None:
    module = build(net.graph).eval()
    times = stamps.measure(stamps.inference(module, values(net)), least=2, most=2, warm=0)
    assert set(times.layers) == runs_at_inference(net.graph)
    assert times.total == pytest.approx(times.whole, rel=1e-9)


def test_inputs_take_nothing() -> None:
    net = cnnspec.parse(TWO)
    found = stamps.inference(build(net.graph).eval(), values(net), stamps.Stamps(Clock(1)))()
    assert {found.forward[index] for index in net.graph.inputs.values()} == {0.0}
    assert sum(seconds == 0 for seconds in found.forward.values()) == 2


# ------------------------------------------------------------------------------------------ known answers


def test_the_time_that_a_layer_takes_is_its_own() -> None:
    """Hooks let the clock go on inside two modules; a merge has none, so that a slower one takes its place."""
    clock = Clock()

    def slow(*given: Any) -> Any:
        clock.now += 4.0
        return functions.mul(*given)

    net = cnnspec.parse("INPUT(3x8x8) -> CONV(3) as a -> MUL{ ID | SIGMOID as b | RELU } -> FC(2)")
    module = build(net.graph).eval()
    module.get_submodule("a").register_forward_hook(clock.takes(1.0))
    module.get_submodule("b").register_forward_pre_hook(clock.takes(2.0))
    merge = next(node for node in module.graph.nodes if node.target is functions.mul)
    merge.target = slow
    found = stamps.inference(module, values(net), stamps.Stamps(clock))()
    taken = {net.layers[index].path: seconds for index, seconds in found.forward.items() if seconds}
    assert taken == {"a": 1.0, "b": 2.0, "mul": 4.0}
    assert found.whole == 7.0


def test_the_parts_of_a_step_of_training() -> None:
    """A parameter's hook runs within its layer's backward pass."""
    clock = Clock()
    net = cnnspec.parse("INPUT(3x8x8) -> POOL(2) -> CONV(3) as a -> RELU -> CONV(3) as b -> GAP -> FC(2) as c "
                        "-> FLATTEN")
    module = build(net.graph)
    for seconds, name in ((1.0, "a"), (2.0, "b"), (4.0, "c")):
        module.get_submodule(name).register_forward_hook(clock.takes(seconds))
        module.get_parameter(f"{name}.weight").register_hook(clock.takes(8 * seconds))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    optimizer.register_step_pre_hook(clock.takes(64.0))

    def slow(outputs: Any) -> Any:
        clock.now += 128.0
        return loss(outputs)

    found = stamps.training(module, values(net), slow, optimizer, stamps.Stamps(clock))()
    index = {layer.path: layer.index for layer in net.layers}
    assert [found.forward[index[name]] for name in "abc"] == [1.0, 2.0, 4.0]
    assert [found.backward[index[name]] for name in "abc"] == [8.0, 16.0, 32.0]
    assert (found.aside["optimizer"], found.aside["loss"], found.whole) == (64.0, 128.0, 255.0)
    assert {net.layers[i].path for i in range(len(net.layers))} - {net.layers[i].path for i in found.backward} == {
        "input", "pool", "flatten"}


@pytest.mark.parametrize(("text", "without"), [
    ("INPUT(4x6x8) -> RELU -> POOL(2) -> CONV(2) -> RELU", {"input", "relu[0]", "pool"}),
    ("INPUT(4x6x8) -> CONV(2) -> GAP -> FC(2) -> FLATTEN -> DROPOUT(0.5)", {"input", "flatten"}),  # is flat
    ("INPUT(4x6x8) -> CONV(2) -> FLATTEN -> FC(3)", {"input"}),
    ("INPUT(4x6x8) -> CONV(2) -> FLATTEN -> RELU -> FC(3)", {"input", "flatten"}),  # a view that is written over
    ("INPUT(4x6x8) -> CONV(2) -> ADD{ ID | CONV(2) } -> RELU -> CONCAT{ ID | CONV(2) }", {"input"}),
    ("INPUT(4x6x8) -> CONV(4, norm=spectral) -> CONV(4, norm=weight) -> MUL{ ID | GAP -> CONV(4, 1) -> SIGMOID }",
     {"input"}),
])
def test_the_layers_that_have_a_backward_pass(text: str, without: set[str]) -> None:
    net = cnnspec.parse(text)
    found = step(build(net.graph), net, Clock(1))
    assert {layer.path for layer in net.layers if layer.index not in found.backward} == without
    assert list(found.backward) == sorted(found.backward, reverse=True)


# ------------------------------------------------------------------------------------ the module as it was


def test_the_outputs_are_the_modules(net: cnnspec.Net) -> None:
    module = build(net.graph).eval()
    copy = stamps.stamped(module, stamps.Stamps())
    with torch.no_grad():
        told, found = copy(*values(net)), module(*values(net))
    for one, other in zip(_tensors(told), _tensors(found), strict=True):
        assert torch.equal(one, other)


def test_a_step_of_training_is_the_same_step(net: cnnspec.Net) -> None:
    modules = []
    for timed in (True, False):
        torch.manual_seed(1)
        module = build(net.graph)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
        given = values(net)
        run = stamps.training(module, given, loss, optimizer)
        for seed in range(2):
            torch.manual_seed(seed)  # of dropout
            if timed:
                run()
            else:
                optimizer.zero_grad()
                loss(module(*given)).backward()
                optimizer.step()
        modules.append(module)
    for (name, one), other in zip(modules[0].state_dict().items(), modules[1].state_dict().values(), strict=True):
        assert torch.equal(one, other), name


@pytest.mark.parametrize("training", [False, True])
def test_values_are_freed_as_in_the_module(net: cnnspec.Net, training: bool) -> None:
    peaks = []
    for copied in (False, True):
        module = build(net.graph).train(training)
        run = stamps.stamped(module, stamps.Stamps(), backward=training) if copied else module
        given = values(net)
        with torch.set_grad_enabled(training), LiveStorages([*module.parameters(), *module.buffers(), *given]) as live:
            outputs = run(*given)
            if training:
                loss(outputs).backward()
            del outputs
        peaks.append((live.peak, live.bytes()))
    assert peaks[0] == peaks[1]


def test_nothing_is_left_of_a_step() -> None:
    net = cnnspec.parse(RESIDUAL)
    module, given = build(net.graph), values(net)
    run = stamps.training(module, given, loss, torch.optim.SGD(module.parameters(), lr=0.1))
    run()
    with LiveStorages([*module.parameters(), *module.buffers(), *given]) as live:
        before = live.bytes()
        run()
        gradients = sum(weight.grad.untyped_storage().nbytes() for weight in module.parameters()
                        if weight.grad is not None)
        assert live.bytes() == before + gradients


def test_every_run_begins_anew() -> None:
    net = cnnspec.parse(RESIDUAL)
    clock = Clock()
    module = build(net.graph).eval()
    module.get_submodule("stem").register_forward_hook(clock.takes(1.0))
    run = stamps.inference(module, values(net), stamps.Stamps(clock))
    assert run() == run()


def _tensors(found: Any) -> list[Any]:
    return list(found.values()) if isinstance(found, dict) else [found]


# ------------------------------------------------------------------------------------------- several runs


@pytest.mark.parametrize(("lasting", "runs"), [(0.001, 50), (0.1, 20), (5.0, 8)])
def test_runs_until_the_time_is_spent(lasting: float, runs: int) -> None:
    made: list[Trace] = []

    def run() -> Trace:
        made.append(Trace({0: lasting}, {}, {}, lasting, "CUDA events"))
        return made[-1]

    times = stamps.measure(run, seconds=1.95, least=8, most=50, warm=2)
    assert (times.runs, len(made), times.clock) == (runs, runs + 2, "CUDA events")
    assert times.whole == pytest.approx(lasting)


def test_a_run_as_a_whole_has_no_layers() -> None:
    clock, net = Clock(), cnnspec.parse(RESIDUAL)
    module = build(net.graph)
    module.get_submodule("stem").register_forward_hook(clock.takes(1.0))
    module.get_parameter("stem.weight").register_hook(clock.takes(2.0))
    taken = stamps.Stamps(clock)
    found = stamps.inference(module.eval(), values(net), taken, whole=True)()
    assert ({*found.forward.values()}, found.aside, found.whole) == ({0.0}, {"call": 1.0}, 1.0)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    found = stamps.training(module.train(), values(net), loss, optimizer, taken, whole=True)()
    assert (found.aside, found.backward) == ({"optimizer": 0.0, "call": 1.0, "loss": 2.0}, {})


def test_plain_runs_are_made_in_turn_and_kept_apart() -> None:
    order: list[str] = []

    def run(name: str, seconds: float) -> Callable[[], Trace]:
        return lambda: (order.append(name), Trace({0: seconds}, {}, {}, seconds))[1]

    times = stamps.measure(run("stamped", 0.5), run("plain", 0.25), seconds=3.0, least=2, warm=1)
    assert order == ["stamped", "plain"] * 5
    assert (times.runs, times.whole, times.plain, times.overhead) == (4, 0.5, 0.25, 0.25)


def test_the_layers_are_shared_and_not_copied() -> None:
    module = build(cnnspec.parse(RESIDUAL).graph)
    copy = stamps.stamped(module, stamps.Stamps())
    assert copy.get_submodule("stem") is module.get_submodule("stem")
    assert isinstance(copy.get_submodule("stem"), nn.Conv2d)
