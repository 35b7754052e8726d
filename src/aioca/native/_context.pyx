# distutils: language = c++
"""libca, its one context in this process, and the end of both."""

import atexit
import os
import sys
from _thread import allocate_lock

from libc.stdio cimport fflush, stdout

from aioca.native._cpp.ca_api cimport ca_enable_preemptive_callback, load_api
from aioca.native._cpp.callbacks cimport install_exception_handler
from aioca.native._cpp.db_access cimport ECA_NORMAL
from aioca.native._cpp.process cimport has_ended, process

from aioca._libraries import library_path
from aioca._search import note_settings

cdef bint owns_context = False
cdef bint main_attached = False     # its thread has had the context
creation = allocate_lock()
#: The `Loop` of each event loop: what is stopped when the program ends
loops = {}


cdef int load() except -1:
    """Opens the libca that epicscorelibs ships; every user of it gets the same one."""
    problem = load_api(
        process().api,
        os.fsencode(library_path("Com")),
        os.fsencode(library_path("ca")),
    )
    if not problem.empty():
        raise ImportError(problem.decode(errors="replace"))
    return 0


cpdef int attach() except -1:
    """Lets the calling thread use the process' CA context, made on first use."""
    cdef int status
    if has_ended():
        raise RuntimeError("Channel Access has ended with the program")
    current = process().api.ca_current_context()
    if process().context != NULL and current == process().context:
        return 0
    if process().context == NULL:
        with creation:
            make_context()
        current = process().api.ca_current_context()
        if current == process().context:
            return 0
    if current != NULL:
        import warnings

        warnings.warn(
            "There is already a CA context for this thread. It is replaced by the one "
            "that aioca uses.",
            stacklevel=2,
        )
        process().api.ca_detach_context()
    status = process().api.ca_attach_context(process().context)
    if status != ECA_NORMAL:
        raise failure(status)
    note_main_thread()
    return 0


cdef object failure(int status):
    """The exception for a context that libca does not give."""
    # A command fails without what this imports.
    from aioca._errors import CANothing

    return CANothing("CA context", status)


cdef int note_main_thread() except -1:
    global main_attached
    # Nobody has threads without that module.
    threading = sys.modules.get("threading")
    if threading is None or threading.current_thread() is threading.main_thread():
        main_attached = True
    return 0


cdef int make_context() except -1:
    global owns_context
    cdef int status
    if process().context != NULL:
        return 0
    context = process().api.ca_current_context()
    if context == NULL:
        with nogil:
            status = process().api.ca_context_create(
                ca_enable_preemptive_callback)
        if status != ECA_NORMAL:
            raise failure(status)
        context = process().api.ca_current_context()
        owns_context = True
    process().context = context
    note_settings()
    note_main_thread()
    install_exception_handler()
    atexit.register(end_process)
    return 0


def end_process():
    """Exit of the interpreter: libca's threads stop before Python does."""
    if process().ended.exchange(True):
        return
    for loop in list(loops.values()):
        loop.stop_listening()
    # pyepics, if it came after, has just destroyed the context that it shared.
    if main_attached and process().api.ca_current_context() == NULL:
        return
    # A thread that is in libca now would be pulled down with the context.
    if owns_context and process().budgets.busy() == 0 and not loops_elsewhere():
        if process().api.ca_current_context() != process().context:
            process().api.ca_detach_context()
            process().api.ca_attach_context(process().context)
        with nogil:
            process().api.ca_context_destroy()


cdef bint loops_elsewhere() except *:
    """Whether another thread, a daemon, has a loop that may be running."""
    if not loops:
        return False
    import threading

    here = threading.current_thread()
    return any(loop.thread is not here and loop.thread.is_alive()
               for loop in list(loops.values()))


def context_address():
    """The CA context as libca's own functions take it, None if there is none yet."""
    context = <size_t> process().context
    return context if context else None


def owns_the_context():
    """Whether the context was made here, and ends with the program."""
    return bool(owns_context)


cdef str message(int status):
    """libca's text for an ECA status."""
    return process().api.ca_message(status).decode(errors="replace")


def protocol_version():
    """The version of the Channel Access protocol that libca speaks."""
    return process().api.ca_version().decode()


def set_priority(unsigned priority):
    """The priority, 0 to 99, of the circuits of channels opened from now on."""
    process().priority.store(priority)


def print_status(unsigned level):
    """Lets libca print the state of its context to the standard output."""
    attach()
    with nogil:
        process().api.ca_client_status(level)
        fflush(stdout)  # libca's own, which a quick end of the program forgets


load()
