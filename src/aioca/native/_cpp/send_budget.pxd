cdef extern from "client/send_budget.hpp" namespace "aioca" nogil:
    cdef cppclass SendBudgets:
        int busy()
