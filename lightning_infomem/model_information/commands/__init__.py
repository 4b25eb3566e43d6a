"""The commands `infomem similarity` and `infomem ablate`."""
