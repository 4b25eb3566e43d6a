"""`infomem similarity`: measure, in bits, how much a model trained on one domain knows about another.

The model is trained on every domain, once per seed, and the reduction in the code length of every domain's held-out
labels is measured. S is the information two domains share, divided by all that either holds; S_uni is the share of the
target's information that the source knows. The command imports and runs your functions.
"""

from __future__ import annotations

import argparse

from lightning_infomem.cli.coding_options import add_coding_command, coding_settings, report_result
from lightning_infomem.cli.import_path import import_function

__all__ = ["add_parser"]

_EXAMPLE = """example, from a checkout of the sources (a minute):
  infomem similarity --model examples.model_information.block_network:BlockNetwork \\
      --data examples.model_information.domains:class_subsets \\
      --seeds 0 1 --blocks 20 50 100 --epochs 10 --learning-rate 0.01 --figure classes.png
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = add_coding_command(
        commands,
        "similarity",
        help="measure how many bits models of one domain know about another",
        description=__doc__,
        example=_EXAMPLE,
        data="function that returns the domains: a mapping from names to pairs (training data, held-out data)",
    )
    parser.add_argument(
        "--features",
        metavar="MODULE:FUNCTION",
        help="function from inputs to features [samples, units]; the distances between their means and covariances "
        "serve as baselines (default: the inputs themselves)",
    )
    parser.add_argument(
        "--seeds", metavar="N", type=int, nargs="+", default=[0, 1, 2], help="seeds of the repetitions (default: 0 1 2)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the similarity of every pair of domains."""
    settings = coding_settings(arguments)
    make_model = import_function(arguments.model, option="--model")
    make_domains = import_function(arguments.data, option="--data")
    features = None
    if arguments.features is not None:
        features = import_function(arguments.features, option="--features", num_arguments=1)
    # Imported late, because these import torch.
    from lightning_infomem.model_information.domain_similarity import domain_similarity
    from lightning_infomem.model_information.plots.plot_domain_similarity import plot_domain_similarity

    result = domain_similarity(make_model, make_domains(), features=features, seeds=arguments.seeds, **settings)
    report_result(result, plot_domain_similarity, arguments)
    return 0
