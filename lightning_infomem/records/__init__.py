"""Frozen facts: what was measured, judged and ranked, and under which names it is logged."""

from lightning_infomem.records.report import InformationReport, LayerInformation

__all__ = ["InformationReport", "LayerInformation"]
