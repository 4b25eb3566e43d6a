import gzip

import numpy as np
import pytest

from examples.paper.layouts.idx import read_idx, read_mnist
from tests.examples.paper.files import idx_bytes, write_idx, write_mnist

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("place", ["", "MNIST/raw"])
def test_of_the_training_files_the_last_sixth_is_held_out(tmp_path, place, end):
    images, digits = write_mnist(tmp_path / place, 60, end=end)
    train, held_out = read_mnist(tmp_path)
    np.testing.assert_array_equal(train.images, images[:50])
    np.testing.assert_array_equal(held_out.images, images[50:])
    assert [*train.digits, *held_out.digits] == digits.tolist()
    assert train.digits.dtype == np.int64


def test_of_the_test_files_alone_every_fifth_image_is_held_out(tmp_path):
    images, digits = write_mnist(tmp_path, 20, part="t10k")
    train, held_out = read_mnist(tmp_path)
    np.testing.assert_array_equal(held_out.images, images[[4, 9, 14, 19]])
    np.testing.assert_array_equal(held_out.digits, digits[[4, 9, 14, 19]])
    np.testing.assert_array_equal(train.images, np.delete(images, [4, 9, 14, 19], axis=0))
    np.testing.assert_array_equal(train.digits, np.delete(digits, [4, 9, 14, 19]))


def test_training_files_go_before_test_files(tmp_path):
    write_mnist(tmp_path, 20, part="t10k")
    images, _ = write_mnist(tmp_path / "MNIST" / "raw", 12, seed=1)
    np.testing.assert_array_equal(read_mnist(tmp_path)[0].images, images[:10])


def test_without_a_folder_it_is_said_what_to_get():
    with pytest.raises(FileNotFoundError, match=r"data_root: a folder with the IDX files.*got None; LeCun.*publish"):
        read_mnist(None)


def test_the_error_for_an_empty_folder_names_the_layout_and_the_source(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"data_root.*'train-images-idx3-ubyte'.*'MNIST/raw'.*no such pair.*LeCun"
    ):
        read_mnist(tmp_path)


@pytest.mark.parametrize(("kept", "missing"), [(IMAGES, LABELS), (LABELS, IMAGES)])
def test_half_a_pair_is_not_enough_even_next_to_test_files(tmp_path, kept, missing):
    write_mnist(tmp_path, 12)
    write_mnist(tmp_path, 20, part="t10k")
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError, match=f"both files.*beside '.*{kept}' there is no '{missing}'.*put it there"):
        read_mnist(tmp_path)


# A cut in the head of the gzip file, in its data, and in its check sum; and a damaged byte.
@pytest.mark.parametrize("damage", [lambda b: b[:5], lambda b: b[:40], lambda b: b[:-3], lambda b: b[:12] + b[20:]])
def test_a_damaged_gzip_file_is_named(tmp_path, damage):
    path = tmp_path / f"{IMAGES}.gz"
    path.write_bytes(damage(gzip.compress(idx_bytes(np.arange(60, dtype=np.uint8)))))
    with pytest.raises(ValueError, match=r"a whole gzip file is required, '.*\.gz' cannot be unpacked .*again"):
        read_idx(path)


def test_a_web_page_is_no_gzip_file(tmp_path):
    (tmp_path / f"{IMAGES}.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"a whole gzip file is required"):
        read_idx(tmp_path / f"{IMAGES}.gz")


@pytest.mark.parametrize("content", [b"", b"\0\0", b"<html>", b"\0\0\x0d\x01" + b"\0" * 8, b"\x01\0\x08\x01\0\0\0\0"])
def test_what_is_no_idx_file_of_bytes_is_named(tmp_path, content):
    (tmp_path / IMAGES).write_bytes(content)
    with pytest.raises(ValueError, match=r"unsigned bytes are required, '.*ubyte' is none: it begins with b'.*again"):
        read_idx(tmp_path / IMAGES)


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b[:10]])
def test_a_file_of_another_length_than_its_head_says_is_named(tmp_path, change):
    content = change(idx_bytes(np.zeros((3, 4), np.uint8)))
    (tmp_path / IMAGES).write_bytes(content)
    with pytest.raises(ValueError, match=r"IDX file of \d+ bytes is required.*ubyte' has \d+; download it again"):
        read_idx(tmp_path / IMAGES)


@pytest.mark.parametrize("shape", [(12, 32, 32), (12, 28), (12, 1, 28, 28)])
def test_images_of_another_size_are_refused(tmp_path, shape):
    write_mnist(tmp_path, 12)
    write_idx(tmp_path / IMAGES, np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=r"shape \[images, 28, 28\] are required, '.*images.*' holds \[12"):
        read_mnist(tmp_path)


def test_labels_beyond_nine_are_refused(tmp_path):
    _, digits = write_mnist(tmp_path, 12)
    digits[3] = 10
    write_idx(tmp_path / LABELS, digits)
    with pytest.raises(ValueError, match=r"labels from 0 to 9 are required, '.*labels.*' holds 10"):
        read_mnist(tmp_path)


@pytest.mark.parametrize("shape", [(11,), (13,), (12, 1)])
def test_another_number_of_labels_than_images_is_refused(tmp_path, shape):
    write_mnist(tmp_path, 12)
    write_idx(tmp_path / LABELS, np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=r"one label for each of the 12 images is required, '.*labels.*' holds \[1"):
        read_mnist(tmp_path)
