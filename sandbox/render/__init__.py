"""Renders Carlos's clips and the recorded callers with Kokoro-82M.

Run by hand, in a venv of its own: docs/local-speech.md.
"""
