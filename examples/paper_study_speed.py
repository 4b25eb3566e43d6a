"""Time all pairs of 384 units over 2,500 samples, the study that took the code of the paper 43 minutes.

Compares `pairwise_mutual_information` with scikit-learn's estimator on a sample of the same pairs, in one run.
Run it with ``python examples/paper_study_speed.py``.
"""

from __future__ import annotations

import time

import torch
from sklearn.feature_selection._mutual_info import _compute_mi_cc

from lightning_infomem.functional import pairwise_mutual_information

UNITS, SAMPLES, NEIGHBORS = 384, 2500, 3
PAIRS_OF_PEER = 60


def main() -> None:
    """Print both times for Gaussian units and for ReLU units."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(48, UNITS, generator=generator) / 48**0.5
    noise = torch.randn(SAMPLES, UNITS, generator=generator)
    before = torch.randn(SAMPLES, 48, generator=generator) @ mixing + 0.5 * noise
    # Compiled once per machine and read from disk once per process; not part of the times below.
    start = time.perf_counter()
    pairwise_mutual_information(before[:50, :2], neighbors=NEIGHBORS)
    print(f"{torch.get_num_threads()} threads; compiled and loaded in {time.perf_counter() - start:.1f} s")
    for name, samples in {"Gaussian": before, "ReLU": before.relu()}.items():
        start = time.perf_counter()
        information = pairwise_mutual_information(samples, neighbors=NEIGHBORS)
        ours = time.perf_counter() - start
        standardized = ((samples - samples.mean(0)) / samples.std(0)).double().T.contiguous().numpy()
        units = torch.randint(UNITS, (PAIRS_OF_PEER, 2), generator=generator).tolist()
        start = time.perf_counter()
        for x, y in units:
            _compute_mi_cc(standardized[x], standardized[y], NEIGHBORS)
        pairs = UNITS * (UNITS + 1) // 2
        peer = (time.perf_counter() - start) / PAIRS_OF_PEER * pairs
        mean = information[tuple(torch.triu_indices(UNITS, UNITS, 1))].mean()
        print(
            f"{name}: {pairs} pairs in {ours:.1f} s; "
            f"scikit-learn, from {PAIRS_OF_PEER} pairs on one thread, {peer:.0f} s "
            f"({peer / ours:.0f} times as long); mean information {mean:.3f} nats"
        )


if __name__ == "__main__":
    main()
