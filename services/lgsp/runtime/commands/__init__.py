"""One contract of all commands, of `lgsp` and `lgsp-connect`: options, output, errors, exit codes.

Exit 0: done. 1: failed at work. 2: wrong usage or configuration. 130: ended by Ctrl-C.
"""
