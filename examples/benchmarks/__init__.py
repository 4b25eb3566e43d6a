"""Measure how well rankings without labels choose checkpoints, on zoos of networks with known clean accuracy."""
