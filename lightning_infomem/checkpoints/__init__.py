"""Read checkpoints of every kind safely: path -> weights, report and metadata, or the reason for failing."""
