"""Frozen facts: what was measured, judged and ranked, and under which names it is logged.

Nothing is imported here: a table needs no torch, which takes seconds to load.
"""
