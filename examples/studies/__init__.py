"""Studies behind the advice that the package gives: run once, their numbers kept."""
