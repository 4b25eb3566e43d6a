"""The search for GPUs in Triton's interpreter, which runs it on numpy; and compiled, without a GPU to run it on."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_infomem.functional.standardization import standardized_columns
from lightning_infomem.kernels import cuda, reference, select_backend
from tests.functional.kinds_of_samples import KINDS

triton = pytest.importorskip("triton")
tl = pytest.importorskip("triton.language")
cuda_count = pytest.importorskip("lightning_infomem.kernels.cuda_count")
if torch.cuda.is_available():
    pytest.skip("there is a CUDA device here, and test_backends runs the search on it", allow_module_level=True)

pytestmark = pytest.mark.interpreter

ROUNDING_OF_A_SUM = 1e-12
MEMORY_LIMIT = 2**26


@pytest.fixture
def few_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes time here is the number of programs; how many points each has, changes nothing but the sum."""
    monkeypatch.setattr(cuda, "_POINTS", 64)


def mean_terms(columns: Tensor, first: Tensor, second: Tensor, *, neighbors: int = 3) -> Tensor:
    return cuda.mean_terms(columns, first, second, neighbors=neighbors, memory_limit=MEMORY_LIMIT)


def assert_same_as_reference(columns: Tensor, pairs: list[tuple[int, int]], *, neighbors: int = 3) -> None:
    first, second = torch.tensor(pairs).T
    expected = reference.mean_terms(columns, second, first, neighbors=neighbors, memory_limit=MEMORY_LIMIT)
    terms = mean_terms(columns, first, second, neighbors=neighbors)
    torch.testing.assert_close(terms, expected, rtol=0, atol=ROUNDING_OF_A_SUM)


def normal(num_units: int, num_samples: int) -> Tensor:
    return torch.randn(num_units, num_samples, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


# A pair takes a second. Of most kinds the units are all alike, and half precision arrives as float32.
UNLIKE = ["scales from 1e-6 to 1e6", "continuous with rectified", "a copy and a mirror image", "one unit constant"]


@pytest.mark.usefixtures("few_programs")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("float16", "bfloat16")])
def test_every_kind_of_samples_agrees_with_the_reference(kind: str) -> None:
    columns, _ = standardized_columns(KINDS[kind])
    assert_same_as_reference(columns, [(0, 1), (3, 2)] if kind in UNLIKE else [(0, 1)])


# The blocks are the same for either type, and 65 samples of doubles take five seconds.
@pytest.mark.parametrize(
    ("num_samples", "dtype"),
    [
        *((count, torch.float32) for count in (4, 31, 32, 33, 65)),
        *((count, torch.float64) for count in (4, 33)),
    ],
    ids=str,
)
def test_every_number_of_samples_agrees_with_the_reference(num_samples: int, dtype: torch.dtype) -> None:
    columns = normal(3, num_samples)
    columns[1] += 10 * columns[0]
    columns[2] = columns[2].relu()
    assert_same_as_reference(columns.to(dtype), [(0, 1), (1, 2), (2, 2)])


@pytest.mark.usefixtures("few_programs")
@pytest.mark.parametrize("neighbors", [1, 2, 16])
@pytest.mark.parametrize("kind", ["dependent", "rectified bfloat16", "nine tenths zero", "ten whole numbers"])
def test_every_number_of_neighbors_agrees_with_the_reference(kind: str, neighbors: int) -> None:
    columns, _ = standardized_columns(KINDS[kind])
    assert_same_as_reference(columns, [(0, 1)], neighbors=neighbors)


@pytest.mark.usefixtures("few_programs")
def test_two_units_with_large_groups_agree_with_the_reference() -> None:
    columns = normal(2, 150)
    columns[0, :100], columns[1, 40:] = 0.0, 0.0  # an atom of 60, and two arms
    columns[1, 145:] = 0.5
    assert_same_as_reference(columns.float(), [(0, 1), (1, 0), (0, 0)])


