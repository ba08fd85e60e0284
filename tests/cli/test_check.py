"""`cnnspec check`: what it finds, what it prints, how it exits, and what no text can make it do."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from cnnspec.cli import group

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "check-1.json").read_text(encoding="utf-8"))

RIGHT = "net right = INPUT(3x32x32) -> CONV(8) -> RELU\nexpect right.params == 224\n"
WRONG = "net wrong = INPUT(3x32x32) -> CONV(8)\n    -> RELLU\n"
WARNED = "net warned = INPUT(3x32x32)\n    -> POOL(5)\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(**texts: str) -> None:
    for name, text in texts.items():
        path = Path(*name.split("__")).with_suffix(".cnn")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(group, ["check", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


# ------------------------------------------------------------------------------------------ what is checked


def test_silence_where_nothing_is_wrong() -> None:
    write(right=RIGHT)
    result = run("right.cnn")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_the_whole_zoo_is_right() -> None:
    result = run(str(ROOT / "specs"), "--strict")
    assert (result.exit_code, result.output) == (0, "")


def test_folders_are_searched_to_the_bottom_hidden_ones_passed_over() -> None:
    write(a__right=RIGHT, a__b__wrong=WRONG, a__b__also=WRONG)
    write(**{".hidden__wrong": WRONG})
    result = run("a", ".", "--output-format", "concise")
    assert result.stdout.splitlines() == [
        "a/b/also.cnn:2:8: error[unknown-layer] there is no layer `RELLU`",
        "a/b/wrong.cnn:2:8: error[unknown-layer] there is no layer `RELLU`",
    ]
    assert result.stderr == "3 specs checked, 2 errors in 2 files\n"


def test_without_arguments_the_folder_that_one_is_in() -> None:
    write(a__wrong=WRONG)
    assert "a/wrong.cnn:2:8" in run("--output-format", "concise").stdout


def test_standard_input() -> None:
    result = run("-", "--output-format", "concise", stdin=WRONG)
    assert result.stdout == "<stdin>:2:8: error[unknown-layer] there is no layer `RELLU`\n"


def test_all_nets_and_what_no_net_uses() -> None:
    write(nets="net a = INPUT -> CONV(8, 0)\nnet b = INPUT -> FC(10, bais=off)\nblock c = RELU -> nothing\n"
               "net d(width) = INPUT -> CONV(width) -> SOFTMX\nnet e = d(8)\n")
    assert [line.split(" ")[1] for line in run("nets.cnn", "--output-format", "concise").stdout.splitlines()] == [
        "error[bad-argument]", "error[unknown-argument]", "error[unknown-block]", "error[unknown-layer]"]


def test_a_net_that_needs_arguments_is_checked_where_it_is_used() -> None:
    write(nets="net a(side) = INPUT(3, side, side)\n    -> CONV(8, 9, pad=valid)\nnet b = a(8)\nnet c = a(16)\n")
    result = run("nets.cnn")
    assert "  --> nets.cnn:2:16" in result.stdout
    assert "in net a(side=8), in net b" in result.stdout


def test_a_formula_with_free_parameters_is_right() -> None:
    write(formula="INPUT → [[CONV → RELU] * N → POOL?] * M → [FC → RELU] * K → FC\n")
    assert run("formula.cnn").output == ""


def test_expectations_of_calls() -> None:
    write(nets="net a(width) = INPUT(3x8x8) -> CONV(width, 1)\nexpect a(4).params == 16\nexpect a(8).params == 33\n")
    result = run("nets.cnn", "--output-format", "concise")
    assert result.stdout == "nets.cnn:3:8: error[expect] a(8).params is 32, not 33\n"


def test_a_net_with_mistakes_says_nothing_in_expectations() -> None:
    write(nets=WRONG + "expect wrong.params == 3\nexpect wrong.macs < wrong.params\n")
    assert run("nets.cnn", "--output-format", "concise").stdout.count("\n") == 1


def test_a_mistake_in_a_used_file_is_told_once() -> None:
    write(blocks="block unit = CONV(8, 0)\n", a='use "blocks.cnn"\nnet a = INPUT -> unit\n',
          b='use "blocks.cnn"\nnet b = INPUT -> unit\n')
    (line,) = run(".", "--output-format", "concise").stdout.splitlines()
    assert line.startswith("blocks.cnn:1:22: error[bad-argument] `kernel` must be a whole number of at least 1")


def test_one_file_named_twice_is_checked_once() -> None:
    write(wrong=WRONG)
    result = run("wrong.cnn", "./wrong.cnn", ".", "--output-format", "concise")
    assert result.stderr == "1 spec checked, 1 error in 1 file\n"


# ------------------------------------------------------------------------------------- streams and exit codes


def test_warnings_are_shown_and_pass_unless_strict() -> None:
    write(warned=WARNED)
    result = run("warned.cnn")
    assert result.exit_code == 0
    assert result.stdout.startswith("warning[unused-rows]: ")
    assert result.stderr == "\n1 spec checked, 1 warning in 1 file\n"
    assert run("warned.cnn", "--strict").exit_code == 1


def test_a_comment_accepts_a_warning() -> None:
    write(warned=WARNED.replace("POOL(5)", "POOL(5) # allow: unused-rows"))
    assert run("warned.cnn", "--strict").output == ""


def test_errors_exit_with_1_and_are_counted() -> None:
    write(wrong=WRONG, warned=WARNED, right=RIGHT)
    result = run(".")
    assert result.exit_code == 1
    assert result.stderr == "\n3 specs checked, 1 error and 1 warning in 2 files\n"


def test_what_is_not_there_exits_with_2_and_the_rest_is_checked() -> None:
    write(wrong=WRONG, lenet=RIGHT)
    os.mkdir("empty")
    result = run("wrong.cnn", "lenett.cnn", "empty", "--output-format", "concise")
    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        "error[file-not-found] there is no file lenett.cnn",
        "error[no-specs] there is no .cnn file in empty",
        "wrong.cnn:2:8: error[unknown-layer] there is no layer `RELLU`",
    ]
    assert "did you mean `lenet.cnn`?" in run("lenett.cnn").stdout


def test_an_unknown_format_is_wrong_usage() -> None:
    assert run(".", "--output-format", "xml").exit_code == 2


# ----------------------------------------------------------------------------------------------- formats


def test_full() -> None:
    write(wrong=WRONG)
    assert run("wrong.cnn").stdout == """\
