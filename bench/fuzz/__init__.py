"""Seeded inputs that nobody means well, for everything that reads what comes from outside."""
