from libcpp cimport bool as cbool
from libcpp.atomic cimport atomic

from aioca.native._cpp.ca_api cimport CaApi, ca_client_context
from aioca.native._cpp.queue cimport Queue
from aioca.native._cpp.send_budget cimport SendBudgets


cdef extern from "client/process.hpp" namespace "aioca" nogil:
    cdef cppclass Process:
        CaApi api
        ca_client_context* context
        atomic[cbool] ended
        atomic[size_t] nodes
        SendBudgets budgets
        atomic[unsigned] priority
    Process& process()
    cbool has_ended()
    void enlist(Queue*, void (*hook)() noexcept nogil)
    void unlist(Queue*)
