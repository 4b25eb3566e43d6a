import os
import pickle
import pickletools
import tarfile
from itertools import pairwise

import numpy as np
import pytest

from examples.paper.layouts.cifar import read_cifar100
from examples.paper.shuffled_cifar import EXPERIMENT
from tests.examples.paper.files import cifar_batch, python2_pickle, write_cifar


def pack(folder):
    """The archive of the folder's files in its place."""
    with tarfile.open(folder / "cifar-100-python.tar.gz", "w:gz") as archive:
        archive.add(folder / "cifar-100-python", "cifar-100-python")
    for path in (folder / "cifar-100-python").iterdir():
        path.unlink()
    (folder / "cifar-100-python").rmdir()
    return folder / "cifar-100-python.tar.gz"


def replaced(folder, **changes):
    """The training batch with other entries; None takes one away."""
    write_cifar(folder)
    batch = {name: value for name, value in (cifar_batch(60, 0) | changes).items() if value is not None}
    (folder / "cifar-100-python" / "train").write_bytes(python2_pickle(batch))


def test_the_files_of_these_tests_are_python_2s():
    codes = {code.name for code, _, _ in pickletools.genops(python2_pickle(cifar_batch(2, 0)))}
    assert {"BINSTRING", "GLOBAL", "BUILD"} <= codes
    assert not codes & {"BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "NEWTRUE"}
    assert b"numpy.core.multiarray\n_reconstruct" in python2_pickle(cifar_batch(2, 0))


@pytest.mark.parametrize("packed", [False, True])
def test_cifar_is_read_from_its_folder_or_its_archive(tmp_path, packed):
    batches = write_cifar(tmp_path)
    if packed:
        pack(tmp_path)
    for read, batch in zip(read_cifar100(tmp_path), batches, strict=True):
        assert read.images.shape[1:] == (3, 32, 32)
        assert read.labels.tolist() == batch["fine_labels"]
        # The first 1,024 bytes of an image are its red plane, row by row.
        assert read.images[7, 0, 3, 5] == batch["data"][7, 3 * 32 + 5]
        assert read.images[7, 2, 31, 31] == batch["data"][7, -1]


def test_files_written_anew_by_python_3_are_read_too(tmp_path):
    write_cifar(tmp_path)
    batch = {name.encode(): value for name, value in cifar_batch(5, 3).items()}
    (tmp_path / "cifar-100-python" / "train").write_bytes(pickle.dumps(batch))
    np.testing.assert_array_equal(read_cifar100(tmp_path)[0].images.reshape(5, -1), batch[b"data"])


def test_without_a_folder_it_is_said_what_to_get():
    with pytest.raises(
        FileNotFoundError, match=r"data_root: a folder with CIFAR-100 is required, got None; Krizhevsky"
    ):
        read_cifar100(None)


def test_the_error_for_an_empty_folder_names_the_layout_and_the_source(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"'cifar-100-python/train'.*'cifar-100-python.tar.gz'.*neither.*Krizhevsky"
    ):
        read_cifar100(tmp_path)


def test_a_missing_batch_is_named(tmp_path):
    write_cifar(tmp_path)
    (tmp_path / "cifar-100-python" / "test").unlink()
    with pytest.raises(FileNotFoundError, match=r"the file '.*test' is required, there is none; put it there"):
        read_cifar100(tmp_path)


def test_an_archive_without_a_batch_is_named(tmp_path):
    write_cifar(tmp_path)
    (tmp_path / "cifar-100-python" / "test").unlink()
    pack(tmp_path)
    with pytest.raises(ValueError, match=r"an archive with .* is required, '.*tar.gz' lacks one .*again"):
        read_cifar100(tmp_path)


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.999])
def test_a_cut_archive_is_named(tmp_path, kept):
    write_cifar(tmp_path)
    path = pack(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(ValueError, match=r"a whole archive is required, '.*tar.gz' cannot be unpacked .*again"):
        read_cifar100(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", python2_pickle(cifar_batch(5, 0))[:-40]])
def test_a_damaged_batch_is_named(tmp_path, content):
    write_cifar(tmp_path)
    (tmp_path / "cifar-100-python" / "train").write_bytes(content)
    with pytest.raises(ValueError, match=r"a whole pickle is required, '.*train' cannot be read \(.*again"):
        read_cifar100(tmp_path)


def test_a_pickle_that_would_run_a_command_is_not_opened(tmp_path):
    class Command:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    write_cifar(tmp_path)
    (tmp_path / "cifar-100-python" / "train").write_bytes(pickle.dumps({b"data": Command()}))
    with pytest.raises(ValueError, match=r"plain values and arrays is required, '.*train' asks for '.*mkdir', which"):
        read_cifar100(tmp_path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("changes", "came"),
    [
        ({"fine_labels": None}, r"holds .*b'data'.*take the python version"),
        ({"data": np.zeros((60, 3071), np.uint8)}, r"shape \[images, 3072\] are required, .* \[60, 3071\]"),
        ({"data": np.zeros((60, 3, 32, 32), np.uint8)}, r"shape \[images, 3072\] are required, .* \[60, 3, 32, 32\]"),
        ({"data": [1, 2]}, r"shape \[images, 3072\] are required, .* holds list"),
        ({"fine_labels": [5] * 59}, r"one for each of the 60 images, is required, .* holds 59"),
        ({"fine_labels": 7}, r"a list of labels.* holds int"),
        ({"fine_labels": [0] * 59 + [100]}, r"labels from 0 to 99 are required, .* holds 100"),
        ({"fine_labels": [0] * 59 + [-1]}, r"labels from 0 to 99 are required, .* holds -1"),
        ({"fine_labels": [0] * 59 + [1.5]}, r"labels from 0 to 99 are required, .* holds 1.5"),
    ],
)
def test_a_batch_of_something_else_is_named(tmp_path, changes, came):
    replaced(tmp_path, **changes)
    with pytest.raises(ValueError, match=came) as caught:
        read_cifar100(tmp_path)
    assert "'cifar-100-python/train'" in str(caught.value)


def test_an_array_of_other_values_than_bytes_is_not_read(tmp_path):
    replaced(tmp_path, data=np.zeros((60, 3072)))
    with pytest.raises(ValueError, match=r"'cifar-100-python/train' cannot be read \(KeyError: b'f8'\)"):
        read_cifar100(tmp_path)


def test_a_share_of_the_labels_is_random_in_training_alone(tmp_path):
    batches = write_cifar(tmp_path, (3000, 20))
    true = np.array(batches[0]["fine_labels"])
    by_level = {level: EXPERIMENT.make_data(tmp_path, level, 1) for level in EXPERIMENT.levels}
    changed = []
    for level, data in by_level.items():
        changed.append(data.train_set.labels.numpy() != true)
        # Four standard deviations of a share of 3,000.
        assert changed[-1].mean() == pytest.approx(0.99 * level, abs=0.037 if level else 0)
        assert data.validation_set.labels.tolist() == batches[1]["fine_labels"]
        assert (data.probe_set.images == data.validation_set.images).all()
        assert len(data.probe_set[0]) == 1
    assert all((lower <= higher).all() for lower, higher in pairwise(changed))


def test_a_network_is_given_images_between_zero_and_one(tmp_path):
    batches = write_cifar(tmp_path)
    image, label = EXPERIMENT.make_data(tmp_path, 0.0, 0).train_set[4]
    np.testing.assert_allclose(image.flatten(), batches[0]["data"][4] / 255, rtol=1e-6)
    assert label == batches[0]["fine_labels"][4]
