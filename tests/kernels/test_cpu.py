"""What is particular to the compiled backend; `test_backends` compares its numbers with the rule."""

from __future__ import annotations

import _thread
import gc
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lightning_infomem.functional.standardization import standardized_columns
from lightning_infomem.kernels import cpu, cpu_pairs, reference

# The counts are integers and agree exactly; a sum of some thousand digammas may be added up in another order.
ROUNDING_OF_A_SUM = 1e-12
KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "continuous": lambda z: z,
    "half zeros": torch.relu,
    "eight of ten zeros": lambda z: torch.relu(z - 0.84),
    "bf16": lambda z: z.bfloat16().double(),
    "bf16 with zeros": lambda z: z.bfloat16().relu().double(),
    "saturated": lambda z: torch.tanh(4 * z).float().double(),
    "fine steps": lambda z: (30 * z).round(),
    "coarse steps": lambda z: (3 * z).round(),
    "two values": lambda z: (z > 0).double(),
    "heavy tails": lambda z: z.sinh().pow(3),
    "one value but for one sample": lambda z: (torch.arange(len(z)) == 0).double()[:, None].expand_as(z),
}


def samples(num_samples: int, num_units: int, seed: int = 0) -> Tensor:
    """Standard normal, every two units with correlation 0.36."""
    generator = torch.Generator().manual_seed(seed)
    own = torch.randn(num_samples, num_units, generator=generator, dtype=torch.float64)
    return 0.8 * own + 0.6 * torch.randn(num_samples, 1, generator=generator, dtype=torch.float64)


