from libcpp.string cimport string


cdef extern from "client/ca_api.hpp" namespace "aioca" nogil:
    cdef cppclass ca_client_context "::ca_client_context":
        pass
    enum ca_preemptive_callback_select "::ca_preemptive_callback_select":
        ca_enable_preemptive_callback "::ca_enable_preemptive_callback"
    cdef cppclass CaApi:
        int ca_context_create(ca_preemptive_callback_select)
        void ca_context_destroy()
        ca_client_context* ca_current_context()
        int ca_attach_context(ca_client_context*)
        void ca_detach_context()
        int ca_flush_io()
        unsigned ca_get_host_name(void* channel, char* text, unsigned size)
        const char* ca_message(long status)
        const char* ca_version()
        int ca_client_status(unsigned level)
        const unsigned short* value_size
        const unsigned short* value_offset
    string load_api(CaApi&, const char* com_path, const char* ca_path)