@pytest.mark.usefixtures("few_programs")
def test_chunks_and_the_list_of_pairs_change_no_bit() -> None:
    columns = normal(4, 64).float()
    columns[2:] = columns[2:].relu()
    first, second = torch.tensor([(0, 1), (0, 2), (2, 3), (1, 3)]).T
    together = mean_terms(columns, first, second)
    alone = cuda.mean_terms(columns, first, second, neighbors=3, memory_limit=1)
    assert torch.equal(alone, together)
    assert torch.equal(mean_terms(columns, first[[3, 0, 0]], second[[3, 0, 0]]), together[[3, 0, 0]])


def test_no_pair_gives_no_term() -> None:
    none = torch.empty(0, dtype=torch.int64)
    assert mean_terms(normal(2, 10), none, none).shape == (0,)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """As at the first use in a process; what a test finds is forgotten."""
    cuda._warn.cache_clear()
    cuda._failure.cache_clear()
    yield
    cuda._failure.cache_clear()


def assert_left_to_the_reference(message: str, *, neighbors: int = 3, dtype: torch.dtype = torch.float64) -> None:
    """By "auto" with one warning; a backend that is asked for by name raises."""
    columns, pair = normal(2, 40).to(dtype), (torch.tensor([0]), torch.tensor([1]))
    options = {"neighbors": neighbors, "memory_limit": MEMORY_LIMIT}
    with pytest.warns(RuntimeWarning, match=message):
        terms = cuda.mean_terms_or_reference(columns, *pair, **options)
    assert torch.equal(terms, reference.mean_terms(columns, *pair, **options))
    assert torch.equal(cuda.mean_terms_or_reference(columns, *pair, **options), terms)  # warned once
    with pytest.raises(ValueError, match=message + '.* choose backend="auto" or "reference"'):
        cuda.mean_terms(columns, *pair, **options)


@pytest.mark.usefixtures("unchecked")
def test_more_neighbors_than_registers_are_left_to_the_reference() -> None:
    assert_left_to_the_reference(r"^backend: .* 'cuda' keeps at most 16 neighbors, got 17;", neighbors=17)


class _Miscounting:
    """A kernel that gets one argument wrong."""

    def __init__(self, kernel: Any, name: str, change: Callable[[Any], Any]) -> None:
        self.kernel, self.name, self.change = kernel, name, change

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        def launch(*arguments: Any, **options: Any) -> None:
            named = {**dict(zip(self.kernel.arg_names, arguments, strict=False)), **options}
            self.kernel[grid](**{**named, self.name: self.change(named[self.name])})

        return launch


@pytest.mark.usefixtures("few_programs", "unchecked")
@pytest.mark.parametrize(
    ("kernel", "argument", "change", "dtype"),
    [
        ("point_terms", "K", lambda k: k + 1, torch.float32),
        (
            "point_terms",
            "digamma_above",
            lambda table: table.index_copy(0, torch.tensor([9]), table[8:9]),
            torch.float32,
        ),
        ("add_up", "num_samples", lambda count: count - 1, torch.float64),
        ("add_up", "sums", lambda sums: sums * math.nan, torch.float64),
    ],
    ids=["one neighbor more", "some counts of nine", "one sample less", "no number"],
)
def test_wrong_counts_are_noticed_at_the_first_use(
    monkeypatch: pytest.MonkeyPatch, kernel: str, argument: str, change: Callable[[Any], Any], dtype: torch.dtype
) -> None:
    wrong = _Miscounting(getattr(cuda_count, kernel), argument, change)
    monkeypatch.setattr(cuda_count, kernel, wrong)
    words = rf"^backend: the search of the backend 'cuda' miscounts on cpu in {dtype}: it is \S+ nats off on a small"
    assert_left_to_the_reference(words, dtype=dtype)


@pytest.mark.usefixtures("few_programs", "unchecked")
def test_ties_that_a_kernel_counts_wrongly_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_count, "_count", _count_boundary_as_inside)
    assert_left_to_the_reference("miscounts on cpu in torch.float64")


@triton.jit
def _count_boundary_as_inside(counts, distance_x, distance_y, reach, is_open):  # type: ignore[no-untyped-def]
    inside, closed, boundary_x, boundary_y = counts
    is_closed = is_open & (tl.maximum(distance_x, distance_y) <= reach)
    return inside + is_closed.to(tl.int32), closed + is_closed.to(tl.int32), boundary_x, boundary_y


