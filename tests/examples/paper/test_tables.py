"""One command from data to tables and figures."""

import json

import pytest

from examples.paper import tables
from examples.paper.colored_mnist import EXPERIMENT as COLORED
from examples.paper.study import Sizes, record_path, run
from tests.examples.paper.files import write_mnist

SIZES = Sizes(max_samples=40, max_units=8, epochs=1)
QUICK = ["--max-samples", "40", "--max-units", "8", "--epochs", "1", "--seeds", "1", "--workers", "1"]


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_mnist(folder, 200, part="t10k")
    return folder


@pytest.fixture
def output(mnist, tmp_path):
    record = run(COLORED, 1.0, 0, SIZES, mnist)
    for level in COLORED.levels:
        path = record_path("colored-mnist", level, 0, SIZES, tmp_path)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({**record, "level": level}))
    return tmp_path


def test_tables_and_figures_come_from_the_records_that_are_there(mnist, output, capsys):
    tables.main(["--data-root", str(mnist), "--output", str(output), "--only", "colored-mnist", *QUICK])
    text = (output / "tables.md").read_text()
    assert "### Colored MNIST" in text
    result = json.loads((output / "tables.json").read_text())
    assert result["experiments"]["colored-mnist"]["seeds"] == [0]
    pictures = sorted(path.name for path in output.glob("*.png"))
    assert pictures == ["colored-mnist-layers.png", "colored-mnist-levels.png", "colored-mnist-trends.png"]
    assert "tables.md" in capsys.readouterr().out
    assert not list(output.rglob("*.unfinished"))


def test_without_training_there_are_tables_of_what_is_done(mnist, output, monkeypatch):
    monkeypatch.setattr(tables, "run_all", None)
    only = ["--only", "colored-mnist", "--only", "shuffled-mnist", "--no-train"]
    tables.main(["--data-root", str(mnist), "--output", str(output), *only, *QUICK])
    text = (output / "tables.md").read_text()
    assert "### Colored MNIST" in text
    assert "### Shuffled MNIST" not in text
    assert not (output / "shuffled-mnist-levels.png").exists()


def test_what_is_written_names_no_folder_of_the_machine(mnist, output):
    only = ["--only", "colored-mnist", "--only", "nico"]
    tables.main(["--data-root", str(mnist), "--output", str(output), *only, *QUICK])
    written = (output / "tables.md").read_text() + (output / "tables.json").read_text()
    assert "**NICO++** is left out" in written
    assert str(mnist) not in written
    assert str(output) not in written


def test_without_any_data_there_is_one_error_and_every_experiment_says_what_it_needs(tmp_path, capsys):
    with pytest.raises(SystemExit, match="data-root: the data of at least one experiment are required"):
        tables.main(["--data-root", str(tmp_path), "--output", str(tmp_path / "out")])
    said = " ".join(capsys.readouterr().out.split())
    for needed in ("IDX files of MNIST", "aclImdb", "BIOS.pkl", "public_dg_0416", "cifar-100-python"):
        assert needed in said
    assert not (tmp_path / "out").exists()


def test_damaged_data_are_an_error_and_no_reason_to_leave_them_out(tmp_path):
    write_mnist(tmp_path, 20, part="t10k")
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"no labels")
    with pytest.raises(SystemExit, match=r"mnist: IDX files of unsigned bytes are required, .* download it again"):
        tables.main(["--data-root", str(tmp_path), "--output", str(tmp_path / "out"), "--only", "colored-mnist"])
