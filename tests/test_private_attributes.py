"""What starts with an underscore belongs to its owner: no file reads it from another object, but with a reason."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "lightning_infomem"

# Read by _lightning.py, which alone may look into Lightning.
OF_LIGHTNING = {
    "_batches_that_stepped": "the x-axis of Lightning's own scalars, which has no public name",
    "_compiler_ctx": "all that a Trainer leaves of a module that was compiled as a whole",
}
# Read from objects of other libraries; none of them is a Trainer, a loop, a logger or a strategy.
OF_OTHERS = {
    "_SubParsersAction": "argparse gives the type of its subcommands no other name",
    "_ConvNd": "torch's base class of all convolutions",
    "_BatchNorm": "torch's base class of all batch normalisations",
    "_reset_parameters": "what torch's attention and transformer modules call their reset_parameters",
    "_orig_mod": "torch's mark of a compiled module",
    "_compiled_call_impl": "torch's mark of a module compiled in place",
    "_torchdynamo_orig_callable": "torch's mark of a compiled function",
    "_global_forward_hooks_with_kwargs": "where torch forgets to remove a global hook",
    "_asdict": "public by the documentation of namedtuple",
    "_replace": "public by the documentation of namedtuple",
    "_fields": "public by the documentation of namedtuple",
}
BY_NAME = {"getattr", "hasattr", "setattr", "delattr", "attrgetter"}


def private_attributes(source):
    """Names with one underscore that are read from, or written to, anything but self, cls and what cls() returned."""
    nodes = list(ast.walk(ast.parse(source)))
    made = [node for node in nodes if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("cls(")]
    own = {"self", "cls"} | {ast.unparse(target) for node in made for target in node.targets}
    for node in nodes:
        if isinstance(node, ast.Attribute):
            names = [] if isinstance(node.value, ast.Name) and node.value.id in own else [node.attr]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in BY_NAME:
            given = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            names = [part for word in given if isinstance(word, str) for part in word.split(".")]
        else:
            continue
        yield from (name for name in names if name.startswith("_") and not name.endswith("__"))


def found():
    return {path: set(private_attributes(path.read_text())) for path in sorted(PACKAGE.rglob("*.py"))}


def test_no_file_reads_what_belongs_to_another_object():
    for path, names in found().items():
        allowed = OF_OTHERS.keys() | (OF_LIGHTNING.keys() if path.name == "_lightning.py" else set())
        assert names <= allowed, f"{path.relative_to(PACKAGE)}: {sorted(names - allowed)}"


def test_no_reason_is_left_over():
    assert set().union(*found().values()) == OF_LIGHTNING.keys() | OF_OTHERS.keys()


def test_every_way_of_reading_is_found():
    source = """
trainer._one.public
getattr(trainer.strategy, "_two", None)
trainer.fit_loop.epoch_loop._three = attrgetter("a._four")
operator.attrgetter("_five.b"), vars(x)
made = cls(1)
made._own, self._own, cls._own, self.trainer._six, x.__dict__, getattr(x, "__len__")
"""
    assert set(private_attributes(source)) == {"_one", "_two", "_three", "_four", "_five", "_six"}
