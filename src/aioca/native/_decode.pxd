from aioca.native._cpp.block cimport Block
from aioca.native._plan cimport Plan

cdef object decode(Plan plan, Block* block, dict attributes, bint keep)
cdef object decode_by(object converter, Block* block, long wire_type)
