"""The figures of the reproduction, one per file."""
