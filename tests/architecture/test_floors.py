"""The floors of the house: imports run strictly downward; and the walk that says so can find one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.code import Import, imports, modules

#: Which floor each room is on. The modules beside the rooms are the public API and what it stands on: they have half
#: floors, over all that they put together. `targets` finds and calls a net, and `variants` calls it with other values:
#: they stand over the graph and under the analysis. `net` is what `load` returns, so it stands over the analysis and
#: under what renders and runs it.
#: `environment` is the records that runtime makes and render shows: neither imports the other, and they need nothing
#: but records and diagnostics.
FLOORS = {
    "": 0, "record": 0, "source": 0, "diagnostics": 0, "limits": 0, "codes": 0, "files": 0, "revisions": 0,
    "environment": 0,
    "grammar": 1, "layers": 1,
    "graph": 2,
    "targets": 2.5, "variants": 2.6,
    "analysis": 3,
    "net": 3.5,
    "render": 4, "runtime": 4,
    "cli": 5,
    "__main__": 5.5,
}

#: What a user asks of a `Net` in a notebook is rendered or built; these load what they need when they are called.
UPWARD = {("net", "render.frame", "to_frame"), ("net", "render.html", "_repr_html_"), ("net", "runtime", "to_torch"),
          ("net", "runtime.materialise", "to_torch")}

#: The package's own lazy attributes are annotated with the types that they have.
PUBLIC = {"": {"diagnostics", "limits", "net"}}


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def upward(found: list[Import]) -> list[Import]:
    """The imports that do not run downward, from room to room."""
    return [one for one in found if room(one.user) != room(one.used) and not (
        FLOORS[room(one.user)] > FLOORS[room(one.used)]
        or FLOORS[room(one.user)] == FLOORS[room(one.used)] == 0  # the base is one room
        or one.used in PUBLIC.get(one.user, ())
    )]


def test_imports_run_downward() -> None:
    found = upward(list(imports()))
    allowed = [one for one in found if tuple(one) in UPWARD]
    assert [str(one) for one in found if one not in allowed] == []
    assert len(allowed) == len(UPWARD)


def test_every_room_has_its_floor() -> None:
    assert {room(module) for module in modules()} <= FLOORS.keys()


@pytest.mark.parametrize(("path", "text", "told"), [
    ("grammar/parser.py", "from cnnspec.graph import expand", "grammar.parser imports graph"),
    ("grammar/parser.py", "from cnnspec.layers import find", "grammar.parser imports layers"),
    ("graph/expand.py", "def f():\n    import cnnspec.render", "graph.expand imports render in f"),
    ("source.py", "from cnnspec import targets", "source imports targets"),
    ("analysis/lint.py", "from cnnspec.net import load", "analysis.lint imports net"),
])
def test_an_import_that_runs_upward_is_found(path: str, text: str, told: str, tmp_path: Path) -> None:
    for name in (path, "graph/__init__.py", "layers/__init__.py", "render/__init__.py", "targets.py", "net.py"):
        (tmp_path / "cnnspec" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cnnspec" / name).touch()
    (tmp_path / "cnnspec" / path).write_text(text, encoding="utf-8")
    assert [str(one) for one in upward(list(imports(tmp_path)))] == [told]
