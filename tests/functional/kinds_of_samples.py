"""One small matrix of samples of every kind that has ever gone wrong, ``[samples, units]``."""

from __future__ import annotations

import torch
from torch import Tensor


def _normal(num_samples: int = 60, num_units: int = 4, *, seed: int) -> Tensor:
    return torch.randn(num_samples, num_units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _whole(below: int, num_samples: int = 60, *, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, below, (num_samples, 4), generator=generator).double()


def _dependent(*, seed: int) -> Tensor:
    samples = _normal(seed=seed)
    return samples + 2 * samples[:, :1]


CONTINUOUS: dict[str, Tensor] = {
    "independent": _normal(seed=1),
    "dependent": _dependent(seed=2),
    "scales from 1e-6 to 1e6": _dependent(seed=3) * torch.tensor([1e-6, 1.0, 1e3, 1e6], dtype=torch.float64),
    "heavy tails": _dependent(seed=4) ** 3,
    "one outlier": torch.cat([_dependent(seed=5), torch.full((1, 4), 1e6, dtype=torch.float64) + _normal(1, seed=6)]),
    "17 samples": _normal(17, seed=7),
}

KINDS: dict[str, Tensor] = {
    **CONTINUOUS,
    "float32": _dependent(seed=10).float(),
    "float16": _dependent(seed=11).half(),
    "bfloat16": _dependent(seed=12).bfloat16(),
    "rectified": _dependent(seed=13).relu(),
    "rectified float32": _dependent(seed=14).float().relu(),
    "rectified bfloat16": _dependent(seed=15).bfloat16().relu(),
    "nine tenths zero": (_dependent(seed=16) - 2.5).relu(),
    "saturated at both ends": _dependent(seed=17).clamp(-0.5, 0.5),
    "continuous with rectified": torch.cat([_normal(num_units=2, seed=18), _normal(num_units=2, seed=19).relu()], 1),
    "binary": _whole(2, seed=20),
    "ten whole numbers": _whole(10, seed=21),
    "ten whole numbers float32": _whole(10, seed=22).float(),
    "thirds": _whole(30, seed=23) / 3,
    "every sample twice": _dependent(seed=24)[:30].repeat(2, 1),
    "every sample four times": _dependent(seed=25)[:15].repeat(4, 1),
    "a copy and a mirror image": _normal(num_units=2, seed=26)[:, [0, 0, 0, 1]]
    * torch.tensor([1.0, 3.7, -0.1, 1.0], dtype=torch.float64),
    "one unit constant": _dependent(seed=27) * torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64),
    "all units constant": torch.full((50, 4), 3.7, dtype=torch.float64),
    "one sample apart": torch.eye(40, 4, dtype=torch.float64),
    "k + 1 samples": _normal(4, seed=28),
    "k + 1 samples tied": _whole(2, 4, seed=29),
    "five samples of three values": _whole(3, 5, seed=30),
}
