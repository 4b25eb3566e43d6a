"""What a model knows of its data, in bits: codes that are as long as the model is ignorant."""

from lightning_infomem.model_information.online_code import (
    SCHEDULES,
    OnlineCode,
    block_sizes,
    online_code,
    uniform_code_length,
)
from lightning_infomem.model_information.probing import MDLProbe

__all__ = ["SCHEDULES", "MDLProbe", "OnlineCode", "block_sizes", "online_code", "uniform_code_length"]
