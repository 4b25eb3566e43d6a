"""The course of one run: its scalars, its alarm, and the files that record it."""
