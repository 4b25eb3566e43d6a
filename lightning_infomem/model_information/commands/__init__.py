"""Commands of the model information: `infomem similarity` and `infomem ablate`."""
