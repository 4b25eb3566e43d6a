"""Codes of several seeds side by side: their lengths, and what of them is the data's and what the model's."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightning_infomem._checks import describe
from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.model_information.online_code import OnlineCode
from lightning_infomem.model_information.result import Result
from lightning_infomem.records.comparability import Field, check_comparable

__all__ = ["CodelengthReport"]


@dataclass(frozen=True)
class CodelengthReport(Result):
    """Codes by `model_information` or `prequential_codelength`, to be printed, saved and drawn.

    Args:
        codes: name -> codes of the same labels, one a seed.

    Raises:
        TypeError: something else.
        ValueError: no code, or codes under one name that differ in classes or blocks.

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
            raise TypeError(
                f"codes: names with codes are required, got {describe(self.codes)}; give {{'name': [code]}}."
            )
        for name, own in self.codes.items():
            if not isinstance(own, Sequence) or not own or not all(isinstance(code, OnlineCode) for code in own):
                raise TypeError(
                    f"codes: a sequence of codes, one a seed, is required of {name!r}, got {type(own).__name__}; give "
                    "[model_information(...)]."
                )
            codes = {f"code {number}": code for number, code in enumerate(own)}
            fields: dict[Field, dict[str, Hashable]] = {
                "classes": {number: code.num_classes for number, code in codes.items()},
                "blocks": {number: tuple(code.block_sizes) for number, code in codes.items()},
            }
            check_comparable(fields, None, argument=f"codes of {name!r}")

    @property
    def settings(self) -> dict[str, Any]:  # type: ignore[override]  # they are those of the codes
        """Name -> settings of its first code, without the seed."""
        return {
            name: {key: value for key, value in own[0].settings.items() if key != "seed"}
            for name, own in self.codes.items()
        }

    def blocks(self, name: str) -> list[dict[str, float]]:
        """One a block that holds labels: how many were known before it, bits a label in it, half their interval."""
        own = self.codes[name]
        rows, known = [], 0
        for place, size in enumerate(own[0].block_sizes):
            if size:
                bits, spread = mean_and_spread([code.block_bits[place] / size for code in own])
                rows.append({"known": known, "bits": bits, "bits_spread": spread})
            known += size
        return rows

    def to_records(self) -> list[dict[str, Any]]:
        """One a name: means over seeds in bits, each with half the width of its 95 % interval; the seeds.

        ``data_bits`` is what the labels cost once the model is known, ``model_bits`` the rest of ``code_bits``; NaN
        where the codes are not by `model_information`.
        """
        records = []
        for name, own in self.codes.items():
            record: dict[str, Any] = {"name": name, "samples": sum(own[0].block_sizes)}
            for column, values in {
                "code_bits": [code.code_length for code in own],
                "data_bits": [_known(code.final_data_bits) for code in own],
                "model_bits": [_known(code.model_bits) for code in own],
            }.items():
                record[column], record[f"{column}_spread"] = mean_and_spread(values)
            record["uniform_bits"] = own[0].uniform_code_length
            seeds = [str(code.settings.get("seed", "?")) for code in own]
            records.append({**record, "seeds": ", ".join(seeds)})
        return records


def _known(bits: float | None) -> float:
    return float("nan") if bits is None else bits
