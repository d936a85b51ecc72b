"""Amazon Nova 2 Sonic: the sans-IO event protocol, the client that carries it, the session above them."""
