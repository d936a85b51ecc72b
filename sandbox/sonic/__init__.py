"""A stand-in for Amazon Nova 2 Sonic on loopback: the real wire, a strict session, and any brain behind it."""
