"""Weights from elsewhere: by name, by structure, from files; and what is said of those that do not fit."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.diagnostics import SpecError
from tests.layers.oracle import needs_torch

pytestmark = needs_torch

SMALL = """
block conv_bn(c, k = 3) = CONV(c, k, bias=off) -> BN
net small =
    INPUT(3x8x8)
    -> conv_bn(4)
    -> RELU
    -> ADD{ conv_bn(8) -> RELU -> conv_bn(8, 1) | conv_bn(8, 1) as shortcut }
    -> GAP
    -> FC(5)
"""


def trained(text: str) -> Any:
    """The module of a net, all its numbers random, in evaluation mode."""
    import torch

    torch.manual_seed(0)
    module = cnnspec.parse(text).to_torch()
    shake(module)
    return module.eval()


def shake(module: Any) -> None:
    """Give random values to all parameters and statistics."""
    import torch

    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)


def loaded(text: str, weights: Any, **settings: Any) -> Any:
    return cnnspec.parse(text, name="net.cnn").to_torch(weights=weights, **settings).eval()


def alike(module: Any, other: Any, shape: tuple[int, ...] = (3, 8, 8)) -> bool:
    """Whether two modules compute the same."""
    import torch

    x = torch.randn(2, *shape)
    with torch.no_grad():
        return torch.allclose(module(x), other.eval()(x), rtol=1e-5)


def said(weights: Any, text: str = SMALL) -> tuple[str, ...]:
    """The message for weights that do not fit, and what led there or mends it."""
    with pytest.raises(SpecError) as caught:
        loaded(text, weights)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "bad-weights"
    assert diagnostic.span is None
    return diagnostic.message, *diagnostic.notes, *filter(None, [diagnostic.help])


def saved(state: Mapping[str, Any], path: Path) -> Path:
    import torch

    if path.suffix == ".safetensors":
        pytest.importorskip("safetensors.torch").save_file(dict(state), path)
    else:
        torch.save(state, path)
    return path


class TestOwnNames:
    @pytest.mark.parametrize("end", ["safetensors", "pt", "pth", "bin"])
    def test_a_file_brings_everything_back(self, tmp_path: Path, end: str) -> None:
        import torch

        state = trained(SMALL).state_dict()
        state["conv_bn.0.bn.num_batches_tracked"].fill_(7)
        path = saved(state, tmp_path / f"small.{end}")
        for given in (path, str(path)):
            found = loaded(SMALL, given).state_dict()
            assert list(found) == list(state)
            assert all(torch.equal(found[key], tensor) for key, tensor in state.items())

    def test_paths_as_the_summary_writes_them_are_names_too(self) -> None:
        text = "net n = INPUT(3x8x8) -> [CONV(3, bias=off)]*2 -> CONV(3, bias=off) as forward"
        module = trained(text)
        first, second, third = (layer for layer in module.state_dict().values())
        state = {"forward.weight": third, "conv[1].weight": second, "conv[0].weight": first}
        assert alike(module, loaded(text, state))

    def test_names_decide_and_not_the_order(self) -> None:
        text = "net n = INPUT(3x8x8) -> [CONV(3)]*2"
        module = trained(text)
        state = module.state_dict()
        assert alike(module, loaded(text, {key: state[key] for key in reversed(state)}))

    def test_batches_that_nobody_counted_are_none(self) -> None:
        state = {key: tensor for key, tensor in trained(SMALL).state_dict().items() if "tracked" not in key}
        assert loaded(SMALL, state).state_dict()["conv_bn.0.bn.num_batches_tracked"].tolist() == 0

    def test_the_module_has_its_own_copy_in_the_dtype_that_is_asked_for(self) -> None:
        import torch

        state = trained(SMALL).half().state_dict()
        module = loaded(SMALL, state)
        assert {p.dtype for p in module.parameters()} == {torch.float32}
        assert {p.dtype for p in loaded(SMALL, state, dtype=torch.float64).parameters()} == {torch.float64}
        before = module.fc.weight.clone()
        state["fc.weight"].zero_()
        assert torch.equal(module.fc.weight, before)
        assert all(p.requires_grad for p in module.parameters())
        assert module.get_buffer("conv_bn.0.bn.num_batches_tracked").dtype == torch.int64

    def test_the_device_is_the_one_that_is_asked_for(self) -> None:
        module = loaded(SMALL, trained(SMALL).state_dict(), device="meta")
        assert {tensor.device.type for tensor in module.state_dict().values()} == {"meta"}

    @pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
    @pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model", None])
    def test_what_training_scripts_wrap_it_in_is_taken_off(self, tmp_path: Path, prefix: str,
                                                           wrapper: str | None) -> None:
        module = trained(SMALL)
        state: dict[str, Any] = {f"{prefix}{key}": tensor for key, tensor in module.state_dict().items()}
        content = state if wrapper is None else {"epoch": 3, wrapper: state}
        found = loaded(SMALL, saved(content, tmp_path / "checkpoint.pt"))
        assert alike(module, found)


class TestOtherLayouts:
    def test_a_linear_layer_fits_a_convolution_of_one_position_and_the_reverse(self) -> None:
        from torch import nn

        text = "net n = INPUT(3x8x8) -> CONV(4) -> CONV(6, 1) -> GAP -> FC(5)"
        reference = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 6), nn.Conv2d(6, 5, 1))
        shake(reference)
        module = loaded(text, reference.state_dict())
        assert module.get_submodule("conv.1").weight.shape == (6, 4, 1, 1)
        assert module.get_submodule("conv.1").weight.flatten().tolist() == reference[1].weight.flatten().tolist()
        assert module.fc.weight.flatten().tolist() == reference[2].weight.flatten().tolist()

    def test_a_gain_that_is_listed_before_its_block_waits_for_its_turn(self) -> None:
        import torch
        from torch import nn

        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.gain = nn.Parameter(torch.ones(3, 1, 1))
                self.block = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x + self.gain * self.block(x)

        reference = nn.Sequential(Block(), Block())
        shake(reference)
        text = "net n = INPUT(3x8x8) -> [ADD{ CONV(3) -> BN -> SCALE | ID }]*2"
        assert alike(loaded(text, reference.state_dict()), reference)
        with_it_twice = "net n = INPUT(3x8x8) -> [ADD{ CONV(3) -> BN | ID }]*2 -> SCALE -> SCALE"
        assert said(reference.state_dict(), with_it_twice) == (
            "`0.gain` (3x1x1) fits no layer: the next is `conv[1]` (weight 3x3x3x3, bias 3), line 1",
            "2 of 6 layers got their weights; the last was `bn[0]`, from `0.block.1`")

    @pytest.mark.parametrize("branches", ["{main} | {shortcut}", "{shortcut} | {main}"])
    @pytest.mark.parametrize("shortcut_first", [True, False])
    def test_branches_may_come_in_any_order(self, branches: str, shortcut_first: bool) -> None:
        """The shortcut has the shape of the branch's first layer and of its last: only the chain tells them apart."""
        import torch
        from torch import nn

        def conv(kernel: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(3, 3, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(3))

        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                if shortcut_first:
                    self.proj = conv(1)
                self.f = nn.Sequential(conv(1), nn.ReLU(), conv(3), nn.ReLU(), conv(1))
                if not shortcut_first:
                    self.proj = conv(1)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.relu(self.proj(x) + 0.1 * self.f(x))

        reference = nn.Sequential(Block(), Block())
        shake(reference)
        written = branches.format(main="cb(1) -> RELU -> cb(3) -> RELU -> cb(1) -> SCALE(0.1, train=off)",
                                  shortcut="cb(1)")
        text = (f"block cb(k) = CONV(3, k, bias=off) -> BN\n"
                f"net n = INPUT(3x8x8) -> [ADD{{ {written} }} -> RELU]*2")
        state = reference.state_dict()
        assert alike(loaded(text, state), reference)
        assert alike(loaded(text, {key: state[key] for key in sorted(state)}), reference)

    @pytest.mark.parametrize("names", [["a", "head", "b"], ["a", "b", "head"]])
    def test_a_head_may_be_listed_beside_the_layers_it_leaves(self, names: list[str]) -> None:
        import torch
        from torch import nn

        layers = {"a": nn.Conv2d(3, 4, 3), "b": nn.Conv2d(4, 6, 3), "head": nn.Conv2d(4, 2, 3)}
        reference = nn.ModuleDict({name: layers[name] for name in names})
        for text in ("net n = INPUT(3x8x8) -> CONV(4) as a -> CONV(6) as b ; @a -> CONV(2) -> OUTPUT(aux) ; @b",
                     "net n = INPUT(3x8x8) -> CONV(4) as a -> CONV(2) -> OUTPUT(aux) ; @a -> CONV(6)"):
            module = loaded(text, reference.state_dict())
            found = {tuple(tensor.shape): tensor for tensor in module.state_dict().values()}
            for tensor in reference.state_dict().values():
                assert torch.equal(found[tuple(tensor.shape)], tensor)

    def test_lists_of_modules_are_gone_through_side_by_side(self) -> None:
        from torch import nn

        text = "net n = INPUT(3x8x8) -> [CONV(3, bias=off) -> BN]*3"
        convs = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1, bias=False) for _ in range(3))
        bns = nn.ModuleList(nn.BatchNorm2d(3) for _ in range(3))
        reference = nn.ModuleDict({"convs": convs, "bns": bns})
        shake(reference)
        module = loaded(text, reference.state_dict())
        for index in range(3):
            assert module.get_submodule(f"conv.{index}").weight.tolist() == convs[index].weight.tolist()
            assert module.get_submodule(f"bn.{index}").weight.tolist() == bns[index].weight.tolist()

    def test_branches_that_are_alike_are_told_apart_by_their_order(self) -> None:
        from torch import nn

        text = "net n = INPUT(3x8x8) -> CONCAT{ CONV(4) | CONV(4) }"
        reference = nn.ModuleDict({"second": nn.Conv2d(3, 4, 3), "first": nn.Conv2d(3, 4, 3)})
        module = loaded(text, reference.state_dict())
        assert module.get_submodule("conv.0").weight.tolist() == reference["second"].weight.tolist()
        assert module.get_submodule("conv.1").weight.tolist() == reference["first"].weight.tolist()

    @pytest.mark.filterwarnings("ignore::FutureWarning")
    def test_weight_and_spectral_norms_of_before_and_of_today(self) -> None:
        from torch import nn

        text = "net n = INPUT(3x8x8) -> CONV(4, norm=weight) -> CONV(4, norm=spectral) -> BN -> PRELU"
        old, new = nn.utils, nn.utils.parametrizations
        for norms in ((old.weight_norm, old.spectral_norm), (new.weight_norm, new.spectral_norm)):
            first, second = (nn.Conv2d(channels, 4, 3, padding=1) for channels in (3, 4))
            reference = nn.Sequential(norms[0](first), norms[1](second), nn.BatchNorm2d(4), nn.PReLU()).eval()
            state = reference.state_dict()
            assert alike(loaded(text, state), reference)
            assert alike(loaded(text, {key: state[key] for key in sorted(state)}), reference)

    def test_a_normalisation_may_call_its_weights_gamma_and_beta(self) -> None:
        import torch

        state = {"norm.gamma": torch.rand(3), "norm.beta": torch.rand(3), "act.alpha": torch.rand(1)}
        module = loaded("net n = INPUT(3x8x8) -> LN -> PRELU", state)
        assert [tensor.tolist() for tensor in module.state_dict().values()] == [t.tolist() for t in state.values()]

    def test_fixed_weights_and_scalars_are_loaded_too(self) -> None:
        import torch

        text = "net n = INPUT(3x8x8) -> CONV(4, train=off) -> SCALE"
        state = {"a.weight": torch.rand(4, 3, 3, 3), "a.bias": torch.rand(4), "gain": torch.rand(4)}
        module = loaded(text, state)
        assert len(list(module.parameters())) == 1
        assert torch.equal(module.conv.weight, state["a.weight"])

    def test_a_net_without_weights_takes_none(self) -> None:
        assert loaded("net n = INPUT(3x8x8) -> RELU", {}).state_dict() == {}


