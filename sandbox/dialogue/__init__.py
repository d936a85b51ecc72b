"""The mind of the local brain: a deterministic Spanish dialogue over the seven tools.

It hears text from a recognizer, understands it without a model, asks for what is missing and speaks as
Carlos. What it knows of orders and appointments it knows from tool results alone.
"""

from sandbox.dialogue.mind import DialogueMind

__all__ = ["DialogueMind"]
