"""How well do rankings without labels choose checkpoints? Zoos of networks whose clean accuracy is known."""
