"""Where the server listens, and what it says to the person who started it. Light: a supervisor needs no more."""

from __future__ import annotations

import socket
import sys
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from common import log
from common.addresses import own_url
from common.running import may_be_rung
from common.settings import Settings

INDENT = 10  # characters before what the banner says
# Something to begin with, and what it means. The stand-in's records are the demo's: order 1 is María's.
TRY_STAND_IN = (
    "Hola, quería saber el estado de mi pedido número uno.",
    "Hello, what is the state of my order one? If he asks: DNI 28456789",
)
TRY_MODEL = ("Hola, ¿en qué me podés ayudar?", "Hello, what can you help me with?")


def listen(settings: Settings) -> tuple[socket.socket, socket.socket | None]:
    """The sockets of WS_PORT and, where it is set, of HEALTH_PORT. SystemExit says which cannot be had."""
    sock = _bind(settings.host, settings.ws_port, "WS_PORT")
    return sock, None if settings.health_port is None else _bind(settings.host, settings.health_port, "HEALTH_PORT")


def address_of(settings: Settings) -> str:
    """Where a browser finds the server: PUBLIC_BASE_URL, else its own address."""
    return f"{settings.base_url if settings.public_base_url else own_url(settings)}/"


def print_banner(settings: Settings, notice: str | None) -> None:
    """Say where to go, what to say there, and how to stop; `notice` says which parts are stand-ins. WS_PORT is the port
    that was bound."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    room = console.width - INDENT if console.is_terminal else sys.maxsize
    for word, style, text in _banner(settings, notice):
        first, *others = wrap(text, room, break_long_words=False, break_on_hyphens=False)
        console.print(Text(f"{word:{INDENT}}", style=style), Text(first), sep="")
        for other in others:
            console.print(Text(f"{'':{INDENT}}{other}"))


def _banner(settings: Settings, notice: str | None) -> list[tuple[str, str, str]]:
    """A word, its style and what there is to say, a line each."""
    sentence, meaning = TRY_STAND_IN if notice else TRY_MODEL
    if settings.public_base_url:
        dial = f"your Twilio number, voice webhook {settings.base_url}/twilio/voice"
    elif may_be_rung(settings):
        dial = "make call, in another terminal: a recorded caller rings this server"
    else:
        dial = f"carlos call --server {address_of(settings)}: a recorded caller"
    if notice:
        answers = ("stand-in", "bold yellow", f"Sonic is a local stand-in: {notice}")
    else:
        answers = ("real", "bold", f"Sonic is {settings.sonic_model_id} in {settings.aws_default_region}")
    lines = [
        ("open", "bold", address_of(settings)),
        ("say", "bold", f"or type there: «{sentence}»"),
        ("", "", f"({meaning})"),
        ("dial", "bold", dial),
        *_sip(settings),
        answers,
        ("stop", "bold", "Ctrl-C"),
    ]
    if (file := log.current_file()) is not None:
        lines.append(("log", "bold", f"{file}, or start with --verbose"))
    return lines


def _sip(settings: Settings) -> list[tuple[str, str, str]]:
    """Where SIP is listened for, and whose calls are taken."""
    if not settings.sip_listen:
        return []
    who = [f"from {', '.join(settings.sip_allow)}"] if settings.sip_allow else []
    who += ["with a password of SIP_USERS"] if settings.sip_users else []
    who += [f"from the trunk {settings.sip_registrar}"] if settings.sip_registrar else []
    return [
        ("sip", "bold", f"{', '.join(settings.sip_listen)}; calls {' and '.join(who) or 'of nobody: set SIP_ALLOW'}")
    ]


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
