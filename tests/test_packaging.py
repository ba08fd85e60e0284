"""The project as it is installed: one command in two places, and a wheel that works in any folder."""

import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def command_under(heading: str, text: str) -> str:
    """The first shell command below a heading of a Markdown page."""
    return text.split(f"\n## {heading}\n", 1)[1].split("```sh\n", 1)[1].split("\n```", 1)[0]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True,
                   capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_ci_runs_the_readmes_test_command() -> None:
    command = command_under("Tests", (ROOT / "README.md").read_text())
    assert "python -m pytest" in command
    assert command in map(str.strip, (ROOT / ".ci/run").read_text().splitlines())


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [line for extra in project["optional-dependencies"].values() for line in extra] + project["dependencies"]
    names = {line.split(">=")[0] for line in wanted if not line.startswith("cnnspec[")}
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    assert "click" in names
    assert names <= pinned


def test_the_wheel_carries_the_zoo_and_the_marker_of_types(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    specs = {f"cnnspec/specs/{path.relative_to(ROOT / 'specs').as_posix()}" for path in (ROOT / "specs").rglob("*.cnn")}
    assert specs
    assert specs <= packed
    assert "cnnspec/py.typed" in packed
    assert not [name for name in packed if name.startswith(("tests/", "specs/"))]


@pytest.mark.slow
def test_an_installed_wheel_knows_its_zoo_in_any_folder(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run([scripts / "pip", "install", "-c", ROOT / "constraints.txt", wheel], check=True, capture_output=True)
    done = subprocess.run([scripts / "cnnspec", "summary", "alexnet"], cwd=elsewhere, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert "61,100,840" in done.stdout
