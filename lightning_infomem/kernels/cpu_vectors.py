"""Vector instructions for the search, written for LLVM, which lowers them to AVX-512, AVX2, SSE2 or NEON.

A vector is 64 bytes: 16 lanes of float32 or 8 of float64. Loops written in plain numba stay scalar here, because
LLVM does not vectorise a sorted insertion. Masks are integers with one bit per lane, the lowest for the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "count_left",
    "count_left_of_group",
    "count_right",
    "count_right_of_group",
    "count_ties",
    "lowest_bit",
    "mask_closer",
    "num_bits",
    "plane_counts",
    "search_both",
    "search_left",
    "search_right",
]

# Untyped in their library.
_function_named: Any = cgutils.get_or_insert_function
_tuple_of: Any = types.UniTuple

# Arguments that numba and llvmlite pass to a code generator are untyped.
Generator = Callable[[Any, Any, Any, Any], Any]

# Offsets taken by one call of a search or count before it checks whether any lane is still open.
SEARCH_STEPS = 4
COUNT_STEPS = 12

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)


class _Vectors:
    """Loads, stores and arithmetic on vectors of one element type."""

    def __init__(self, context: Any, builder: Any, signature: Any, values: Any) -> None:
        self.builder, self._context = builder, context
        self._arrays = dict(enumerate(zip(signature.args, values, strict=True)))
        dtype = next(kind.dtype for kind in signature.args if isinstance(kind, types.Array))
        self.lanes = 512 // dtype.bitwidth
        self._bits = ir.VectorType(ir.IntType(dtype.bitwidth), self.lanes)
        self._all_but_sign = ir.Constant(self._bits, [(1 << (dtype.bitwidth - 1)) - 1] * self.lanes)
        self.real = ir.VectorType(context.get_value_type(dtype), self.lanes)
        self.count = ir.VectorType(_INT32, self.lanes)
        self.place = ir.VectorType(_INT64, self.lanes)

    def _address(self, argument: int, place: Any, kind: Any) -> tuple[Any, int]:
        array_type, value = self._arrays[argument]
        data = self._context.make_array(array_type)(self._context, self.builder, value).data
        address = self.builder.gep(data, [place])
        return self.builder.bitcast(address, kind.as_pointer()), array_type.dtype.bitwidth // 8

    def load(self, argument: int, place: Any, kind: Any = None) -> Any:
        address, alignment = self._address(argument, place, kind or self.real)
        loaded = self.builder.load(address)
        loaded.align = alignment
        return loaded

    def element(self, argument: int, place: Any) -> Any:
        array_type, value = self._arrays[argument]
        data = self._context.make_array(array_type)(self._context, self.builder, value).data
        return self.builder.load(self.builder.gep(data, [place]))

    def gather(self, argument: int, places: Any) -> Any:
        """Load the elements at a vector of places; processors without such a load do it one by one."""
        array_type, value = self._arrays[argument]
        data = self._context.make_array(array_type)(self._context, self.builder, value).data
        width = array_type.dtype.bitwidth
        start = self.splat(self.builder.ptrtoint(data, _INT64), self.place)
        offsets = self.builder.mul(places, ir.Constant(self.place, [width // 8] * self.lanes))
        addresses = self.builder.inttoptr(self.builder.add(start, offsets), ir.VectorType(data.type, self.lanes))
        chosen = ir.Constant(ir.VectorType(ir.IntType(1), self.lanes), [1] * self.lanes)
        alignment, otherwise = ir.Constant(_INT32, width // 8), ir.Constant(self.real, ir.Undefined)
        arguments = [addresses, alignment, chosen, otherwise]
        gather = _function_named(
            self.builder.module,
            ir.FunctionType(self.real, [argument.type for argument in arguments]),
            f"llvm.masked.gather.v{self.lanes}f{width}.v{self.lanes}p0",
        )
        return self.builder.call(gather, arguments)

    def store(self, vector: Any, argument: int, place: Any) -> None:
        address, alignment = self._address(argument, place, vector.type)
        self.builder.store(vector, address).align = alignment

    def constant(self, number: float) -> Any:
        return ir.Constant(self.real, [number] * self.lanes)

    def splat(self, scalar: Any, kind: Any = None) -> Any:
        undefined = ir.Constant(kind or self.real, ir.Undefined)
        single = self.builder.insert_element(undefined, scalar, ir.Constant(_INT32, 0))
        return self.builder.shuffle_vector(single, undefined, ir.Constant(self.count, [0] * self.lanes))

    def absolute(self, vector: Any) -> Any:
        bits = self.builder.and_(self.builder.bitcast(vector, self._bits), self._all_but_sign)
        return self.builder.bitcast(bits, self.real)

    def smaller(self, left: Any, right: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered("<", left, right), left, right)

    def larger(self, left: Any, right: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered("<", left, right), right, left)

    def mask(self, lanes: Any) -> Any:
        return self.builder.zext(self.builder.bitcast(lanes, ir.IntType(self.lanes)), _INT64)


def _constant(number: int) -> Any:
    return ir.Constant(_INT64, number)


def _search(towards: tuple[int, ...]) -> Callable[..., Any]:
    """Compare the points at ``place`` and after, one per lane, with those ``offset`` and more away.

    ``nearest`` holds the smallest distances of every lane: all first ones, then all second ones, and so on. Returns the
    mask of lanes still open to the right plus that of lanes open to the left, shifted by 16 bits. A side of a lane is
    open while its next point may be closer than the k-th.
    """

    def search(typing: Any, slots: Any, x: Any, y: Any, place: Any, offset: Any, nearest: Any) -> tuple[Any, Generator]:
        neighbors = slots.count

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            vectors = _Vectors(context, builder, signature, values)
            place, offset = values[3], values[4]
            x_here, y_here = vectors.load(1, place), vectors.load(2, place)
            kept = [vectors.load(5, _constant(rank * vectors.lanes)) for rank in range(neighbors)]
            along = dict.fromkeys(towards)
            for step in range(SEARCH_STEPS):
                away = builder.add(offset, _constant(step))
                for side in towards:
                    there = builder.add(place, away) if side > 0 else builder.sub(place, away)
                    x_there, y_there = vectors.load(1, there), vectors.load(2, there)
                    along[side] = builder.fsub(x_there, x_here) if side > 0 else builder.fsub(x_here, x_there)
                    across = vectors.absolute(builder.fsub(y_there, y_here))
                    distance = vectors.larger(along[side], across)
                    for rank in range(neighbors):
                        smaller = vectors.smaller(distance, kept[rank])
                        distance = vectors.larger(distance, kept[rank])
                        kept[rank] = smaller
            for rank in range(neighbors):
                vectors.store(kept[rank], 5, _constant(rank * vectors.lanes))
            is_open = _constant(0)
            for side in towards:
                mask = vectors.mask(builder.fcmp_ordered("<", along[side], kept[-1]))
                is_open = builder.or_(is_open, builder.shl(mask, _constant(0 if side > 0 else 16)))
            return is_open

        return types.int64(slots, x, y, types.int64, types.int64, nearest), generate

    return search


def _count(towards: int, *, from_edge: bool) -> Callable[..., Any]:
    """Count neighbours along one axis of the points at ``place`` and after, one per lane, walking to one side.

    The first neighbour of the first lane is at ``there``, and each further lane starts one place later. With
    ``from_edge`` all lanes start at ``there``, as for points with equal values. Adds the neighbours closer than
    ``reach`` to ``counts`` and returns the mask of lanes whose last neighbour was closer.
    """

    def count(typing: Any, values: Any, reach: Any, counts: Any, place: Any, there: Any) -> tuple[Any, Generator]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vectors = _Vectors(context, builder, signature, arguments)
            place, there = arguments[3], arguments[4]
            here, limit = vectors.load(0, place), vectors.load(1, place)
            # Count in floating point, with -0.0 for none: if masks are registers, LLVM fuses this to a masked add.
            one, none = vectors.constant(1.0), vectors.constant(-0.0)
            counted, is_nearer = none, None
            for step in range(COUNT_STEPS):
                away = builder.add(there, _constant(towards * step))
                neighbor = vectors.splat(vectors.element(0, away)) if from_edge else vectors.load(0, away)
                distance = builder.fsub(neighbor, here) if towards > 0 else builder.fsub(here, neighbor)
                is_nearer = builder.fcmp_ordered("<", distance, limit)
                counted = builder.fadd(counted, builder.select(is_nearer, one, none))
            before = vectors.load(2, place, vectors.count)
            vectors.store(builder.add(before, builder.fptosi(counted, vectors.count)), 2, place)
            return vectors.mask(is_nearer)

        return types.int64(values, reach, counts, types.int64, types.int64), generate

    return count


def _count_ties(
    typing: Any, values: Any, reach: Any, right: Any, left: Any, ties: Any, place: Any
) -> tuple[Any, Generator]:
    """Count into ``ties`` the points exactly at ``reach``, one lane per point from ``place`` on.

    ``right`` and ``left`` are the numbers of closer points on both sides. At most two per side are counted, one more
    than without ties.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors = _Vectors(context, builder, signature, arguments)
        place = arguments[5]
        here, limit = vectors.load(0, place), vectors.load(1, place)
        lane = ir.Constant(vectors.place, list(range(vectors.lanes)))
        point = builder.add(vectors.splat(place, vectors.place), lane)
        num_ties = ir.Constant(vectors.count, [0] * vectors.lanes)
        for argument, towards in ((2, 1), (3, -1)):
            nearer = builder.sext(vectors.load(argument, place, vectors.count), vectors.place)
            for step in (1, 2):
                away = builder.add(nearer, ir.Constant(vectors.place, [step] * vectors.lanes))
                there = builder.add(point, away) if towards > 0 else builder.sub(point, away)
                neighbor = vectors.gather(0, there)
                distance = builder.fsub(neighbor, here) if towards > 0 else builder.fsub(here, neighbor)
                is_tie = builder.fcmp_ordered("==", distance, limit)
                num_ties = builder.sub(num_ties, builder.sext(is_tie, vectors.count))
        vectors.store(num_ties, 4, place)
        return context.get_dummy_value()

    return types.void(values, reach, right, left, ties, types.int64), generate


