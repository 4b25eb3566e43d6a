"""The figures of the paper, drawn from measurements made here."""
