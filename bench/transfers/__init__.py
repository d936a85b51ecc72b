"""Callers on their way to a person, in real processes that are killed: every ending of a transfer."""
