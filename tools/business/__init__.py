"""What the business can do for a caller: a file for each noun, with its tools declared in it.

A file that is put here is found by itself (`tools.catalogue`); nothing else has to be edited. A public coroutine
function here is a tool; helpers begin with an underscore.
"""
