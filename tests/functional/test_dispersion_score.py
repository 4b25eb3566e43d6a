"""Dispersion of predicted classes: by hand, against scikit-learn, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import calinski_harabasz_score

from lightning_infomem.functional import dispersion_score

SAMPLES = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0], [0.0, 5.0], [0.0, 9.0]])
CLASSES = torch.tensor([0, 0, 1, 1, 1, 1])


def test_two_classes_by_hand():
    # Means (1, 0), (0, 1) and (1/3, 2/3) of all: squared distances 8/9 and 2/9, weighted 1/3 and 2/3.
    found = dispersion_score(SAMPLES, CLASSES)
    assert found.item() == pytest.approx(math.log(8 / 9 / 3 + 2 / 9 * 2 / 3))
    assert (found.dtype, found.shape) == (torch.float64, ())


def test_it_is_the_between_part_of_calinski_and_harabasz():
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(90, 7, generator=generator, dtype=torch.float64)
    samples = samples / samples.norm(dim=1, keepdim=True)
    classes = torch.arange(90) % 4
    means = torch.stack([samples[classes == each].mean(0) for each in range(4)])
    within = (samples - means[classes]).square().sum() / (90 - 4)
    expected = math.log(calinski_harabasz_score(samples, classes) * within / 90)
    assert dispersion_score(samples * 17, classes + 3).item() == pytest.approx(expected)


def test_it_grows_as_classes_part():
    generator = torch.Generator().manual_seed(0)
    noise, classes = torch.randn(200, 8, generator=generator), torch.arange(200) % 4
    values = [dispersion_score(noise + apart * torch.eye(8)[classes], classes).item() for apart in (0, 1, 3, 9)]
    assert values == sorted(values)


def test_unknown_predictions_are_left_out():
    classes = torch.cat([CLASSES, torch.tensor([-1])])
    samples = torch.cat([SAMPLES, torch.tensor([[7.0, 7.0]])])
    assert dispersion_score(samples, classes).item() == dispersion_score(SAMPLES, CLASSES).item()


def test_without_two_classes_there_is_no_value():
    assert math.isnan(dispersion_score(SAMPLES, CLASSES * 0).item())
    assert math.isnan(dispersion_score(SAMPLES, CLASSES * 0 - 1).item())
    assert dispersion_score(torch.zeros(6, 3), CLASSES).item() == -math.inf


@pytest.mark.parametrize(
    ("samples", "classes", "fault", "message"),
    [
        (SAMPLES * math.nan, CLASSES, ValueError, "samples: finite values"),
        (SAMPLES, CLASSES[:5], ValueError, "classes: one for each of the 6 inputs"),
        (SAMPLES, CLASSES.float(), TypeError, "classes: an integer torch tensor"),
        (SAMPLES, CLASSES - 2, ValueError, "classes: classes from 0, or -1"),
        (SAMPLES[0], CLASSES, ValueError, "samples: shape"),
    ],
)
def test_wrong_input_is_named(samples, classes, fault, message):
    with pytest.raises(fault, match=message):
        dispersion_score(samples, classes)
