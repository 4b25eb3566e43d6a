"""A ranking as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["to_markdown"]


def to_markdown(ranking: Ranking) -> str:
    """A table of the checkpoints, then the verdict and every doubt."""
    metrics = list(dict.fromkeys(name for row in ranking.rows for name in row.metrics))
    head = ["rank", "90 %", "checkpoint", "epoch", "MI (nats)", "90 %", "entropy (nats)", "entropy rank", "P(best)"]
    lines = [[*head, *metrics], ["---"] * (len(head) + len(metrics))]
    for row in ranking.rows:
        low, high = row.interval
        cells = [
            _cell(row.rank),
            "" if row.rank_interval is None else f"{row.rank_interval[0]} to {row.rank_interval[1]}",
            f"`{row.path}`",
            _cell(row.epoch),
            f"{row.mutual_information:.4f}",
            f"{low:.4f} to {high:.4f}",
            f"{row.entropy:.4f}",
            _cell(row.entropy_rank),
            "" if row.probability_best is None else f"{row.probability_best:.2f}",
        ]
        lines.append(cells + [f"{row.metrics[name]:.4g}" if name in row.metrics else "" for name in metrics])
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    words = [ranking.verdict, *(f"**{flag.name}**: {flag.message}" for flag in ranking.flags), *ranking.notes]
    return table + "\n\n" + "\n".join(f"- {sentence}" for sentence in words) + "\n"


def _cell(value: int | None) -> str:
    return "" if value is None else str(value)
