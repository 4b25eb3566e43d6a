"""The figures of the reproduction, one a file."""
