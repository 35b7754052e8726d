from libcpp.vector cimport vector

from pcaspy.native._cpp.client_row cimport ChannelRows, ClientRow


cdef list rows_of_clients(const vector[ClientRow]& rows, protocol)
cdef object rows_of_channels(const ChannelRows& found)
