"""The local speech engine: Silero finds the caller's speech, Whisper base reads it, Kokoro clips and espeak-ng answer.

It exists so that a whole spoken call works with no cloud account. It is not a substitute for Nova 2 Sonic in
quality; what it can and cannot do, and where its weights come from, is in docs/local-speech.md.
"""