error[unknown-layer]: there is no layer `RELLU`
  --> wrong.cnn:2:8
   |
 2 |     -> RELLU
   |        ^^^^^
   = in net wrong
   = help: did you mean `RELU`?
"""


def test_github() -> None:
    write(wrong=WRONG)
    assert run("wrong.cnn", "--output-format", "github").stdout == (
        "::error file=wrong.cnn,line=2,col=8,endLine=2,endColumn=13,title=error[unknown-layer]"
        "::there is no layer `RELLU`%0Ain net wrong%0Ahelp: did you mean `RELU`?\n")


@pytest.mark.parametrize("paths", [["right.cnn"], ["wrong.cnn", "warned.cnn"], ["missing.cnn"], ["."]])
def test_json_keeps_its_contract(paths: list[str]) -> None:
    write(right=RIGHT, wrong=WRONG, warned=WARNED)
    jsonschema.validate(json.loads(run(*paths, "--output-format", "json").stdout), SCHEMA)


def test_json_says_what_the_text_says() -> None:
    write(wrong=WRONG, right=RIGHT)
    found = json.loads(run(".", "--output-format", "json").stdout)
    assert (found["files"], found["errors"], found["warnings"]) == (2, 1, 0)
    assert found["diagnostics"] == [{
        "code": "unknown-layer", "severity": "error", "message": "there is no layer `RELLU`",
        "span": {"file": "wrong.cnn", "line": 2, "column": 8, "end_line": 2, "end_column": 13},
        "label": "", "labels": [], "notes": ["in net wrong"], "help": "did you mean `RELU`?",
    }]


def test_the_schema_refuses_what_is_wrong() -> None:
    write(wrong=WRONG)
    found = json.loads(run("wrong.cnn", "--output-format", "json").stdout)
    found["diagnostics"][0]["span"]["line"] = 0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, SCHEMA)


# -------------------------------------------------------------------------------------------- hostile texts

MEGABYTE = 2**20
#: Bytes of memory that a check may take. The interpreter and its libraries are mapped within them.
MOST_MEMORY = 256 * MEGABYTE

#: Texts that ask for too much, and the code of the first message; `""` where nothing is wrong.
HOSTILE = {
    "a trillion layers": (b"INPUT -> [CONV]*(10**12)", "limit-layers"),
    "repeats within repeats": (b"INPUT -> [[[[RELU]*1000]*1000]*1000]*1000", "limit-layers"),
    "a billion empty turns": (b"INPUT -> [ID]*(10**9)", "limit-turns"),
    "turns within turns": (b"INPUT -> CONCAT{ for i in range(99999): for j in range(99999): ID }", "limit-turns"),
    "a tower of powers": (b"INPUT -> FC(9**9**9)", "limit-digits"),
    "a million digits": (b"INPUT -> FC(" + b"9" * 10**6 + b")", "limit-digits"),
    "a long range": (b"net n = INPUT -> [RELU] for i in range(10**15)", "limit-elements"),
    "a long tuple": (b"let a = (1,)*(10**12)\nnet n = INPUT -> [RELU] for i in a", "limit-elements"),
    "tuples of tuples": (b"let a0 = (1, 1)\n" + b"".join(b"let a%d = (%s)\n" % (i, b", ".join([b"a%d" % (i - 1)] * 10))
                         for i in range(1, 20)) + b"net n = INPUT -> [RELU] for i in a19", "limit-elements"),
    "blocks that double": (b"block a0 = RELU\n" + b"".join(b"block a%d = a%d -> a%d\n" % (i, i - 1, i - 1)
                           for i in range(1, 60)) + b"net n = INPUT -> a59", "limit-layers"),
    "a long chain of blocks": (b"block a0 = RELU\n" + b"".join(b"block a%d = a%d\n" % (i, i - 1)
                               for i in range(1, 9999)) + b"net n = INPUT -> a9998", "limit-depth"),
    "recursion": (b"block a = b\nblock b = a\nnet n = INPUT -> a", "recursion"),
    "a block passed to itself": (b"block f(u) = u(u)\nnet n = INPUT -> f(f)", "limit-depth"),
    "a hundred thousand groups": (b"INPUT -> " + b"[" * 10**5 + b"RELU" + b"]" * 10**5, "limit-nesting"),
    "a hundred thousand parentheses": (b"INPUT -> FC(" + b"(" * 10**5 + b"1" + b")" * 10**5 + b")", "limit-nesting"),
    "a million opening brackets": (b"[" * 10**6, "limit-nesting"),
    "a million closing brackets": (b"]" * 10**6, "stray-bracket"),
    "brackets of all kinds": (b"([{" * 3 * 10**5, "limit-nesting"),
    "a million signs": (b"INPUT -> FC(" + b"-" * 10**6 + b"1)", "limit-nesting"),
    "a million quotes": (b'"' * 10**6, "unknown-statement"),
    "an endless name": (b"INPUT -> " + b"A" * 10**6, "unknown-layer"),
    "an endless text": (b'use "' + b"a" * 10**6, "unclosed-string"),
    "NUL bytes": (b"INPUT\0 -> RELU", "bad-character"),
    "a million NUL bytes": (b"\0" * 10**6, "bad-character"),
    "invalid UTF-8": (b"INPUT -> \xff\xfe RELU", "not-utf8"),
    "a byte order mark": (b"\xef\xbb\xbfINPUT -> RELU\n", ""),
    "a byte order mark and a mistake": (b"\xef\xbb\xbfINPUT -> RELLU\n", "unknown-layer"),
    "lines that end in CR LF": (b"net n =\r\n    INPUT\r\n    -> RELLU\r\n", "unknown-layer"),
    "lines that end in CR": (b"net n =\r    INPUT\r    -> RELU\r", ""),
    "look-alike letters": ("INPUT → \uff32\uff25\uff2c\uff35 → 卷积 \u202e".encode() * 1000, "bad-character"),
    "nothing": (b"", ""),
    "nothing but spaces": (b" \n" * 500_000, ""),
    "a file that uses itself": (b'use "hostile.cnn"\nnet n = INPUT -> RELU', "use-loop"),
    "a device": (b'use "/dev/zero"\nnet n = INPUT -> RELU', "limit-file"),
    "a file of 200 MB": (None, "limit-file"),
}


def bound() -> None:
    """Limits of the process that checks."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def start(*arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """A check in a process of its own, within its memory."""
    return subprocess.run([sys.executable, "-m", "cnnspec", "check", *arguments], input=stdin, capture_output=True,
                          timeout=60, preexec_fn=bound, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_ends_in_a_traceback_a_hang_or_much_memory(name: str) -> None:
    text, code = HOSTILE[name]
    with open("hostile.cnn", "wb") as file:
        file.write(text or b"")
        if text is None:
            file.truncate(200 * MEGABYTE)
    begin = time.perf_counter()
    result = start("hostile.cnn", "--output-format", "concise")
    first = result.stdout.decode().partition("\n")[0]
    assert b"Traceback" not in result.stderr
    assert first.partition("error[")[2].partition("]")[0] == code, first
    assert result.returncode == (1 if code else 0)
    assert time.perf_counter() - begin < 30


def test_many_large_nets() -> None:
    write(nets="".join(f"net a{i} = INPUT -> [CONV -> RELU]*5000\n" for i in range(100)))
    result = start("nets.cnn", "--max-layers", "10001", "--output-format", "concise")
    assert result.stdout.decode() == (
        "nets.cnn:7:5: error[limit-layers] the nets of this file have more than 50,005 layers together, "
        "5 times the limit\n")


def test_two_files_that_use_each_other() -> None:
    write(a='use "b.cnn"\nnet a = INPUT -> b', b='use "a.cnn"\nblock b = RELU')
    result = start("a.cnn", "--output-format", "concise")
    assert result.stdout.startswith(b"b.cnn:1:5: error[use-loop]")
    assert result.returncode == 1


def test_standard_input_without_end() -> None:
    result = start("-", stdin=b"x" * 200 * MEGABYTE)
    assert b"error[limit-file]: <stdin> is larger than 1,048,576 bytes" in result.stdout


@pytest.mark.parametrize("name", ["missing.cnn", "x" * 5000, "\udcff.cnn", "/dev/null/x.cnn"])
def test_files_that_cannot_be_read(name: str) -> None:
    result = start(name)
    assert result.returncode == 2
    assert b"error[file-not-found]" in result.stdout
    assert result.stderr.decode().strip() == "0 specs checked, 1 error"


def test_a_use_of_what_cannot_be_read() -> None:
    write(a='use "missing.cnn"\nnet a = INPUT -> unit\n', b='use "."\nnet b = INPUT -> unit\n')
    result = start(".", "--output-format", "concise")
    assert [line.partition(" ")[0] for line in result.stdout.decode().splitlines()] == ["a.cnn:1:5:", "b.cnn:1:5:"]
    assert result.returncode == 1


def test_a_limit_is_raised_by_its_option() -> None:
    write(deep="INPUT -> " + "[" * 65 + "RELU" + "]" * 65)
    assert "limit-nesting" in run("deep.cnn").stdout
    assert run("deep.cnn", "--max-nesting", "70").output == ""


# --------------------------------------------------------------------------------------------------- speed

#: Modules that a check in the standard format has no use for.
HEAVY = {"rich", "torch", "numpy", "pandas", "json", "dataclasses", "importlib.metadata", "difflib", "cnnspec.codes"}


def loaded(text: str) -> set[str]:
    """The modules that a check of a file imports."""
    Path("spec.cnn").write_text(text, encoding="utf-8")
    script = ("import sys; from cnnspec.cli import main; sys.argv = ['cnnspec', 'check', 'spec.cnn']\n"
              "try: main()\nexcept SystemExit: print(' '.join(sys.modules))")
    result = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, check=True,
                            env={**os.environ, "PYTHONPATH": str(ROOT)})
    return set(result.stdout.split())


def test_a_check_imports_little() -> None:
    assert not loaded(RIGHT) & HEAVY


def test_that_is_seen_where_it_is_not_so() -> None:
    assert "difflib" in loaded(WRONG)  # for the suggestion
