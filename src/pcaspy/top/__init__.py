"""The terminal view of a server, ``pcaspy top``. Its modules need the extra ``top``.

`link` asks the server in a thread, `table` shows rows, `views` defines what each table
has, and `app` puts it together.
"""