def columns_of(data: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    return standardized_columns(data.to(dtype))[0]


def terms(columns: Tensor, first: Tensor, second: Tensor, neighbors: int = 3) -> Tensor:
    return cpu.mean_terms(columns, first, second, neighbors=neighbors, memory_limit=2**26)


def difference_from_reference(columns: Tensor, neighbors: int = 3) -> float:
    first, second = torch.triu_indices(len(columns), len(columns))
    expected = reference.mean_terms(columns, first, second, neighbors=neighbors, memory_limit=2**26)
    return float((terms(columns, first, second, neighbors) - expected).abs().max())


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def forget_compiled() -> Iterator[None]:
    cpu._compiled_search.cache_clear()
    yield
    cpu._compiled_search.cache_clear()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_of_ties_give_the_numbers_of_the_reference(kind: str, dtype: torch.dtype) -> None:
    columns = columns_of(KINDS[kind](samples(403, 4)), dtype)
    assert difference_from_reference(columns) < ROUNDING_OF_A_SUM


def test_units_with_different_kinds_of_ties_give_the_numbers_of_the_reference() -> None:
    data = samples(611, len(KINDS), seed=1)
    columns = columns_of(torch.stack([kind(data)[:, unit] for unit, kind in enumerate(KINDS.values())], 1))
    assert difference_from_reference(columns) < ROUNDING_OF_A_SUM


@pytest.mark.parametrize("num_samples", [4, 15, 16, 17, 48, 49, 50, 64, 65])
@pytest.mark.parametrize("kind", ["continuous", "half zeros", "two values"])
def test_numbers_of_samples_around_a_vector_and_a_large_group_are_right(kind: str, num_samples: int) -> None:
    columns = columns_of(KINDS[kind](samples(num_samples, 4, seed=2)))
    assert difference_from_reference(columns) < ROUNDING_OF_A_SUM


def test_four_units_of_twenty_thousand_samples_are_right() -> None:
    data = samples(20_000, 4, seed=3)
    data[:, 2:] = KINDS["eight of ten zeros"](data[:, 2:])
    columns = columns_of(data)
    pairs = torch.tensor([0, 0, 2]), torch.tensor([1, 2, 3])  # of two kinds, and of both
    expected = reference.mean_terms(columns, *pairs, neighbors=3, memory_limit=2**26)
    found = cpu.mean_terms(columns, *pairs, neighbors=3, memory_limit=2**26)
    assert (found - expected).abs().max() < ROUNDING_OF_A_SUM


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    num_samples=st.integers(4, 130),
    steps=st.sampled_from([0.7, 2.0, 9.0, 60.0, 1e6]),
    share_at_zero=st.sampled_from([0.0, 0.3, 0.7, 0.97]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_any_mixture_of_steps_and_zeros_gives_the_numbers_of_the_reference(
    seed: int, num_samples: int, steps: float, share_at_zero: float, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(seed)
    data = (samples(num_samples, 3, seed) * steps).round()
    data[torch.rand(num_samples, 3, generator=generator) < share_at_zero] = 0.0
    assert difference_from_reference(columns_of(data, dtype)) < ROUNDING_OF_A_SUM


@pytest.mark.parametrize("kind", ["continuous", "half zeros", "bf16"])
def test_threads_and_the_list_of_pairs_do_not_change_a_bit(
    kind: str, threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = columns_of(KINDS[kind](samples(200, 9, seed=4)))
    first, second = torch.triu_indices(9, 9)
    threads(1)
    expected = terms(columns, first, second)
    monkeypatch.setattr(cpu, "_TASK_SIZE", 1000)  # five pairs a task
    for num_threads in (1, 2, 3, 4):
        threads(num_threads)
        assert torch.equal(terms(columns, first, second), expected)
    shuffled = torch.randperm(len(first), generator=torch.Generator().manual_seed(0))
    assert torch.equal(terms(columns, first[shuffled], second[shuffled]), expected[shuffled])
    assert torch.equal(terms(columns, second, first), expected)
    assert torch.equal(terms(columns, first[7:8], second[7:8]), expected[7:8])


def test_no_pairs_give_no_numbers() -> None:
    none = torch.empty(0, dtype=torch.int64)
    assert terms(columns_of(samples(20, 2)), none, none).shape == (0,)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Also where the tests run in the background, where a process is started to ignore Ctrl-C.

    Garbage is not collected meanwhile: an interrupt within a callback of the collector, as Hypothesis has one, is lost.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()
    yield
    gc.enable()
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("num_threads", [1, 2])
def test_an_interrupt_ends_the_search_and_its_threads(num_threads: int, threads: Callable[[int], None]) -> None:
    columns = columns_of(samples(4000, 120))
    first, second = torch.triu_indices(120, 120)
    terms(columns, first[:1], second[:1])
    threads(num_threads)
    timer = threading.Timer(0.1, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        terms(columns, first, second)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("infomem")]


@pytest.mark.usefixtures("forget_compiled")
def test_a_folder_that_keeps_nothing_is_one_warning_and_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_search = cpu_pairs.mean_terms_of_pairs

    def cannot_keep(*, kept_on_disk: bool) -> Callable[..., None]:
        if kept_on_disk:
            raise RuntimeError("cannot cache function 'search': no locator available")
        return compile_search(kept_on_disk=True)  # stands for compiling, to save the seconds

    monkeypatch.setattr(cpu_pairs, "mean_terms_of_pairs", cannot_keep)
    columns = columns_of(samples(50, 3))
    with pytest.warns(RuntimeWarning, match="no locator available") as warned:
        assert difference_from_reference(columns) < ROUNDING_OF_A_SUM
    assert len(warned) == 1
    assert difference_from_reference(columns) < ROUNDING_OF_A_SUM  # and no further warning, which would be an error


@pytest.mark.usefixtures("forget_compiled")
def test_where_nothing_compiles_the_reference_computes_after_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot_compile(*, kept_on_disk: bool) -> Callable[..., None]:
        raise ValueError("no such processor")

    monkeypatch.setattr(cpu_pairs, "mean_terms_of_pairs", cannot_compile)
    with pytest.warns(RuntimeWarning, match="using the backend 'reference'"):
        assert difference_from_reference(columns_of(samples(50, 3))) == 0


def test_a_later_process_finds_the_compiled_search_on_disk() -> None:
    columns = columns_of(samples(20, 2))
    pair = torch.tensor([0]), torch.tensor([1])
    terms(columns, *pair)  # compiles, should no process have done so
    script = """
import torch
from lightning_infomem.kernels import cpu
columns, zero = torch.arange(20.0).repeat(2, 1), torch.zeros(1, dtype=torch.int64)
cpu.mean_terms(columns, zero, zero + 1, neighbors=3, memory_limit=2**26)
stats = cpu._compiled_search(3, torch.float32).stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.split() == ["1", "0"]
