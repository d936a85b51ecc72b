"""PROCESSES=N: several server processes behind one port that behave as one. With one process nothing of this runs.

supervisor   starts them on one listening socket, starts again those that die, and passes signals on
worker       one of them: what it inherits, and what it does when the supervisor is gone
register     the one table of calls they share: who has a place, and which process holds which call
handover     moves a connection to the process that holds its call
aggregate    what they have between them: live calls, and the sum of their metrics
"""
