"""The end of a process of a test that ran in a process group."""

from __future__ import annotations

import torch.distributed

__all__ = ["leave_process_group"]


def leave_process_group() -> None:
    """Leave the group together with the others, if there is one.

    Lightning leaves groups of NCCL only. Gloo's threads would still run while the interpreter ends, and now and then
    one of them then aborts the process: "terminate called without an active exception".
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
