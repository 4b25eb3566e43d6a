"""NICO++: animals in many contexts, or each in only one. Heuristic memorization."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from examples.paper.byte_images import ByteImages
from examples.paper.data import PaperData
from examples.paper.experiment import Experiment, Recipe
from examples.paper.layouts.nico import list_images, read_images
from examples.paper.networks.resnet import STAGES, ResNet18

__all__ = ["CONTEXT_OF", "EXPERIMENT", "Nico"]

# The only context of each animal at level 1. These six contexts are all that are used.
CONTEXT_OF = {
    "bear": "grass",
    "dog": "water",
    "cat": "autumn",
    "bird": "dim",
    "horse": "outdoor",
    "sheep": "rock",
}
_CONTEXTS = tuple(CONTEXT_OF.values())
_LEAST_HELD_OUT = 0.5  # share of the images in every other context


class Nico(PaperData):
    """Six animals in images ``[3, image_side, image_side]`` between 0 and 1.

    Level 0 is balanced: each animal is equally frequent in all six contexts. Level 1 shows each animal in only one
    context, with the same number of images. For each animal this number is six times the smaller of two numbers: a
    sixth of the images in its own context, and half of the images in any other context.

    The validation set has the images of the other contexts on which neither level is trained, so that the training
    context of one animal shows other animals. The probe is its inputs. Both levels of a seed share all draws.

    Unreadable images are left out, with a warning that names and counts them.

    Args:
        data_root: See `list_images`.
        level: 0 or 1.
        seed: See `PaperData`.
        batch_size: See `PaperData`.
        image_side: Side to which images are resized, in pixels.

    Cost:
        150 kB of memory per image at 224 pixels, about 1.5 GB.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022) and its released code. That code
        adds images without context, which are not in this folder, to both levels; draws images with replacement; and
        cuts their bytes to 64 x 64, where we resize them.
    """

    def __init__(
        self, data_root: Path | None, level: float, seed: int, *, batch_size: int, image_side: int = 224
    ) -> None:
        super().__init__(data_root, level, seed, batch_size=batch_size)
        self.image_side = image_side

    def build(self) -> None:
        """See `PaperData`."""
        files = list_images(self.data_root, _CONTEXTS, tuple(CONTEXT_OF))
        generator = np.random.default_rng(self.seed)
        learnt, held_out = [], []
        for label, (animal, own) in enumerate(CONTEXT_OF.items()):
            shown = {
                context: [files[context, animal][place] for place in generator.permutation(len(files[context, animal]))]
                for context in _CONTEXTS
            }
            least = min(len(paths) for context, paths in shown.items() if context != own)
            each = min(len(shown[own]) // len(_CONTEXTS), int(least * (1 - _LEAST_HELD_OUT)))
            if each < 1:
                raise ValueError(
                    f"nico: at least {len(_CONTEXTS)} images of {animal!r} in {own!r} and 2 in every other context are "
                    f"required, got {len(shown[own])} and {least}; unpack NICO++ again."
                )
            chosen = shown[own][: each * len(_CONTEXTS)]
            if self.level == 0:
                chosen = [path for paths in shown.values() for path in paths[:each]]
            learnt += [(path, label) for path in chosen]
            held_out += [(path, label) for context, paths in shown.items() if context != own for path in paths[each:]]
        self.num_classes = len(CONTEXT_OF)
        self.train_set = self._read(learnt)
        self.validation_set = self._read(held_out)
        self.probe_set = ByteImages(self.validation_set.images)

    def _read(self, files: list[tuple[Path, int]]) -> ByteImages:
        images, readable = read_images([path for path, _ in files], self.image_side)
        return ByteImages(images, torch.tensor([label for _, label in files])[readable])


EXPERIMENT = Experiment(
    name="nico",
    title="NICO++",
    memorization="heuristic",
    level_name="contexts",
    levels=(0.0, 1.0),
    level_labels=("balanced", "one an animal"),
    data=Nico,
    network=lambda data: ResNet18(data.num_classes, image_side=data.validation_set[0][0].shape[-1]),
    recipe=Recipe(epochs=25, batch_size=64, learning_rate=1e-5, optimizer="rmsprop"),
    layers=STAGES,
    needs="NICO++ (track 1, public_dg_0416)",
)
