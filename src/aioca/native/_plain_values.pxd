from aioca.native._cpp.batch cimport Slot
from aioca.native._cpp.block cimport Block


cdef object value_in(Block* block, long type, str name)
cdef int fill(Slot* slot, object values) except -1
