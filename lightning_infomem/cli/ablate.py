"""`infomem ablate`: how many bits a trained model loses with each of its components.

Sets each component back to its weights before training, and measures by how much the code of held-out labels grows.
The bits of components are not additive. It imports and runs your functions.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_infomem.cli.coding_options import (
    add_coding_options,
    check_targets,
    coding_settings,
    present,
)
from lightning_infomem.offline.import_path import import_function

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
    parser = commands.add_parser(
        "ablate",
        help="measure in bits what a model loses with each component",
        description=__doc__,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", metavar="CKPT", type=Path, help="the trained weights")
    parser.add_argument(
        "--model", metavar="MODULE:FUNCTION", required=True, help="a function or class that makes the untrained model"
    )
    parser.add_argument(
        "--data", metavar="MODULE:FUNCTION", required=True, help="a function that returns held-out samples with labels"
    )
    parser.add_argument(
        "--components",
        metavar="PATTERN",
        nargs="+",
        default=["children"],
        help="names or patterns of modules, such as 'blocks.*', each module that matches a component; or NAME=PATTERN, "
        "all that matches one of them (the modules directly below the network)",
    )
    parser.add_argument("--initial", metavar="CKPT", type=Path, help="the weights before training")
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="of the code; and without --initial of the model, which is then made anew: if the training began with "
        "other weights than this seed gives, all bits are wrong, and nothing tells (%(default)s)",
    )
    add_coding_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what each component, their sum, and the whole know."""
    check_targets(arguments)
    settings = coding_settings(arguments)
    components = _components(arguments.components)
    make_model = import_function(arguments.model, option="--model")
    make_data = import_function(arguments.data, option="--data")
    # Late, as all that imports torch.
    from lightning_infomem.model_information.information_ablation import information_ablation
    from lightning_infomem.model_information.plots.plot_information_ablation import plot_information_ablation
    from lightning_infomem.model_information.repetitions import make_seeded

    initial = make_seeded(make_model, arguments.seed)
    final = copy.deepcopy(initial)  # for a function may give the same object again
    _load(final, arguments.checkpoint)
    if arguments.initial is not None:
        _load(initial, arguments.initial)
    result = information_ablation(initial, final, make_data(), components, seed=arguments.seed, **settings)
    present(result, plot_information_ablation, arguments)
    return 0


def _components(words: list[str]) -> Components:
    """Groups where patterns have names, else the patterns."""
    if words == ["children"]:
        return "children"
    if not any("=" in word for word in words):
        return words
    groups: dict[str, list[str]] = {}
    for word in words:
        name, _, pattern = word.partition("=")
        if not name or not pattern:
            raise ValueError(
                f"--components: NAME=PATTERN is required of each where it is of one, got {word!r}; name all, or none."
            )
        groups.setdefault(name, []).append(pattern)
    return groups


def _load(model: Model, path: Path) -> None:
    """Put the weights of a checkpoint into a model, all of them.

    Raises:
        ValueError: they cannot be read, or are not those of this model.
    """
    from lightning_infomem.checkpoints.reading import UnusableCheckpoint, load_checkpoint
    from lightning_infomem.checkpoints.weight_names import load_weights

    network = model[0] if isinstance(model, tuple) else model
    if not hasattr(network, "load_state_dict"):
        raise TypeError(
            f"--model: a function that makes a module is required, got one of {type(network).__name__}; let it"
            " return what was trained."
        )
    try:
        weights = load_checkpoint(path).get("state_dict")
    except UnusableCheckpoint as fault:
        raise ValueError(f"'{path}': {fault}") from fault
    if weights is None:
        raise ValueError(f"'{path}': a checkpoint with a 'state_dict' is required, it has none; save one with it.")
    try:
        load_weights(network, weights)
    except RuntimeError as fault:
        raise ValueError(
            f"'{path}': the weights of the model that --model makes are required, these do not fit ({fault}); give the "
            "function that made the model which was trained."
        ) from fault
