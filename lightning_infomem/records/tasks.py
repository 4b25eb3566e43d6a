"""What a network is known to do, and whether its outputs are classes."""

from __future__ import annotations

__all__ = ["GIVEN_TASKS", "TASKS", "say_given", "why_no_classes"]

# What a user can say; "auto" looks for evidence.
GIVEN_TASKS = ("auto", "classification", "regression", "none")

# What a report can say. "assumed": a plain module with several outputs, which are taken for classes without evidence.
TASKS = ("classification", "regression", "none", "unknown", "assumed")


def say_given(task: str) -> str:
    """Return the reason of a task that the user gave.

    >>> say_given("regression")
    'task="regression" was given'
    """
    return f'task="{task}" was given'


def why_no_classes(task: str, reason: str = "") -> str | None:
    """Explain why the outputs of a network are not taken for classes; None if they are.

    Args:
        task: One of `TASKS`.
        reason: How the task is known.

    >>> why_no_classes("regression", "its loss is mse_loss")
    'the network does regression (its loss is mse_loss)'
    """
    evidence = f" ({reason})" if reason else ""
    if task == "regression":
        return f"the network does regression{evidence}"
    if task == "none":
        return f"the outputs of the network are no classes{evidence}"
    if task == "unknown":
        return (
            f'whether the network classifies is unknown{evidence}: give task="classification" if its outputs are '
            'logits of classes, else task="regression" or task="none"'
        )
    return None
