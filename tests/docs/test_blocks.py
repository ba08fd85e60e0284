"""Everything that the pages show is true: specs, commands with their output, Python sessions, generated tables."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import cnnspec
from cnnspec.analysis.check import check
from cnnspec.limits import Limits
from cnnspec.source import Source
from tests.docs.pages import KINDS, PAGES, Block, blocks, commands, files_before, of_kind, printed, workplace
from tests.docs.tables import TABLES, tables


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_of_a_kind_that_is_tried(page: Path) -> None:
    assert {block.kind for block in blocks(page)} <= KINDS


@pytest.mark.parametrize("block", of_kind("cnn"), ids=str)
def test_specs_are_right_or_wrong_as_the_page_says(block: Block, tmp_path: Path) -> None:
    for name, text in files_before(block).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    specs = [f"{line}\n" for line in block.lines if line.strip()] if "each" in block.words else [block.text]
    for spec in specs:
        text = block.around.replace("…", spec, 1) if block.around else spec
        assert codes(text, block, tmp_path) == expected(block), text


def expected(block: Block) -> set[str]:
    """The codes that a block's head names."""
    at = next((at for at, word in enumerate(block.words) if word in ("wrong", "warns")), None)
    return set() if at is None else set(block.words[at + 1].split(","))


def codes(text: str, block: Block, folder: Path) -> set[str]:
    """The codes of all that is found in a spec."""
    source = Source(str(folder / (block.file or "spec.cnn")), text)
    values = [block.words[at + 1] for at, word in enumerate(block.words) if word == "--set"]
    if not values:
        return {diagnostic.code for diagnostic in check(source, Limits())}
    try:
        net = cnnspec.parse(text, set=dict(value.split("=", 1) for value in values), name=source.name)
    except cnnspec.SpecError as error:
        return {diagnostic.code for diagnostic in error.diagnostics}
    return {diagnostic.code for diagnostic in net.diagnostics}


@pytest.mark.parametrize("block", of_kind("console"), ids=str)
def test_commands_print_what_the_page_shows(block: Block, tmp_path: Path) -> None:
    for needed in block.words:
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    folder = workplace(block, tmp_path)
    for command in commands(block):
        assert "\n".join(printed(command.text, folder)) == "\n".join(command.output), command.text


@pytest.mark.parametrize("block", of_kind("pycon"), ids=str)
def test_sessions_answer_what_the_page_shows(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in block.words:
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    monkeypatch.chdir(workplace(block, tmp_path))
    names = {"cnnspec": cnnspec}
    session = doctest.DocTestParser().get_doctest(block.text, names, str(block), str(block.page), block.line)
    assert session.examples
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_those_of_the_code(page: Path) -> None:
    for name, rows in tables(page):
        assert rows == TABLES[name]()


# ----------------------------------------------------------------------------- and that all this can fail


WRONG = """
```cnn wrong flat-input
INPUT(3x8x8) -> FC(2)
```

<!-- with: INPUT(8) -> … -->
```cnn
GAP
```

```console
$ cnnspec --version
cnnspec 0
```
"""


def test_a_page_can_be_wrong(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(WRONG)
    right, fragment, console = blocks(page)
    assert codes(right.text, right, tmp_path) == set() != expected(right)
    assert codes(fragment.around.replace("…", fragment.text), fragment, tmp_path) == {"flat-input"}
    assert expected(fragment) == set()
    (command,) = commands(console)
    folder = tmp_path / "work"
    folder.mkdir()
    assert printed(command.text, workplace(console, folder)) == (f"cnnspec {cnnspec.__version__}",) != command.output
