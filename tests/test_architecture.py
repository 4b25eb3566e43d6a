"""Imports point down the house, never up; and no file grows too long."""

import ast
import re
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "lightning_infomem"
STANDARD = {"__future__", "torch", "numpy"}  # numpy comes with torch and is the language of arrays

# From the top of the house to the ground: a floor may import from itself and from what stands below it.
# Beside each, the third-party packages it may name.
FLOORS = {
    "__init__": set(),
    "cli": {"rich"},
    "demo": {"rich", "sklearn", "scipy", "matplotlib"},
    "information_plane": {"scipy", "matplotlib"},
    "model_information": {"rich", "scipy", "matplotlib"},
    "callbacks": {"transformers"},  # Lightning itself is named in _lightning alone
    "pages": {"matplotlib", "scipy", "jinja2", "markupsafe"},
    "reporting": {"matplotlib", "wandb", "tensorboard"},
    "plots": {"matplotlib", "scipy", "sklearn"},
    "selection": {"scipy", "rich"},
    "runs": set(),
    "offline": {"scipy"},
    "checkpoints": {"safetensors"},
    "measurement": set(),
    "sampling": set(),
    "settings": set(),
    "functional": {"scipy", "numba"},
    "kernels": {"numba", "llvmlite", "triton"},
    "records": {"rich", "pandas"},
    "_lightning": {"lightning", "pytorch_lightning", "lightning_fabric"},
    "_checks": set(),
    "_errors": set(),
}
ORDER = list(FLOORS)
FILES = sorted(PACKAGE.rglob("*.py"))


def floor_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import hides where it points"
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_the_house(path):
    floor = floor_of(path)
    for name in imports_of(path):
        package, *rest = name.split(".")
        if package == "lightning_infomem":
            below = rest[0] if rest else "__init__"
            assert ORDER.index(below) >= ORDER.index(floor), f"{path.name} on {floor} imports {name}"
        elif package not in sys.stdlib_module_names:
            assert package in STANDARD | FLOORS[floor], f"{path.name} on {floor} imports {package}"


def test_only_the_entrances_of_selection_call_the_rooms_below():
    entrances = {"__init__.py", "read_candidates.py", "rank_checkpoints.py", "judge_run.py"}
    pure = [path for path in FILES if floor_of(path) == "selection" and path.name not in entrances]
    assert len(pure) > 10
    for path in pure:
        rooms = {name.split(".")[1] for name in imports_of(path) if name.startswith("lightning_infomem.")}
        assert rooms <= {"selection", "records", "functional", "_checks", "_errors"}, path.name


def test_a_wing_is_imported_by_the_commands_alone():
    for wing in ("information_plane", "model_information"):
        guests = {
            floor_of(path)
            for path in FILES
            for name in imports_of(path)
            if f"{name}.".startswith(f"lightning_infomem.{wing}.")
        }
        assert guests <= {"cli", wing}, wing


def test_no_file_imports_itself_through_others():
    files = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in FILES}
    names = {name.removesuffix(".__init__"): path for name, path in files.items()}
    below = {}
    for name, path in names.items():
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        parts = [(node.module, f"{node.module}.{each.name}") for node in nodes for each in node.names]
        below[name] = {part if part in names else module for module, part in parts if module in names}

    def visit(name, above):
        assert name not in above, f"a circle: {' -> '.join([*above, name])}"
        if name not in done:
            for each in below[name]:
                visit(each, [*above, name])
            done.add(name)

    done = set()
    for name in names:
        visit(name, [])


def test_no_file_is_long():
    lengths = sorted(len(path.read_text().splitlines()) for path in FILES)
    assert lengths[-1] <= 400
    assert lengths[len(lengths) // 2] <= 140


def test_every_room_has_a_name():
    assert not {path.stem for path in FILES} & {"utils", "util", "helpers", "helper", "common", "misc"}


def test_only_one_file_names_lightning():
    naming = {
        path.name
        for path in FILES
        for name in imports_of(path)
        if name.split(".")[0] in ("lightning", "pytorch_lightning")
    }
    assert naming == {"_lightning.py"}


def test_every_example_that_a_document_runs_runs_something():
    home = PACKAGE.parent
    documents = [home / "README.md", home / "Makefile", *(home / "examples").rglob("*.[mp][dy]")]
    modules = {name for path in documents for name in re.findall(r"-m (examples(?:\.\w+)+)", path.read_text())}
    assert "examples.model_information.distillation" in modules
    for name in sorted(modules):
        source = home.joinpath(*name.split(".")).with_suffix(".py").read_text()
        assert 'if __name__ == "__main__":' in source, name


def test_what_the_package_raises_says_whose_fault_it_is():
    plain = {"TypeError", "ValueError", "ModuleNotFoundError", "FileNotFoundError", "PermissionError"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                assert node.exc.func.id not in plain, f"{path.name}:{node.lineno}: raise one of _errors.py"
