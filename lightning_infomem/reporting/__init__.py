"""How facts reach a logger, a terminal or a file."""
