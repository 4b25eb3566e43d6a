"""Reading checkpoints of every kind, safely: from a path to weights, report and metadata, or a named reason."""