def _distances(vectors: _Vectors, place: Any, x_here: Any, y_here: Any) -> tuple[Any, Any]:
    """Distances along both axes from one point to those from ``place`` on; arguments 0 and 1 are the coordinates."""
    along, across = (
        vectors.absolute(vectors.builder.fsub(vectors.load(axis, place), vectors.splat(here)))
        for axis, here in enumerate((x_here, y_here))
    )
    return along, across


def _mask_closer(
    typing: Any, x: Any, y: Any, place: Any, x_here: Any, y_here: Any, limit: Any
) -> tuple[Any, Generator]:
    """Mask of the points at ``place`` and after that are closer to one point than ``limit``."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vectors = _Vectors(context, builder, signature, values)
        along, across = _distances(vectors, *values[2:5])
        return vectors.mask(builder.fcmp_ordered("<", vectors.larger(along, across), vectors.splat(values[5])))

    return types.int64(x, y, types.int64, x.dtype, x.dtype, x.dtype), generate


def _plane_counts(
    typing: Any, x: Any, y: Any, place: Any, chosen: Any, x_here: Any, y_here: Any, reach: Any
) -> tuple[Any, Generator]:
    """Count around one point, among the points at ``place`` and after that are in the mask ``chosen``.

    Returns how many are closer than ``reach``, how many no farther, and of the latter how many are at that distance
    along x, and along y.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vectors = _Vectors(context, builder, signature, values)
        place, chosen, x_here, y_here, reach = values[2:]
        along, across = _distances(vectors, place, x_here, y_here)
        distance, limit = vectors.larger(along, across), vectors.splat(reach)
        closed = vectors.mask(builder.fcmp_ordered("<=", distance, limit))
        masks = [
            vectors.mask(builder.fcmp_ordered("<", distance, limit)),
            closed,
            builder.and_(closed, vectors.mask(builder.fcmp_ordered("==", along, limit))),
            builder.and_(closed, vectors.mask(builder.fcmp_ordered("==", across, limit))),
        ]
        counts = [builder.ctpop(builder.and_(mask, chosen)) for mask in masks]
        return context.make_tuple(builder, signature.return_type, counts)

    counts = _tuple_of(types.int64, 4)
    return counts(x, y, types.int64, types.int64, x.dtype, x.dtype, x.dtype), generate


def _num_bits(typing: Any, mask: Any) -> tuple[Any, Generator]:
    """Number of set bits in the mask."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ctpop(values[0])

    return types.int64(types.int64), generate


def _lowest_bit(typing: Any, mask: Any) -> tuple[Any, Generator]:
    """Position of the lowest set bit; undefined for an empty mask."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


search_both: Callable[..., Any] = intrinsic(_search((1, -1)))
search_right: Callable[..., Any] = intrinsic(_search((1,)))
search_left: Callable[..., Any] = intrinsic(_search((-1,)))
count_right: Callable[..., Any] = intrinsic(_count(1, from_edge=False))
count_left: Callable[..., Any] = intrinsic(_count(-1, from_edge=False))
count_right_of_group: Callable[..., Any] = intrinsic(_count(1, from_edge=True))
count_left_of_group: Callable[..., Any] = intrinsic(_count(-1, from_edge=True))
count_ties: Callable[..., Any] = intrinsic(_count_ties)
mask_closer: Callable[..., Any] = intrinsic(_mask_closer)
plane_counts: Callable[..., Any] = intrinsic(_plane_counts)
num_bits: Callable[..., Any] = intrinsic(_num_bits)
lowest_bit: Callable[..., Any] = intrinsic(_lowest_bit)
