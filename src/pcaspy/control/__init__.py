"""A look inside a server while it runs: the control protocol, both its sides.

`client` finds the servers of this user and asks them; `service` answers.
"""
