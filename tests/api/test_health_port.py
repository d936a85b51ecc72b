"""HEALTH_PORT: the original's health check, on a port of its own."""

from __future__ import annotations

import socket

import httpx2 as httpx
import pytest

from carlos.server import health_port


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/health", 200, '{"status":"healthy"}'),
        ("GET", "/", 200, '{"status":"healthy"}'),
        ("GET", "/orders", 404, ""),
        ("POST", "/health", 404, ""),
    ],
)
async def test_the_health_port_answers_as_the_original_did(method: str, path: str, status: int, body: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with health_port(listener), httpx.AsyncClient() as http:
            answer = await http.request(method, f"http://127.0.0.1:{port}{path}")
    assert (answer.status_code, answer.text) == (status, body)
