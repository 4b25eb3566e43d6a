"""Compare code lengths over seeds, and split each into the bits of the data and the bits of the model."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError
from lightning_infomem.model_information.mean_and_spread import means_with_spreads
from lightning_infomem.model_information.online_code import OnlineCode
from lightning_infomem.model_information.result import Result
from lightning_infomem.records.comparability import Field, check_comparable

__all__ = ["CodelengthReport"]


@dataclass(frozen=True)
class CodelengthReport(Result):
    """A table of codes from `model_information` or `prequential_codelength`, to print, save and plot.

    Args:
        codes: Name -> codes of the same labels, one per seed.

    Raises:
        TypeError: ``codes`` is not a non-empty mapping from names to non-empty sequences of `OnlineCode`.
        ValueError: Codes under one name differ in their classes or blocks.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), eq. 1.

    >>> code = OnlineCode(num_classes=2, block_sizes=(10, 90), block_bits=(10.0, 50.0), final_data_bits=20.0)
    >>> record = CodelengthReport({"mine": [code]}).to_records()[0]
    >>> record["code_bits"], record["data_bits"], record["model_bits"], record["uniform_bits"]
    (60.0, 20.0, 40.0, 100.0)
    """

    codes: Mapping[str, Sequence[OnlineCode]]

    def __post_init__(self) -> None:
        if not isinstance(self.codes, Mapping) or not self.codes:
            raise UsageTypeError(
                f"codes: a mapping from names to codes is required, got {describe(self.codes)}; give "
                "{'name': [code]}."
            )
        for name, codes in self.codes.items():
            if not isinstance(codes, Sequence) or not codes or not all(isinstance(code, OnlineCode) for code in codes):
                raise UsageTypeError(
                    f"codes: a sequence of codes, one per seed, is required for {name!r}, got {type(codes).__name__}; "
                    "give [model_information(...)]."
                )
            numbered = {f"code {number}": code for number, code in enumerate(codes)}
            fields: dict[Field, dict[str, Hashable]] = {
                "classes": {number: code.num_classes for number, code in numbered.items()},
                "blocks": {number: tuple(code.block_sizes) for number, code in numbered.items()},
            }
            check_comparable(fields, None, argument=f"codes of {name!r}")

    @property
    def settings(self) -> dict[str, Any]:  # type: ignore[override]  # taken from the codes
        """Name -> settings of its first code, without the seed."""
        return {
            name: {key: value for key, value in codes[0].settings.items() if key != "seed"}
            for name, codes in self.codes.items()
        }

    def blocks(self, name: str) -> list[dict[str, float]]:
        """Return one row per non-empty block of the codes under a name.

        A row holds the number of labels ``known`` before the block, the mean ``bits`` per label in it, and
        ``bits_spread``, half the width of the 95 % interval over seeds.
        """
        codes = self.codes[name]
        rows: list[dict[str, float]] = []
        known = 0
        for place, size in enumerate(codes[0].block_sizes):
            if size:
                bits = [code.block_bits[place] / size for code in codes]
                rows.append({"known": known, **means_with_spreads(bits=bits)})
            known += size
        return rows

    def to_records(self) -> list[dict[str, Any]]:
        """Return one row per name: means over seeds in bits, half-widths of their 95 % intervals, and the seeds.

        ``data_bits`` is the cost of the labels once the model is known; ``model_bits`` is the rest of ``code_bits``.
        Both are NaN unless the codes come from `model_information`.
        """
        return [
            {
                "name": name,
                "samples": sum(codes[0].block_sizes),
                **means_with_spreads(
                    code_bits=[code.code_length for code in codes],
                    data_bits=[_known(code.final_data_bits) for code in codes],
                    model_bits=[_known(code.model_bits) for code in codes],
                ),
                "uniform_bits": codes[0].uniform_code_length,
                "seeds": ", ".join(str(code.settings.get("seed", "?")) for code in codes),
            }
            for name, codes in self.codes.items()
        ]


def _known(bits: float | None) -> float:
    return float("nan") if bits is None else bits
