"""PROCESSES=N: several server processes behind one port that behave as one. One process needs nothing of this.

supervisor   starts them on one listening socket, starts again those that die, and passes signals on
sibling      one of them: what it inherits, and what it does when the supervisor is gone
register     the one table of calls they share: who has a place, and which process holds which call
handover     moves a connection to the process that holds its call
census       what they are together: live calls, and the sum of their metrics
"""
