"""Slips of the pen in published networks: each gives one message, on the line that holds it, naming what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnspec.analysis.check import check
from cnnspec.diagnostics import Diagnostic
from cnnspec.limits import Limits
from cnnspec.source import Source

SPECS = Path(__file__).parents[2] / "specs"

#: By file: what stands in the spec, what is written instead (at its first occurrence), the code, and what is named.
SLIPS = {
    "vgg16": [
        ("RELU]*n", "RELLU]*n", "unknown-layer", "RELLU"),
        ("CONV(c, 3)", "CNOV(c, 3)", "unknown-layer", "CNOV"),
        ("CONV(c, 3)", "CONV(c, 3", "unclosed-bracket"),
        ("POOL(2)] for", "POOL(2) for", "unclosed-bracket"),
        ("CONV(c, 3) -> RELU]*n", "CONV(c, 3) RELU]*n", "missing-arrow", "RELU"),
        ("FC(4096)", "FC(4096, 4096)", "bad-argument", "4096"),
        ("DROPOUT(0.5)", "DROPOUT(5)", "bad-argument", "5"),
        ("DROPOUT(0.5)", "DROPOUT(p=on)", "bad-argument", "on"),
        ("FC(classes)", "FC(clases)", "unknown-name", "clases"),
        ("(512,3), (512,3))", "(512,3), (512))", "bad-operand", "512"),
        ("(512,3), (512,3))", "(512,3), (512,3,1))", "bad-operand"),
        ("(512,3), (512,3))", "(512,3) (512,3))", "not-callable"),
        ("(512,3), (512,3))", "(512,3), (512,3)", "unclosed-bracket"),
        ("(512,3), (512,3))", "(512,3), (512,3), (512,3), (512,3), (512,3))", "size-zero"),
        ("for c, n in", "for c n in", "syntax"),
        ("for c, n in", "for c, n of", "syntax"),
        ("for c, n in", "for c in", "unknown-name"),
        ("INPUT(3x224x224)", "INPUT(3x224x)", "bad-number"),
        ("INPUT(3x224x224)", "INPUT(3x224x224", "unclosed-bracket"),
        ("138_357_544", "138_357_545", "expect", "138,357,544", "138,357,545"),
        ("15.5G", "15.4G", "expect", "15,470,264,320", "15,400,000,000"),
        ("output == 1000", "output == 10", "expect", "1,000", "10"),
        ("output == 1000", "output = 1000", "single-equals"),
        ("vgg16.rf == 212", "vgg16.rff == 212", "unknown-figure", "rff"),
        ("expect vgg16.rf", "expect vgg61.rf", "unknown-name", "vgg61"),
        ("expect vgg16.rf", "expct vgg16.rf", "unknown-statement", "expct"),
        ("net vgg16(classes = 1000) =", "net vgg16(classes = 1000)", "missing-equals"),
        ("net vgg16(classes = 1000) =", "net vgg16(classes: 1000) =", "syntax"),
        ("]*2", "]x2", "missing-arrow"),
        ("]*2", "]*2.5", "bad-operand", "2.5"),
        ("]*2", "]*m", "unknown-name", "m"),
        ("]*2", "]**2", "syntax"),
        ("-> FC(classes)", "-> FC(classes) ->", "arrow-at-end"),
        ("-> FC(classes)", "-> -> FC(classes)", "missing-step"),
        ("-> FC(classes)", "=> FC(classes)", "bad-arrow"),
        ("-> FC(classes)", "-> FC(classes) -> CONV(3, 3)", "flat-input", "1,000"),
    ],
    "resnet": [
        ("k, stride=s, groups=g", "k, strid=s, groups=g", "unknown-argument", "strid"),
        ("k, stride=s, groups=g", "k, stride=s, group=g", "unknown-argument", "group"),
        ("groups=g, dilation=d, bias=off", "groups=g, dilation=d, bias=no", "unknown-name", "no"),
        ("groups=g, dilation=d, bias=off", "groups=g, dilation=d, bias=False", "unknown-name", "False"),
        ("k, stride=s, groups=g", "k, stride=0, groups=g", "bad-argument", "0"),
        ("shortcut(c, s) }", "shortcut(c) }", "missing-argument", "s"),
        ("| shortcut(c, s) }", "| ID }", "shape-mismatch", "128x28x28", "64x56x56"),
        ("| shortcut(4*c, s) }", "| shortcut(c, s) }", "shape-mismatch", "256x56x56", "64x56x56"),
        ("conv_bn(c, 3, s) -> RELU -> conv_bn(c)", "conv_bn(c, 3, s) -> RELU -> conv_bn(c, 3, s)", "shape-mismatch"),
        ("conv_bn(c, 3, s) -> RELU -> conv_bn(c)", "conv_bn(c, s, 3) -> RELU -> conv_bn(c)", "shape-mismatch"),
        ("conv_bn(c, 3, s) -> RELU -> conv_bn(c)",
         "cov_bn(c, 3, s) -> RELU -> conv_bn(c)",
         "unknown-block", "cov_bn"),
        ("C == c", "C = c", "single-equals"),
        ("C == c", "K == c", "unknown-name", "K"),
        ("conv_bn(64, 7, 2) : 64x112x112",
         "conv_bn(64, 7, 1) : 64x112x112",
         "ascription", "64x224x224", "64x112x112"),
        ("conv_bn(64, 7, 2) : 64x112x112", "conv_bn(64, 7, 2) : 64x112x11", "ascription", "64x112x112", "64x112x11"),
        ("conv_bn(64, 7, 2) : 64x112x112", "conv_bn(32, 7, 2) : 64x112x112", "ascription", "32x112x112"),
        ("POOL(3, stride=2, pad=1) : 64x56x56", "POOL(3, stride=2, pad=2) : 64x56x56", "bad-argument", "2"),
        ("POOL(3, stride=2, pad=1) : 64x56x56", "POOL(3, 2, 0) : 64x56x56", "ascription", "64x55x55"),
        ("(1, 2, 2, 2), depths)", "(1, 2, 2), depths)", "uneven-zip", "4"),
        ("where mid = c * base // 64 * groups", "where md = c * base // 64 * groups", "unknown-name"),
        ("where mid = c * base // 64 * groups", "where mid = c * bse // 64 * groups", "unknown-name", "bse"),
        ("where mid = c * base // 64 * groups", "where mid = c * base // 0 * groups", "division-by-zero"),
        ("where mid = c * base // 64 * groups", "where mid = c * base / 64 * groups", "bad-argument", "64.0"),
        ("resnet(bottleneck, (3, 4, 6, 3))", "resnet(bottlneck, (3, 4, 6, 3))", "unknown-name", "bottlneck"),
        ("resnet(bottleneck, (3, 4, 6, 3))", "resnet((3, 4, 6, 3), bottleneck)", "bad-argument"),
        ("resnet(bottleneck, (3, 4, 6, 3))", "resnet(bottleneck, 3, 4, 6, 3)", "unknown-argument"),
        ("resnet(bottleneck, (3, 4, 6, 3))", "resnet(bottleneck, (3, 4, 6))", "uneven-zip"),
        ("resnet(bottleneck, (3, 4, 6, 3))", "resnet(bottleneck, depth=(3, 4, 6, 3))", "unknown-argument", "depth"),
        ("net resnet34", "net resnet18", "defined-twice", "resnet18"),
        ("block basic(c, s = 1) =", "block basic(c, s == 1) =", "syntax"),
        ("block basic(c, s = 1) =", "block basic(c s = 1) =", "missing-comma"),
        ("block basic(c, s = 1) =", "blok basic(c, s = 1) =", "unknown-statement", "blok"),
        ("block basic(c, s = 1) =", "block basic(c, c = 1) =", "bound-twice", "c"),
        ("[unit(c)]*(n-1)]", "[unit(c)]*n-1]", "missing-parentheses"),
        ("[unit(c)]*(n-1)]", "[unit(c)*(n-1)]", "unclosed-bracket"),
        ("[unit(c)]*(n-1)]", "[unit(c)]*(n-1)]]", "stray-bracket"),
        ("ADD{ conv_bn(c, 3, s)", "ADD( conv_bn(c, 3, s)", "mismatched-bracket"),
        ("ADD{ conv_bn(c, 3, s)", "ADD{ conv_bn(c, 3, s))", "stray-bracket"),
        ("} -> RELU", "-> RELU", "unclosed-bracket"),
        ("} -> RELU", "} RELU", "missing-arrow"),
    ],
    "unet": [
        ("@e[i]", "@f[i]", "unknown-value", "f"),
        ("@e[i]", "@e[i+1]", "unknown-value", "e"),
        ("@e[i]", "@e", "unknown-value", "e"),
        ("@e[i]", "@e[:]", "shape-mismatch"),
        ("@e[i]", "e[i]", "unknown-name", "e"),
        ("UPCONV(base*2**i, 2, stride=2)", "UPCONV(base*2**i, 2, stride=1)", "shape-mismatch", "17x17"),
        ("UPCONV(base*2**i, 2, stride=2)", "UPCONV(base*2^i, 2, stride=2)", "bad-character"),
        ("UPCONV(base*2**i, 2, stride=2)", "UPCONV(base*2**i 2, stride=2)", "missing-comma"),
        ("UPCONV(base*2**i, 2, stride=2)", "UPCONV(base*2**j, 2, stride=2)", "unknown-name", "j"),
        ("CONCAT{ @e[i] |", "CONCAT{ @e[i],", "bad-arrow"),
        ("(3, 2, 1, 0)", "(4, 3, 2, 1, 0)", "unknown-value"),
        ("range(4)", "range(9)", "size-zero"),
        ("classes, 388, 388", "classes, 388, 380", "ascription", "388x388", "388x380"),
        (": 1024x28x28", ": 1024x28x29", "ascription", "1024x28x28"),
    ],
    "densenet": [
        ("depths[-1]) :", "depths[4]) :", "index-out-of-range", "4"),
        ("(C+growth*depths[-1], 7, 7)", "(C+growth*depths[-1], 7, 8)", "ascription"),
        ("C//2", "C/2", "bad-argument", "128.0"),
        ("C//2", "c//2", "unknown-name", "c"),
        ("-> transition]", "-> transition(2)]", "unknown-argument", "transition"),
        ("-> transition]", "-> Transition]", "unknown-block"),
        ("CONCAT{ @x[:] } -> layer", "ADD{ @x[:] } -> layer", "shape-mismatch"),
        ("range(1, n+1)", "range(1, n+1", "unclosed-bracket"),
        ("as x[i]]", "as x[i]", "unclosed-bracket"),
        ("ID as x[0]\n    -> [CONCAT", "[CONCAT", "used-before"),
    ],
    "wavenet": [
        ("pad=causal) -> TANH", "pad=causl) -> TANH", "unknown-name", "causl"),
        ("pad=causal) -> TANH", "pad=same) -> TANH", "odd-padding"),
        ("dilation=d, pad=causal) -> TANH", "dilation=d, pad=valid) -> TANH", "shape-mismatch"),
        ("as s[i] }", "as s[i]", "unclosed-bracket"),
        ("if i < layers*cycles-1: ID", "if i < layers*cycles-1 ID", "syntax"),
        ("2**(i%layers)", "2**(i%0)", "division-by-zero"),
        ("ADD{ @s[:] }", "ADD{ @t[:] }", "unknown-value", "t"),
        ("ADD{ @s[:] }", "@s[:]", "reference-inside"),
        ("rf == 1024", "rf == 1023", "expect", "1,024", "1,023"),
        ("output == 256x16000", "output == 16000x256", "expect"),
    ],
    "alexnet": [
        ("CONV(96, 11, stride=4, pad=0) : 96x55x55",
         "CONV(96, 11, stride=5, pad=0) : 96x55x55",
         "ascription", "96x44x44"),
        ("CONV(96, 11, stride=4, pad=0) : 96x55x55", "CONV(96, 11, stride=4) : 96x55x55", "ascription", "96x57x57"),
        ("CONV(96, 11, stride=4, pad=0) : 96x55x55",
         "CONV(96, 11, stride=4, padding=0) : 96x55x55",
         "unknown-argument", "padding"),
        ("CONV(96, 11, stride=4, pad=0) : 96x55x55", "CONV(96, 12, stride=4, pad=same) : 96x55x55", "odd-padding"),
        ("CONV(96, 11, stride=4, pad=0) : 96x55x55", "CONV(96, 11, 4, 0) : 96x55x56", "ascription"),
        ("alexnet_227(2)", "alexnet_227(3)", "groups", "3", "96"),
        ("alexnet_227(2)", "alexnet_227(group=2)", "unknown-argument", "group"),
        ("alexnet_227(2)", "alexnet227(2)", "unknown-block", "alexnet227"),
        ("LRN(5, 1e-4, 0.75, 2)", "LRN(5, 1e-4, 0.75, 2, 3)", "unknown-argument"),
        ("[FC(4096) -> RELU -> DROPOUT(0.5)]*2", "(FC(4096) -> RELU -> DROPOUT(0.5))*2", "round-group"),
    ],
    "lenet": [
        ("CONV(120, 5, pad=valid) : 120x1x1", "CONV(120, 7, pad=valid) : 120x1x1", "kernel-too-large", "7", "5"),
        ("POOL(avg, 2) : 6x14x14", "POOL(average, 2) : 6x14x14", "unknown-name", "average"),
        ("POOL(avg, 2) : 6x14x14", "POOL(avg, 3) : 6x14x14", "ascription", "6x9x9"),
        ("POOL(avg, 2) : 6x14x14", "POOL(avg, 2): (6, 14)", "ascription"),
        ("POOL(avg, 2) : 6x14x14", "POOL avg 2 : 6x14x14", "missing-parentheses"),
        ("-> FC(84) -> TANH", "-> FC(84) -> TANHH", "unknown-layer", "TANHH"),
    ],
    "mobilenet_v3": [
        ("[conv(e) -> act] if e != C", "[conv(e) -> act] if e <> C", "missing-value"),
        ("[conv(e) -> act] if e != C", "[conv(e) -> actt] if e != C", "unknown-block", "actt"),
        ("for k, e, c, se, act, s in table", "for k, e, c, act, se, s in table", "not-a-step"),
        ("for k, e, c, se, act, s in table", "for k, e, c, se, act in table", "bad-operand"),
        ("(5,72,40,on,RELU,2)", "(5,72,40,on,RELU)", "bad-operand"),
        ("(5,72,40,on,RELU,2)", "(5,72,40,on,RELUU,2)", "unknown-layer", "RELUU"),
        ("(5,72,40,on,RELU,2)", "(4,72,40,on,RELU,2)", "odd-padding", "4"),
        ("(5,72,40,on,RELU,2)", "(5,72,0,on,RELU,2)", "bad-argument", "0"),
        ("CONV(c, 1) -> HARDSIGMOID", "CONV(mid, 1) -> HARDSIGMOID", "shape-mismatch"),
        ("block gate(mid, c = C)", "block gate(mid, C = c)", "reserved-word"),
        ("divisible(e//4)", "divisble(e//4)", "unknown-name", "divisble"),
        ("divisible(e//4)", "divisible(e//4, 8, 3, 4)", "bad-argument"),
        ("if s == 1 and C == c: ID", "if s == 1: ID", "shape-mismatch"),
    ],
    "googlenet": [
        ("POOL(3, stride=1, pad=1) -> unit(cp)", "POOL(3, stride=2, pad=1) -> unit(cp)", "shape-mismatch"),
        ("POOL(3, stride=1, pad=1) -> unit(cp)", "POOL(3, stride=1) -> unit(cp)", "shape-mismatch"),
        ("OUTPUT(aux[i], train_only=on)", "OUTPUT(aux, train_only=on)", "defined-twice"),
        ("OUTPUT(aux[i], train_only=on)", "OUTPUT(aux[i], trainonly=on)", "unknown-argument"),
        ("inception(unit, k, 64, 96, 128, 16, 32, 32)",
         "inception(unit, k, 64, 96, 128, 16, 32)",
         "missing-argument", "cp"),
        ("inception(unit, k, 64, 96, 128, 16, 32, 32) : 256x28x28",
         "inception(unit, k, 64, 96, 182, 16, 32, 32) : 256x28x28",
         "ascription", "310x28x28"),
    ],
    "shufflenet_v2": [
        ("SHUFFLE(2)\n\nblock down", "SHUFFLE(3)\n\nblock down", "groups", "3"),
        ("SLICE(C//2, C)", "SLICE(C//2, C+1)", "out-of-range"),
        ("depthwise(2) -> conv(c//2) |", "depthwise(1) -> conv(c//2) |", "shape-mismatch"),
        ("zip(widths, (4, 8, 4))", "zip(widths, (4, 8))", "uneven-zip"),
    ],
    "inception_v3": [
        ("conv(192, 7x1)", "conv(192, 7x1x1)", "bad-argument"),
        ("| POOL(3, stride=2) }", "| POOL(3) }", "shape-mismatch"),
        ("conv(384, 3, 2, valid)", "conv(384, 3, 2, vaild)", "unknown-name", "vaild"),
        ("conv(384, 3, 2, valid)", "conv(384, 3, 2)", "shape-mismatch"),
    ],
    "autoencoder": [
        ("reversed(widths[:-1])", "reverse(widths[:-1])", "unknown-name", "reverse"),
        ("INPUT(channels, 32, 32)", "INPUT(chanels, 32, 32)", "unknown-name", "chanels"),
    ],
    "vgg": [
        ("net vgg11_bn = vgg((1, 1, 2, 2, 2), BN)", "net vgg11_bn = vgg((1, 1, 2, 2), BN)", "uneven-zip"),
        ("net vgg11_bn = vgg((1, 1, 2, 2, 2), BN)",
         "net vgg11_bn = vgg((1, 1, 2, 2, 2), BNN)",
         "unknown-layer", "BNN"),
        ("net vgg11_bn = vgg((1, 1, 2, 2, 2), BN)", "net vgg11_bn = vgg((1, 1, 2, 2, 2) BN)", "missing-comma"),
        ("net vgg11_bn = vgg((1, 1, 2, 2, 2), BN)", "net vgg11_bn = vgg((1, 1, -2, 2, 2), BN)", "bad-operand"),
        ("ADAPTIVEPOOL(7) : 512x7x7", "ADAPTIVEPOOL(7) : 512x7", "ascription"),
    ],
    "squeezenet": [
        ("(64,)))", "(64)))", "bad-operand"),
        ("(64,)))", "(64,))", "unclosed-bracket"),
        ("[fire(s, 4*s)] for s in fires", "[fire(s, 4*s) for s in fires", "unclosed-bracket"),
        ("# allow: unused-rows", "# ok", "unused-rows"),
    ],
    "formulas/general": [
        ("let N = 2", "let N =", "missing-value"),
        ("let N = 2", "let N 2", "missing-equals"),
    ],
    "efficientnet": [
        ("expect efficientnet_b0.params == 5_288_548", "expect efficientnet_b0.params == 5_288_549", "expect"),
    ],
}


def slip(file: str, right: str, wrong: str) -> tuple[str, int]:
    """The spec with a slip, and the line on which it stands."""
    text = (SPECS / f"{file}.cnn").read_text(encoding="utf-8")
    at = text.index(right)
    same = next(i for i, (a, b) in enumerate(zip(f"{right}\0", f"{wrong}\0", strict=False)) if a != b)
    changed = text[:at] + wrong + text[at + len(right) :]
    return changed, changed.count("\n", 0, at + same) + 1


def said(diagnostic: Diagnostic) -> str:
    """The message with what stands at its places."""
    return " ".join([diagnostic.message, diagnostic.label, *(label.text for label in diagnostic.labels)])


@pytest.mark.parametrize(("file", "case"), [(file, case) for file, cases in SLIPS.items() for case in cases],
                         ids=lambda value: value if isinstance(value, str) else value[1].replace("\n", " "))
def test_one_slip_is_one_message_on_its_line(file: str, case: tuple[str, ...]) -> None:
    right, wrong, code, *named = case
    text, line = slip(file, right, wrong)
    (found,) = check(Source(f"{file}.cnn", text), Limits())
    assert found.span is not None
    assert (found.code, found.span.line) == (code, line)
    assert all(name in said(found) for name in named)


def test_without_slips_there_is_nothing_to_say() -> None:
    for file in SLIPS:
        assert check(Source(f"{file}.cnn", (SPECS / f"{file}.cnn").read_text(encoding="utf-8")), Limits()) == ()
