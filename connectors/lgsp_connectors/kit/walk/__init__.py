"""Reading a list that moves while it is read, so that nothing is lost.

`newest` walks a list by offset, newest change first; `numbers` lets it walk one that has only page
numbers; `oldest` walks a list by key, oldest change first. Each tells in its docstring why nothing
is lost.
"""