def renamed(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state dict in another layout: the layers by number."""
    prefixes = list(dict.fromkeys(key.rpartition(".")[0] for key in state))
    return {f"layer{prefixes.index(key.rpartition('.')[0])}.{key.rpartition('.')[2]}": t for key, t in state.items()}


class TestMisfits:
    def test_a_tensor_that_fits_no_layer_is_named_with_the_one_that_is_next(self) -> None:
        import torch

        state = renamed(trained(SMALL).state_dict())
        state["layer2.weight"] = torch.ones(8, 4, 5, 5)
        assert said(state) == (
            "`layer2.weight` (8x4x5x5) fits no layer: the next is `conv_bn[1].conv` (8x4x3x3), line 2",
            "2 of 9 layers got their weights; the last was `conv_bn[0].bn`, from `layer1`")

    def test_of_the_first_layer_too(self) -> None:
        import torch

        assert said({"a.weight": torch.ones(4, 1, 3, 3)}) == (
            "`a.weight` (4x1x3x3) fits no layer: the next is `conv_bn[0].conv` (4x3x3x3), line 2",)

    def test_a_layer_with_other_tensors_is_shown_with_all_of_them(self) -> None:
        import torch

        state = {"a.weight": torch.ones(4, 3, 3, 3), "a.bias": torch.ones(4)}
        (message,) = said(state)
        assert message == ("`a` (weight 4x3x3x3, bias 4) fits no layer: "
                           "the next is `conv_bn[0].conv` (weight 4x3x3x3), line 2")

    def test_a_normalisation_before_its_convolution_is_another_network(self) -> None:
        from torch import nn

        state = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 3)).state_dict()
        (message,) = said(state, "net n = INPUT(3x8x8) -> CONV(3) -> BN")
        assert message == ("`0` (weight 3, bias 3, running_mean 3, running_var 3) fits no layer: "
                           "the next is `conv` (weight 3x3x3x3, bias 3), line 1")

    def test_what_is_left_over_is_named(self) -> None:
        import torch

        state = renamed(trained(SMALL).state_dict()) | {"more.weight": torch.ones(2, 5), "more.bias": torch.ones(2)}
        assert said(state) == ("`more.weight` (2x5) is left over: every layer of the net has its weights",
                               "9 of 9 layers got their weights; the last was `fc`, from `layer8`")

    def test_a_layer_that_gets_none_is_named(self) -> None:
        state = renamed(trained(SMALL).state_dict())
        del state["layer8.weight"], state["layer8.bias"]
        assert said(state) == ("no weights are left for `fc` (5x8), line 9",
                               "8 of 9 layers got their weights; the last was `shortcut.bn`, from `layer7`")

    def test_nothing_is_too_little(self) -> None:
        assert said({}) == ("no weights are left for `conv_bn[0].conv` (4x3x3x3), line 2",)

    def test_a_second_tensor_of_one_role_is_left_over(self) -> None:
        import torch

        before = {"a.weight_g": torch.ones(3, 1, 1, 1), "a.weight_v": torch.ones(3, 3, 3, 3), "a.bias": torch.ones(3)}
        today = {"a.parametrizations.weight.original0": torch.ones(3, 1, 1, 1)}
        assert said(before | today, "net n = INPUT(3x8x8) -> CONV(3, norm=weight)") == (
            "`a.parametrizations.weight.original0` (3x1x1x1) is left over: its layer has such a tensor already",)

    def test_own_names_with_one_wrong_shape(self) -> None:
        import torch

        state = trained(SMALL).state_dict()
        state["fc.weight"] = torch.ones(7, 8)
        assert said(state) == ("`fc.weight` is 7x8, but 5x8 in the net, line 9",)

    def test_own_names_with_one_missing(self) -> None:
        state = trained(SMALL).state_dict()
        del state["fc.weight"]
        assert said(state) == ("`fc.weight` (5x8), line 9, is not in the state dict",)

    def test_own_names_with_one_too_many(self) -> None:
        import torch

        state = trained(SMALL).state_dict() | {"fc.gain": torch.ones(())}
        assert said(state) == ("`fc.gain` (one number) is left over: the net has no such layer",)

    def test_what_holds_no_numbers_of_weights_is_refused(self) -> None:
        import torch

        state = trained(SMALL).state_dict()
        wrong = [torch.ones(5, dtype=torch.int8), torch.ones(5, device="meta"), torch.eye(5).to_sparse(), [1.0]]
        assert [said(state | {"fc.bias": tensor})[0] for tensor in wrong] == [
            "`fc.bias` holds int8, not floating-point numbers",
            "`fc.bias` holds no numbers, or not one for each element",
            "`fc.bias` holds no numbers, or not one for each element",
            "`fc.bias` is no tensor, but of type list",
        ]

    def test_names_of_endless_depth_are_refused(self) -> None:
        import torch

        assert said({"a." * 5000 + "weight": torch.ones(1)}) == (
            f"`{'a.' * 20}…` lies deeper than 100 modules",)


class Running:
    """What a pickle would call when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


class TestFiles:
    def test_nothing_in_a_file_is_ever_run(self, tmp_path: Path) -> None:
        mark = tmp_path / "ran"
        path = saved({"a.weight": Running(mark)}, tmp_path / "evil.pt")
        assert said(path) == (f"{path} holds more than weights: reading it would call `posix.mkdir`",
                              "save the state dict alone: `torch.save(model.state_dict(), …)`")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            path = tmp_path / f"evil{protocol}.bin"
            path.write_bytes(pickle.dumps({"a.weight": Running(mark)}, protocol))
            assert said(path)[0].startswith(f"{path} ")
        assert not mark.exists()

    def test_a_whole_module_is_no_state_dict(self, tmp_path: Path) -> None:
        from torch import nn

        path = saved(nn.Linear(2, 2), tmp_path / "whole.pth")  # type: ignore[arg-type]  # not a state dict: that is it
        assert said(path)[0] == (f"{path} holds more than weights: reading it would call "
                                 "`torch.nn.modules.linear.Linear`")

    @pytest.mark.parametrize(("content", "message"), [
        ([1, 2], "{} holds no state dict, but an object of type list"),
        ({"epoch": 3}, "{} holds no state dict: `epoch` is of type int, no tensor"),
    ])
    def test_other_things_are_no_state_dict(self, tmp_path: Path, content: Any, message: str) -> None:
        path = saved(content, tmp_path / "other.pt")
        assert said(path) == (message.format(path),)

    @pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and no more", b"\x80\x02}"])
    def test_damaged_files(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "damaged.pt"
        path.write_bytes(content)
        assert said(path) == (f"{path} is damaged, or no file that PyTorch saved",)

    def test_a_damaged_safetensors_file(self, tmp_path: Path) -> None:
        pytest.importorskip("safetensors")
        path = tmp_path / "damaged.safetensors"
        path.write_bytes(b"hello")
        (message,) = said(path)
        assert message == (f"{path} is damaged, or no safetensors file: "
                           "Error while deserializing header: header too small")

    @pytest.mark.parametrize("end", ["pt", "safetensors"])
    def test_files_that_cannot_be_read(self, tmp_path: Path, end: str) -> None:
        missing, folder = tmp_path / f"missing.{end}", tmp_path / f"folder.{end}"
        folder.mkdir()
        assert said(missing) == (f"{missing} cannot be read: No such file or directory",)
        assert said(folder) == (f"{folder} cannot be read: Is a directory",)
        assert said(f"nul\0.{end}") == (f"nul\0.{end} cannot be read: embedded null byte",)

    def test_a_name_that_is_of_no_kind(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.h5"
        path.touch()
        assert said(path) == (f"{path} is no file of weights, by its name",
                              "it should end in .safetensors or in one of .pt .pth .bin")
