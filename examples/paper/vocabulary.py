"""Encode words as numbers for the small transformer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["Vocabulary"]

_WORD = re.compile(r"[a-z']+")
# Function words, which carry little information. Without them, twice as much of a text fits the same positions.
_FUNCTION_WORDS = frozenset(
    re.findall(
        _WORD,
        """
        a about all also am an and any are as at be because been being br by can could did do does for from get go had
        has have he her here him his how i i'm if in into is it it's its just me my of off on one or other our out over
        own s see she so some such t than that the their them then there these they this those through to too up us was
        we were what when where which while who will with would you your
        """,
    )
)


class Vocabulary:
    """Numbers the words of some texts from 3, most frequent first; 0 is padding, 1 unknown, 2 the CLS token.

    Args:
        texts: Texts from which words are taken.
        max_words: Maximum number of known words.
        positions: Length of every encoded text, with the CLS token.
    """

    padding, unknown, cls = 0, 1, 2

    def __init__(self, texts: Sequence[str], *, max_words: int, positions: int) -> None:
        frequency = Counter(word for text in texts for word in _words_of(text))
        # Equally frequent words are ordered by the alphabet, so that the order of the texts does not matter.
        known = sorted(frequency, key=lambda word: (-frequency[word], word))[:max_words]
        self.number = {word: place for place, word in enumerate(known, start=3)}
        self.positions = positions

    def __len__(self) -> int:
        """Return the number of different codes."""
        return len(self.number) + 3

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Encode texts as int64 ``[texts, positions]``: the CLS token, then words in order, then padding.

        A text that is too long keeps its beginning and its end, which are most informative in reviews and biographies.

        >>> vocabulary = Vocabulary(["a good film, good"], max_words=10, positions=4)
        >>> vocabulary(["A bad film", "good"]).tolist()
        [[2, 1, 4, 0], [2, 3, 0, 0]]
        """
        encoded = torch.full((len(texts), self.positions), self.padding)
        for row, text in enumerate(texts):
            words = [self.number.get(word, self.unknown) for word in _words_of(text)]
            room = self.positions - 1
            if len(words) > room:
                words = words[: room - room // 2] + words[len(words) - room // 2 :]
            encoded[row, : len(words) + 1] = torch.tensor([self.cls, *words])
        return encoded


def _words_of(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _FUNCTION_WORDS]
