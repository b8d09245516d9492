"""Short vectors of float64 for compiled kernels: a number of lanes fixed when they are compiled.

A loop over lanes written in Python leaves its accumulators in memory, because numba cannot tell
the compiler that input and output do not overlap: measured, an eighth of the speed. A value of the
type below stays in registers; LLVM cuts it into whatever vectors the processor has.

``width`` is a tuple of as many integers as there are lanes: its type carries the number. Offsets
count elements of a contiguous array and are not checked.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

SQUARE: Final = (0,) * 4
"""Width of the vectors that ``transpose`` takes."""
WIDE: Final = (0,) * 16
"""Width of the kernels: 4 and 8 lanes are slower from 400 determinants on, and no better at 36."""


class Lanes(types.Type):
    """The type of a vector of ``count`` float64 inside compiled code."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"Lanes({count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, ir.VectorType(ir.DoubleType(), lanes.count))


def _address(context, builder, array_type, array, offset, vector):
    if array_type.dtype != types.float64 or array_type.layout != "C":
        raise TypeError(f"vectors of float64 in a contiguous array, not {array_type}")
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), vector.as_pointer())


def _multiply_add(builder, x, y, z):
    name = f"llvm.fmuladd.v{x.type.count}f64"  # one rounding where the processor has that, else two
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(x.type, [x.type] * 3), name)
    return builder.call(function, [x, y, z])


def _spread(builder, number, vector):
    index, nothing = ir.IntType(32), ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(index, 0))
    return builder.shuffle_vector(
        first, nothing, ir.Constant(ir.VectorType(index, vector.count), None)
    )


@intrinsic
def zero(_, width):
    """Return a vector of zeros."""

    def generate(context, _builder, signature, _args):
        return ir.Constant(context.get_value_type(signature.return_type), None)

    return Lanes(width.count)(width), generate


@intrinsic
def load(_, width, array, offset):  # noqa: ARG001
    """Return the elements of ``array`` from ``offset`` on."""

    def generate(context, builder, signature, args):
        vector = context.get_value_type(signature.return_type)
        address = _address(context, builder, signature.args[1], args[1], args[2], vector)
        return builder.load(address, align=8)

    return Lanes(width.count)(width, array, types.intp), generate


@intrinsic
def store(_, array, offset, x):  # noqa: ARG001
    """Write vector ``x`` to ``array`` from ``offset`` on."""

    def generate(context, builder, signature, args):
        array_type, vector = signature.args[0], args[2].type
        address = _address(context, builder, array_type, args[0], args[1], vector)
        builder.store(args[2], address, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, x), generate


@intrinsic
def scale_add(_, factor, x, y):  # noqa: ARG001
    """Return ``factor * x + y`` of a number and two vectors."""

    def generate(_context, builder, _signature, args):
        every = _spread(builder, args[0], args[1].type)
        return _multiply_add(builder, every, args[1], args[2])

    return y(types.float64, x, y), generate


@intrinsic
def multiply_add(_, x, y, z):
    """Return ``x * y + z`` of three vectors, lane by lane."""

    def generate(_context, builder, _signature, args):
        return _multiply_add(builder, *args)

    return z(x, y, z), generate


@intrinsic
def add(_, x, y):
    """Return the sum of two vectors."""

    def generate(_context, builder, _signature, args):
        return builder.fadd(*args)

    return y(x, y), generate


@intrinsic
def multiply(_, x, y):
    """Return the product of two vectors, lane by lane."""

    def generate(_context, builder, _signature, args):
        return builder.fmul(*args)

    return y(x, y), generate


@intrinsic
def transpose(_, a, b, c, d):
    """Return the columns of the 4 x 4 matrix whose rows are four vectors of four lanes."""

    def generate(context, builder, signature, args):
        mask = ir.VectorType(ir.IntType(32), 4)

        def pick(x, y, lanes):
            return builder.shuffle_vector(x, y, ir.Constant(mask, lanes))

        even = [pick(*rows, [0, 4, 2, 6]) for rows in (args[:2], args[2:])]
        odd = [pick(*rows, [1, 5, 3, 7]) for rows in (args[:2], args[2:])]
        columns = [
            pick(*pair, lanes) for lanes in ([0, 1, 4, 5], [2, 3, 6, 7]) for pair in (even, odd)
        ]
        return context.make_tuple(builder, signature.return_type, columns)

    return types.UniTuple(a, 4)(a, b, c, d), generate


@intrinsic
def scale(_, factor, x):  # noqa: ARG001
    """Return ``factor * x`` of a number and a vector."""

    def generate(_context, builder, _signature, args):
        return builder.fmul(_spread(builder, args[0], args[1].type), args[1])

    return x(types.float64, x), generate


@intrinsic
def total(_, x):
    """Return the sum of a vector's lanes."""

    def generate(_context, builder, _signature, args):
        result = ir.Constant(ir.DoubleType(), 0.0)
        for lane in range(args[0].type.count):
            element = builder.extract_element(args[0], ir.Constant(ir.IntType(32), lane))
            result = builder.fadd(result, element)
        return result

    return types.float64(x), generate
