"""What follows from a task, in words."""

from __future__ import annotations

import pytest

from lightning_infomem.records.tasks import GIVEN_TASKS, TASKS, say_given, why_no_classes


def test_a_user_can_say_all_that_is_no_doubt() -> None:
    assert set(GIVEN_TASKS) - {"auto"} == set(TASKS) - {"unknown", "assumed"}


@pytest.mark.parametrize("task", ["classification", "assumed"])
def test_outputs_of_these_are_classes(task: str) -> None:
    assert why_no_classes(task, "its labels are integers") is None


@pytest.mark.parametrize(
    ("task", "reason", "words"),
    [
        ("regression", "its loss is mse_loss", "the network does regression (its loss is mse_loss)"),
        ("regression", "", "the network does regression"),
        ("none", say_given("none"), 'the outputs of the network are no classes (task="none" was given)'),
        ("unknown", "", 'whether the network classifies is unknown: give task="classification"'),
        ("unknown", "no labels", 'whether the network classifies is unknown (no labels): give task="classification"'),
    ],
)
def test_the_reason_names_the_evidence_and_the_remedy(task: str, reason: str, words: str) -> None:
    found = why_no_classes(task, reason)
    assert found is not None
    assert found.startswith(words)
