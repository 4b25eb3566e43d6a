"""Studies behind the advice that the package gives, with the results of one run."""
