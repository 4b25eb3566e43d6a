"""Copies of a row are named; ties that are honest are not taken for copies."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor

from lightning_infomem.functional import mutual_information, pairwise_mutual_information
from lightning_infomem.functional.repeated_rows import count_repeated_rows


def normal(num_samples: int = 200, num_units: int = 12, *, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_samples, num_units, generator=generator, dtype=torch.float64)


def warned_of(samples: Tensor, **arguments: object) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pairwise_mutual_information(samples, **arguments)  # type: ignore[call-overload]
    assert all(each.filename == __file__.removesuffix("c") for each in caught)
    return [str(each.message) for each in caught]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("kind", ["continuous", "rectified", "with dead units", "with two zeros"])
def test_copies_of_rows_are_counted(kind: str, dtype: torch.dtype) -> None:
    samples = normal().to(dtype)
    if kind != "continuous":
        samples = (samples + 0.5).relu()
    if kind == "with dead units":
        samples = torch.cat([torch.full((200, 70), 7.0, dtype=dtype), samples], dim=1)
    copies = samples[:40]
    if kind == "with two zeros":
        copies = torch.where(copies == 0, -0.0, copies)
    together = torch.cat([samples, copies])[torch.randperm(240, generator=torch.Generator().manual_seed(0))]
    assert count_repeated_rows(samples) == 0
    assert count_repeated_rows(together) == 40


def test_copies_in_whole_numbers_are_told_apart() -> None:
    digits = torch.arange(4096)[:, None] // 2 ** torch.arange(12) % 2  # all rows of twelve bits
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        assert count_repeated_rows(digits.to(dtype)) == 0


@pytest.mark.parametrize("arguments", [{}, {"pairs": 5}, {"pairs": [(0, 1)], "backend": "reference"}], ids=str)
def test_many_copies_are_warned_of_once_with_a_remedy(arguments: dict[str, object]) -> None:
    (message,) = warned_of(torch.cat([normal(), normal()]), **arguments)
    assert message.startswith("samples: 200 of 400 rows repeat an earlier row. Copies are taken for nearest neighbours")
    assert "samples.unique(dim=0)" in message


def test_the_remedy_helps() -> None:
    samples = torch.cat([normal(), normal(60)]).float()
    assert len(warned_of(samples)) == 1
    assert warned_of(samples.unique(dim=0)) == []


def test_up_to_a_twentieth_of_copies_is_nothing_to_say() -> None:
    assert warned_of(torch.cat([normal(190), normal(190)[:10]])) == []
    assert len(warned_of(torch.cat([normal(189), normal(189)[:11]]))) == 1


@pytest.mark.parametrize(
    "samples",
    [
        normal(num_units=7).repeat(2, 1),
        torch.cat([normal(num_units=7).repeat(2, 1), torch.ones(400, 5)], dim=1),
        (normal(400) - 2.5).relu(),
        (normal(400, 8) - 1.5).bfloat16().relu(),
        normal(400).bfloat16(),
        torch.ones(50, 20),
    ],
    ids=["seven units", "seven live units", "rows of zeros", "rows of a few bits", "bfloat16", "constant units"],
)
def test_honest_ties_are_no_copies(samples: Tensor) -> None:
    assert warned_of(samples) == []


def test_two_variables_alone_tell_nothing_of_copies() -> None:
    x, y = normal(num_units=2).repeat(2, 1).T
    mutual_information(x, y)  # a warning would be an error


def test_dropped_rows_are_no_copies() -> None:
    samples = torch.cat([normal(), torch.full((30, 12), torch.nan, dtype=torch.float64)])
    assert warned_of(samples) == ["samples: 30 of 230 rows hold non-finite values and were dropped."]


def test_the_global_random_state_is_not_touched() -> None:
    before = torch.get_rng_state()
    count_repeated_rows(normal().repeat(2, 1))
    assert torch.equal(torch.get_rng_state(), before)
