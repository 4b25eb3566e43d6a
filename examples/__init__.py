"""Scripts that show the package at work; not installed with it."""
