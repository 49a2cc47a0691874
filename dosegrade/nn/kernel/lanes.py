"""Eight float64 as one value of the compiled kernel: the machine's vectors, without a hope that a loop is turned into them.

`load`, `store` and `pick` index without a look at the bounds or the sign. Arithmetic is that of the operators, a number standing for eight.
"""

# mypy: ignore-errors

from __future__ import annotations

import operator

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

LANES = 8
DOUBLE = ir.DoubleType()
VECTOR = ir.VectorType(DOUBLE, LANES)


class Lanes(types.Type):
    """The type of eight float64."""

    def __init__(self):
        super().__init__(name="Lanes")


LANES_TYPE = Lanes()


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """Kept in one register of the machine, or in as many as it takes."""

    def __init__(self, manager, kind):
        super().__init__(manager, kind, VECTOR)


def spread(builder, value):
    """One number in all lanes."""
    single = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(single, ir.Constant(VECTOR, ir.Undefined), zeros)


def as_lanes(context, builder, value, kind):
    """The value itself, or a number in all lanes."""
    return value if isinstance(kind, Lanes) else spread(builder, context.cast(builder, value, kind, types.float64))


def place(context, builder, signature, args):
    """The address of array[row, column] in rows that follow each other, or of array[index]."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    index = [context.cast(builder, arg, kind, types.intp) for arg, kind in zip(args[1:], signature.args[1:], strict=False)]
    offset = index[0]
    if signature.args[0].ndim == 2:
        columns = cgutils.unpack_tuple(builder, array.shape)[1]
        offset = builder.add(builder.mul(index[0], columns), index[1])
    return builder.gep(array.data, [offset])


@intrinsic
def load(typing, array, row, column):
    """array[row, column : column + 8]."""

    def build(context, builder, signature, args):
        address = builder.bitcast(place(context, builder, signature, args), VECTOR.as_pointer())
        return builder.load(address, align=8)

    return LANES_TYPE(array, row, column), build


@intrinsic
def store(typing, array, row, column, value):
    """array[row, column : column + 8] = value."""

    def build(context, builder, signature, args):
        address = builder.bitcast(place(context, builder, signature, args[:3]), VECTOR.as_pointer())
        builder.store(as_lanes(context, builder, args[3], signature.args[3]), address, align=8)
        return context.get_dummy_value()

    return types.none(array, row, column, value), build


@intrinsic
def pick(typing, array, index):
    """array[index] of a one-dimensional array."""

    def build(context, builder, signature, args):
        return builder.load(place(context, builder, signature, args))

    return types.float64(array, index), build


@intrinsic
def lanes(typing, value):
    """One number in all lanes."""

    def build(context, builder, signature, args):
        return as_lanes(context, builder, args[0], signature.args[0])

    return LANES_TYPE(value), build


@intrinsic
def total(typing, value):
    """The sum of the lanes, by halves."""

    def build(context, builder, signature, args):
        left = args[0]
        for half in (4, 2, 1):
            order = [(k + half) % LANES for k in range(LANES)]
            moved = builder.shuffle_vector(left, left, ir.Constant(ir.VectorType(ir.IntType(32), LANES), order))
            left = builder.fadd(left, moved)
        return builder.extract_element(left, ir.Constant(ir.IntType(32), 0))

    return types.float64(value), build


@intrinsic
def within(typing, value, bound):
    """The value held within ±bound; nan stays nan."""

    def build(context, builder, signature, args):
        high, low = spread(builder, args[1]), spread(builder, builder.fneg(args[1]))
        held = builder.select(builder.fcmp_ordered("<", high, args[0]), high, args[0])
        return builder.select(builder.fcmp_ordered(">", low, held), low, held)

    return LANES_TYPE(value, types.float64), build


def _operator(function, instruction):
    @intrinsic
    def apply(typing, left, right):
        def build(context, builder, signature, args):
            both = [as_lanes(context, builder, arg, kind) for arg, kind in zip(args, signature.args, strict=True)]
            return getattr(builder, instruction)(*both)

        return LANES_TYPE(left, right), build

    @overload(function)
    def choose(left, right):
        if isinstance(left, Lanes) or isinstance(right, Lanes):
            return lambda left, right: apply(left, right)
        return None


for _function, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv")):
    _operator(_function, _instruction)
