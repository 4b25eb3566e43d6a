"""`infomem ablate`: measure how many bits a trained model loses without each of its components.

Each component is reset to its weights before training, and the increase in the code length of held-out labels is
measured. The bits of components do not add up. The command imports and runs your functions.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.cli.coding_options import add_coding_command, coding_settings, report_result
from lightning_infomem.cli.import_path import import_function

if TYPE_CHECKING:
    from lightning_infomem.model_information.learner import Model
    from lightning_infomem.model_information.model_components import Components

__all__ = ["add_parser"]

_EXAMPLE = """example, from a checkout of the sources (a minute each; the first command trains the network):
  python -m examples.model_information.ablation --output ablation --train-only
  infomem ablate ablation/seed0-final.ckpt --initial ablation/seed0-initial.ckpt \\
      --model examples.model_information.block_network:BlockNetwork \\
      --data examples.model_information.ablation:held_out \\
      --blocks 10 30 100 --epochs 10 --learning-rate 0.01 --figure ablation.png
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = add_coding_command(
        commands,
        "ablate",
        help="measure how many bits a model loses without each component",
        description=__doc__,
        example=_EXAMPLE,
        data="function that returns held-out samples with labels",
    )
    parser.add_argument("checkpoint", metavar="CKPT", type=Path, help="the trained weights")
    parser.add_argument(
        "--components",
        metavar="PATTERN",
        nargs="+",
        default=["children"],
        help="names or patterns of modules, such as 'blocks.*', where each match is a component; or NAME=PATTERN, "
        "where all matches form one component (default: the network's direct children)",
    )
    parser.add_argument("--initial", metavar="CKPT", type=Path, help="the weights before training")
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="seed of the code. Without --initial it also seeds the initial model: if training started from other "
        "weights, all bits are wrong and no error is raised (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the bits of each component, their sum, and the bits of the whole model."""
    settings = coding_settings(arguments)
    components = _components(arguments.components)
    make_model = import_function(arguments.model, option="--model")
    make_data = import_function(arguments.data, option="--data")
    # Imported late, because these import torch.
    from lightning_infomem.model_information.information_ablation import information_ablation
    from lightning_infomem.model_information.plots.plot_information_ablation import plot_information_ablation
    from lightning_infomem.model_information.repetitions import make_seeded

    initial = make_seeded(make_model, arguments.seed)
    final = copy.deepcopy(initial)  # a second call could return the same object
    _load(final, arguments.checkpoint)
    if arguments.initial is not None:
        _load(initial, arguments.initial)
    result = information_ablation(initial, final, make_data(), components, seed=arguments.seed, **settings)
    report_result(result, plot_information_ablation, arguments)
    return 0


def _components(words: list[str]) -> Components:
    """Parse NAME=PATTERN words into groups; plain patterns are returned as they are."""
    if words == ["children"]:
        return "children"
    if not any("=" in word for word in words):
        return words
    groups: dict[str, list[str]] = {}
    for word in words:
        name, _, pattern = word.partition("=")
        if not name or not pattern:
            raise UsageValueError(
                f"--components: NAME=PATTERN is required for all components or for none, got {word!r}; name all."
            )
        groups.setdefault(name, []).append(pattern)
    return groups


def _load(model: Model, path: Path) -> None:
    """Load all weights of a checkpoint into a model.

    Raises:
        ValueError: The weights cannot be read or do not fit the model.
    """
    from lightning_infomem.checkpoints.reading import UnusableCheckpoint, load_checkpoint
    from lightning_infomem.checkpoints.weight_names import load_weights

    network = model[0] if isinstance(model, tuple) else model
    if not hasattr(network, "load_state_dict"):
        raise UsageTypeError(
            f"--model: a function that returns a module is required, got one that returns {type(network).__name__}; "
            "return the module that was trained."
        )
    try:
        weights = load_checkpoint(path).get("state_dict")
    except UnusableCheckpoint as fault:
        raise UsageValueError(f"'{path}': {fault}") from fault
    if weights is None:
        raise UsageValueError(f"'{path}': a checkpoint with a 'state_dict' is required, got none; save one with it.")
    try:
        load_weights(network, weights)
    except RuntimeError as fault:
        raise UsageValueError(
            f"'{path}': weights that fit the model made by --model are required, these do not ({fault}); give the "
            "function that made the trained model."
        ) from fault