@pytest.mark.usefixtures("few_programs", "unchecked")
def test_the_check_is_made_once_for_each_type_and_number_of_neighbors(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []

    def search(columns: Tensor, first: Tensor, second: Tensor, neighbors: int, memory_limit: int) -> Tensor:
        checked.append((columns.dtype, neighbors, len(columns[0])))
        return reference.mean_terms(columns, first, second, neighbors=neighbors, memory_limit=memory_limit)

    monkeypatch.setattr(cuda, "_over_chunks", search)
    pair = torch.tensor([0]), torch.tensor([1])
    for dtype, neighbors in ((torch.float32, 3), (torch.float32, 3), (torch.float64, 3), (torch.float64, 2)):
        mean_terms(normal(2, 30).to(dtype), *pair, neighbors=neighbors)
    kinds = (torch.float32, 3), (torch.float64, 3), (torch.float64, 2)
    assert [each[:2] for each in checked if each[2] != 30] == list(kinds)
    assert len(checked) == 4 + 3


def test_the_sample_of_the_check_has_a_large_group_and_ties() -> None:
    columns, _, _ = cuda._check_sample(torch.float32)
    units = cuda._SortedUnits.of_columns(columns)
    assert (units.group_stop - units.group_start).tolist() == [0, 0, 58]
    assert [len(column.unique()) for column in columns] == [41, 42, 12]


@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_compiled_is_left_to_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> Tensor:
        raise RuntimeError("Failed to find C compiler.\nPlease specify via CC environment variable.")

    monkeypatch.setattr(cuda, "_over_chunks", broken)
    assert_left_to_the_reference(r"cannot be compiled \(RuntimeError: Failed to find C compiler\.\s?;")


def test_auto_takes_the_search_for_samples_on_a_gpu_where_triton_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert select_backend("auto", torch.device("cuda")) == ("cuda", cuda.mean_terms_or_reference)
    assert select_backend("cuda", torch.device("cuda")) == ("cuda", cuda.mean_terms)
    monkeypatch.setattr(cuda, "is_usable", lambda: False)
    assert select_backend("auto", torch.device("cuda")) == ("reference", reference.mean_terms)
    with pytest.raises(ModuleNotFoundError, match=r'^backend: triton is required for "cuda" and not installed; pip'):
        select_backend("cuda", torch.device("cuda"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Triton brings its assembler for Linux only")
def test_every_kernel_compiles_for_an_h100_without_spilling_registers() -> None:
    script = textwrap.dedent("""
        import re, subprocess, tempfile
        from pathlib import Path
        import triton
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource
        from lightning_infomem.kernels import cuda_count, cuda_search

        KINDS = {
            "ordered": "*fp32", "columns": "*fp32", "aligned": "*fp32", "first": "*i64", "second": "*i64",
            "digamma_above": "*fp64", "sums": "*fp64", "terms": "*fp64", "num_samples": "i32", "length": "i32",
            "num_blocks": "i32", "num_pairs": "i32",
        }
        CONSTANTS = {"K": 3, "PADDING": cuda_search.PADDING, "BLOCK": 32, "STEPS": cuda_search.STEPS}
        for kernel in (cuda_search.align, cuda_count.point_terms, cuda_count.add_up):
            constants = {name: CONSTANTS[name] for name in kernel.arg_names if name in CONSTANTS}
            signature = {name: "constexpr" if name in constants else KINDS.get(name, "*i32")
                         for name in kernel.arg_names}
            source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
            compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 1})
            with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
                Path(file.name).write_bytes(compiled.asm["cubin"])
                tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
                usage = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True).stdout
            print(kernel.__name__, *re.findall(r"(?:REG|STACK|LOCAL):[0-9]+", usage))
    """)
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["align", "point_terms", "add_up"]
    assert all("STACK:0 LOCAL:0" in line for line in lines), run.stdout
    registers = int(lines[1].split("REG:")[1].split()[0])
    assert registers <= 64, "more than half of the warps a processor can hold would have to wait"
