"""Where the server listens, and what it says to the person who started it. Light: a supervisor needs no more."""

from __future__ import annotations

import socket

from rich.console import Console

from common.settings import Settings


def listen(settings: Settings) -> tuple[socket.socket, socket.socket | None]:
    """The sockets of WS_PORT and, where it is set, of HEALTH_PORT. SystemExit says which cannot be had."""
    sock = _bind(settings.host, settings.ws_port, "WS_PORT")
    return sock, None if settings.health_port is None else _bind(settings.host, settings.health_port, "HEALTH_PORT")


def print_banner(settings: Settings, notice: str | None) -> None:
    """Say where to go; `notice` says which parts are stand-ins. WS_PORT is the port that was bound."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[bold]open[/]   http://{settings.host}:{settings.ws_port}/")
    if settings.public_base_url:
        console.print(f"[bold]dial[/]   your Twilio number, voice webhook {settings.base_url}/twilio/voice")
    else:
        console.print("[bold]dial[/]   make call, or carlos call (a recorded caller through the Twilio double)")
    if notice:
        console.print(f"[bold yellow]stand-in[/] Sonic is a local stand-in: {notice}")
    else:
        console.print(f"[bold]real[/]   Sonic is {settings.sonic_model_id} in {settings.aws_default_region}")


def _bind(host: str, port: int, name: str) -> socket.socket:
    """Bind before anything else is started: a taken port is the commonest mistake."""
    info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, proto, _, address = min(info, key=lambda found: found[0] is not socket.AF_INET)
    sock = socket.socket(family, kind, proto)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
        sock.listen()  # who connects while we start waits instead of being refused
    except OSError as error:
        sock.close()
        raise SystemExit(f"{host}:{port} cannot be bound ({error.strerror}); set {name}") from error
    return sock
