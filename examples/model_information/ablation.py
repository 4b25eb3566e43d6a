"""Locate the bits that a small convolutional network has learned.

``python -m examples.model_information.ablation --output ablation`` trains a network of three blocks and a head on
scikit-learn's digits, resets each component to its initial weights, and writes the bits lost per component and per
parameter. Existing results are reused. It takes a few minutes on two cores; reduce ``--epochs`` and ``--seeds`` for a
shorter run. ``--train-only`` writes a network for `infomem ablate`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from examples.model_information.block_network import BlockNetwork
from examples.model_information.domains import digits
from examples.model_information.kept_results import kept_results
from lightning_infomem.model_information import InformationAblation, information_ablation
from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.labeled_data import LabeledData
from lightning_infomem.model_information.learner import Model, trained
from lightning_infomem.model_information.plots import plot_information_ablation
from lightning_infomem.model_information.repetitions import make_seeded
from lightning_infomem.plots import save_figure
from lightning_infomem.reporting.text_file import write_text

__all__ = ["held_out", "main", "report"]

# Same settings as for the domains. In a first run, with a first block of 5 % and batches of 64, one seed lost 3,300
# bits with its first block, perhaps because batch norm saw too few batches; bits per parameter fell in two of three
# seeds.
_SETTINGS = {"blocks": [10.0, 30.0, 100.0], "batch_size": 32, "learning_rate": 3e-3}


def held_out() -> tuple[Tensor, Tensor]:
    """Return the images and classes that no network in this study is trained on."""
    return digits()[1]


def train(seed: int, settings: dict[str, Any]) -> tuple[Model, Model]:
    """Return the network before and after training on the training digits."""
    chosen = CodelengthSettings(**settings, seed=seed, progress=False)
    initial = make_seeded(BlockNetwork, seed)
    final = trained(initial, LabeledData.of(digits()[0], chosen), chosen)
    return initial, final


def ablate(job: dict[str, Any]) -> dict[str, Any]:
    """Return the ablation of one seed's network as plain values."""
    found = information_ablation(
        *train(job["seed"], job["settings"]), held_out(), seed=job["seed"], progress=False, **job["settings"]
    )
    return {
        "components": dict(found.components),
        "bits": found.bits.tolist(),
        "whole_bits": found.whole_bits.tolist(),
        "num_parameters": found.num_parameters,
        "seeds": list(found.seeds),
        "settings": dict(found.settings),
    }


def _read(part: dict[str, Any]) -> InformationAblation:
    bits, whole = (torch.tensor(part[name], dtype=torch.float64) for name in ("bits", "whole_bits"))
    return InformationAblation(
        part["components"], bits, whole, part["num_parameters"], tuple(part["seeds"]), part["settings"]
    )


def report(result: InformationAblation) -> str:
    """Return the table, and whether parameters near the input hold more bits than later ones."""
    rows = result.to_records()
    lines = [
        f"Means over seeds {rows[0]['seeds']}, with half the width of the 95 % interval (Student's t).",
        "Digits of scikit-learn, 1,000 trained on, 797 held out; three blocks of two convolutions, and a linear head.",
        f"Settings: {', '.join(f'{name} {value}' for name, value in result.settings.items())}.",
        "",
        "| set back | bits lost | parameters | bits per parameter |",
        "|---|---|---|---|",
    ]
    for row in rows:
        bits = f"{row['bits']:.0f} ± {row['bits_spread']:.0f}"
        each = f"{row['bits_per_parameter']:.3f} ± {row['bits_per_parameter_spread']:.3f}"
        lines.append(f"| {row['component']} | {bits} | {row['num_parameters']:,} | {each} |")
    blocks = torch.stack(
        [
            result.bits[:, place] / count
            for place, (name, count) in enumerate(result.components.items())
            if name != "head"
        ]
    )
    falling = int((blocks.diff(dim=0) < 0).all(0).sum())
    lines += ["", f"Bits per parameter fall from block to block in {falling} of {len(result.seeds)} seeds."]
    sure = [row["component"] for row in rows if row["bits"] > row["bits_spread"]]
    lines.append(f"The interval of the bits lost is above 0 for: {', '.join(sure) or 'none; seeds differ too much'}.")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Compute missing results, and write the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="output folder, created if missing")
    parser.add_argument("--seeds", type=int, default=3, help="number of repetitions (%(default)s)")
    parser.add_argument("--epochs", type=int, default=30, help="maximum epochs of each training (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="number of processes (%(default)s)")
    parser.add_argument(
        "--train-only",
        action="store_true",
        help="only train the first seed, and write its initial and final weights for `infomem ablate`",
    )
    given = parser.parse_args(argv)
    settings = _SETTINGS | {"max_epochs": given.epochs}
    given.output.mkdir(parents=True, exist_ok=True)
    try:
        if given.train_only:
            for name, network in zip(("initial", "final"), train(0, settings), strict=True):
                assert isinstance(network, nn.Module)  # not a pair with a loss
                torch.save({"state_dict": network.state_dict()}, given.output / f"seed0-{name}.ckpt")
            return 0
        jobs = {f"seed{seed}": {"seed": seed, "settings": settings} for seed in range(given.seeds)}
        parts = kept_results(ablate, jobs, given.output / "ablation", workers=given.workers)
    except KeyboardInterrupt:
        print("stopped; finished results are kept, and the same command resumes from them", file=sys.stderr)
        return 130
    result = InformationAblation.joined([_read(part) for part in parts.values()])
    text = report(result)
    write_text(given.output / "ablation.md", text)
    save_figure(plot_information_ablation(result), given.output / "ablation.png")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
