"""Images in a page."""

from __future__ import annotations

import base64
import io

import matplotlib.image
import numpy as np
import pytest
import torch

from lightning_infomem.pages.picture import embed_picture

START = "data:image/png;base64,"


def _read(uri):
    """Return the bytes of the image as another program reads them, ``[height, width, channels]``."""
    assert uri.startswith(START)
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(uri.removeprefix(START))), format="png")
    return np.round(255 * (pixels if pixels.ndim == 3 else pixels[..., None])).astype(int)


def test_bytes_are_shown_as_they_are_with_either_order_of_axes():
    image = torch.randint(0, 256, (3, 5, 7), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    expected = image.movedim(0, 2).numpy()
    assert np.array_equal(_read(embed_picture(image)), expected)
    assert np.array_equal(_read(embed_picture(image.movedim(0, 2))), expected)
    assert np.array_equal(_read(embed_picture(image[:1])), expected[..., :1])
    assert np.array_equal(_read(embed_picture(image[0])), expected[..., :1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int64])
def test_other_ranges_are_shown_from_the_least_to_the_largest_value(dtype):
    image = torch.tensor([[-20, 0], [20, 31]]).to(dtype)
    assert _read(embed_picture(image))[..., 0].tolist() == [[0, 100], [200, 255]]


def test_a_constant_image_is_grey_and_unknown_values_count_as_zero():
    assert _read(embed_picture(torch.full((1, 2, 2), 7.0)))[..., 0].tolist() == [[128, 128]] * 2
    image = torch.tensor([[float("nan"), 1.0], [1.0, 1.0]])
    assert _read(embed_picture(image))[..., 0].tolist() == [[0, 255], [255, 255]]


def test_a_large_image_is_thinned_out():
    image = torch.arange(600 * 300).reshape(600, 300).float()
    assert _read(embed_picture(image)).shape == (200, 100, 1)


@pytest.mark.parametrize("shape", [(5,), (1, 9), (2, 8, 8), (4, 8, 8), (3, 3, 8, 8), (0, 3), ()])
def test_other_shapes_are_no_image(shape):
    assert embed_picture(torch.zeros(shape)) is None
