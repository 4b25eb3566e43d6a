"""Weighted counts of the tokens of texts, as features in which to search for neighbours."""

from __future__ import annotations

from typing import Any

import torch
from scipy import sparse
from torch import Tensor

from lightning_infomem._checks import check_samples, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = ["bag_of_tokens", "inverse_document_frequency"]


def inverse_document_frequency(ids: Tensor, mask: Tensor | None = None) -> Tensor:
    """Weigh each token by how few of the training examples hold it.

    Args:
        ids: Token ids of the training examples, ``[examples, positions]``, any integer dtype, from 0.
        mask: ``[examples, positions]``, bool or integer, true at tokens and false at padding, as tokenizers return it;
            None if every position holds a token.

    Returns:
        float64 ``[tokens]`` on the CPU, one for each id up to the highest: ``1 + ln((1 + n) / (1 + m))`` for a token
        that m of n examples hold; 0 for one that none holds.

    Raises:
        TypeError: If ``ids`` is not an integer tensor or ``mask`` neither bool nor integer.
        ValueError: If a shape is wrong, an id is negative, or there is no token.

    Reference:
        Spärck Jones (1972), A statistical interpretation of term specificity and its application in retrieval, Journal
        of Documentation 28:11; smoothed as in scikit-learn's ``TfidfTransformer``.

    >>> inverse_document_frequency(torch.tensor([[0, 1], [0, 0]]))
    tensor([1.0000, 1.4055], dtype=torch.float64)
    """
    rows, tokens = _tokens(ids, mask)
    if not len(tokens):
        raise UsageValueError(f"ids: a token is required, got {describe(ids)} without any; check the mask.")
    size = int(tokens.amax()) + 1
    holding = torch.bincount(torch.unique(rows * size + tokens) % size, minlength=size).double()
    return torch.where(holding > 0, 1 + ((1 + len(ids)) / (1 + holding)).log(), 0.0)


def bag_of_tokens(ids: Tensor, weights: Tensor, mask: Tensor | None = None) -> Any:
    """Count the tokens of each example, weighted, whatever their order.

    Args:
        ids: Token ids, ``[examples, positions]``, any integer dtype, from 0.
        weights: Weight of each token, float64 ``[tokens]``; see `inverse_document_frequency`. Tokens beyond it, which
            no training example holds, are ignored.
        mask: True at tokens, false at padding; see there.

    Returns:
        ``scipy.sparse.csr_matrix`` of float64, ``[examples, tokens]``, with rows of Euclidean length 1; a row without a
        known token is empty. See `nearest_neighbors`.

    Raises:
        TypeError: If an argument has the wrong dtype.
        ValueError: If a shape is wrong or an id is negative.

    >>> ids = torch.tensor([[0, 1], [0, 0]])
    >>> bag_of_tokens(ids, inverse_document_frequency(ids)).toarray().round(4).tolist()
    [[0.5797, 0.8148], [1.0, 0.0]]
    """
    check_samples(weights, name="weights", dimensions=1)
    weights = weights.detach().to("cpu", torch.float64)
    rows, tokens = _tokens(ids, mask)
    is_known = tokens < len(weights)
    rows, tokens = rows[is_known], tokens[is_known]
    cells, counts = torch.unique(rows * len(weights) + tokens, return_counts=True)
    rows, tokens = cells // len(weights), cells % len(weights)
    values = counts * weights[tokens]
    norms = torch.bincount(rows, values.square(), minlength=len(ids)).sqrt()[rows]
    values, rows, tokens = ((part[values != 0]).numpy() for part in (values / norms, rows, tokens))
    return sparse.csr_matrix((values, (rows, tokens)), shape=(len(ids), len(weights)))


def _tokens(ids: object, mask: object) -> tuple[Tensor, Tensor]:
    """Example and id of each token, in order."""
    if not isinstance(ids, Tensor) or ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise UsageTypeError(
            f"ids: an integer torch tensor of shape [examples, positions] is required, got {describe(ids)}; "
            "pass the token ids that the network reads."
        )
    if ids.ndim != 2 or ids.numel() == 0:
        raise UsageValueError(
            f"ids: shape [examples, positions] and at least one of each are required, got {describe(ids)}; "
            "reshape it to that shape."
        )
    if int(ids.amin()) < 0:
        raise UsageValueError(
            f"ids: token ids from 0 are required, got {int(ids.amin())}; give padding any id from 0, and a mask."
        )
    if mask is None:
        mask = torch.ones_like(ids)
    if not isinstance(mask, Tensor) or mask.is_floating_point():
        raise UsageTypeError(f"mask: a bool or integer torch tensor is required, got {describe(mask)}.")
    if mask.shape != ids.shape:
        raise UsageValueError(
            f"mask: the shape of ids, {list(ids.shape)}, is required, got {describe(mask)}; "
            "pass the attention mask of the same examples."
        )
    rows, positions = mask.detach().cpu().nonzero(as_tuple=True)
    return rows, ids.detach().cpu().long()[rows, positions]
