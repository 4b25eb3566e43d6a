import os
import pickle

import pytest

from examples.paper.layouts.biosbias import read_biographies

RECORDS = [
    {
        "raw": f"Ann B Lee is a {title}. {pronoun} works in town {place}.",
        "name": ("Ann", "B", "Lee"),
        "raw_title": title.capitalize(),
        "gender": gender,
        "start_pos": len(f"Ann B Lee is a {title}."),
        "title": title,
        "URI": "http://example.com",
        "path": "crawl",
        "bio": f"_ works in town {place}.",
    }
    for place, (title, gender, pronoun) in enumerate(
        [("nurse", "F", "She"), ("nurse", "M", "He"), ("poet", "F", "She")]
    )
]


def write(folder, records, name="BIOS.pkl"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(pickle.dumps(records))
    return folder


@pytest.mark.parametrize("name", ["BIOS.pkl", "biosbias/BIOS.pkl"])
def test_biographies_are_read_without_their_first_sentence(name, tmp_path):
    read = read_biographies(write(tmp_path, RECORDS, name))
    assert read.raw == [" She works in town 0.", " He works in town 1.", " She works in town 2."]
    assert read.scrubbed == [f"_ works in town {place}." for place in range(3)]
    assert read.professions == ["nurse", "poet"]
    assert read.labels.tolist() == [0, 0, 1]
    assert read.genders.tolist() == [1, 0, 1]


class Malicious:
    def __init__(self, harm):
        self.harm = harm

    def __reduce__(self):
        return os.mkdir, (str(self.harm),)


@pytest.mark.parametrize("wrap", [lambda evil: evil, lambda evil: [*RECORDS, {**RECORDS[0], "raw": evil}]])
def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(wrap, tmp_path):
    harm = tmp_path / "harm"
    write(tmp_path, wrap(Malicious(harm)))
    with pytest.raises(ValueError, match=r"a pickle of lists.* required, got 'BIOS\.pkl' that asks for posix\.mkdir"):
        read_biographies(tmp_path)
    assert not harm.exists()
    pickle.loads((tmp_path / "BIOS.pkl").read_bytes())  # which would have made it
    assert harm.exists()


@pytest.mark.parametrize("length", [0, 1, 50, -1])
def test_a_truncated_pickle_is_refused(length, tmp_path):
    file = write(tmp_path, RECORDS) / "BIOS.pkl"
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"a whole pickle is required, got 'BIOS\.pkl' \(\d+ bytes\).*copy it again"):
        read_biographies(tmp_path)


@pytest.mark.parametrize("given", [True, False])
def test_where_nothing_is_there_the_file_and_its_source_are_named(given, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"BIOS\.pkl .* is required, got .* github\.com/microsoft/biosbias"):
        read_biographies(tmp_path if given else None)


@pytest.mark.parametrize(
    ("records", "got"),
    [
        ({"raw": []}, "got dict"),
        ([], "got an empty one"),
        ([*RECORDS, 3], "got a int in the one at place 3"),
        ([RECORDS[0], {**RECORDS[1], "gender": "X"}], "got gender 'X' in the one at place 1"),
        ([{**RECORDS[0], "start_pos": "12"}], "got start_pos '12' in the one at place 0"),
        ([{key: value for key, value in RECORDS[0].items() if key != "bio"}], "got no bio in the one at place 0"),
    ],
)
def test_what_are_no_biographies_is_refused(records, got, tmp_path):
    with pytest.raises(ValueError, match=rf"required in 'BIOS\.pkl', {got}; it is made by preprocess\.py"):
        read_biographies(write(tmp_path, records))
