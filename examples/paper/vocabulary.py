"""Words as numbers: what the small transformer reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["Vocabulary"]

_WORD = re.compile(r"[a-z']+")
# Words that build sentences and say little; left out, twice as much of a text fits the same positions.
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
    """The words of some texts, the most frequent first, as numbers from 3; 0 is padding, 1 unknown, 2 the CLS token.

    Args:
        texts: from which words are taken; their labels play no part.
        max_words: how many words are known at most.
        positions: of every encoded text, the CLS token among them.
    """

    padding, unknown, cls = 0, 1, 2

    def __init__(self, texts: Sequence[str], *, max_words: int, positions: int) -> None:
        frequency = Counter(word for text in texts for word in _words_of(text))
        # Among words as frequent as each other the alphabet decides, so that the order of the texts does not.
        known = sorted(frequency, key=lambda word: (-frequency[word], word))[:max_words]
        self.number = {word: place for place, word in enumerate(known, start=3)}
        self.positions = positions

    def __len__(self) -> int:
        """How many numbers there are."""
        return len(self.number) + 3

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """``[texts, positions]`` int64: the CLS token, then words in order, then padding.

        Of a text that is too long its beginning and its end stay, where reviews and biographies say what they are.

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
