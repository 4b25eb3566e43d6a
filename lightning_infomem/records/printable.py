"""Text from a file as it is safe to print."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    r"""Write out the characters that would steer a terminal, break a line or reverse the direction of the text.

    Names of files, layers and metrics come from checkpoints of others, and an escape sequence in one of them could
    hide or forge what is printed around it.

    >>> print(printable("a\x1b[2J.ckpt"))
    a\x1b[2J.ckpt
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
