"""What is asked of the REST API on Lambda: each route of it, once or more, as a client does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.api.rest_stage import CALL_ID, key_of


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `body` is sent as JSON."""

    method: str
    path: str
    query: str = ""
    body: dict[str, Any] | None = None

    @property
    def url(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def headers(self) -> dict[str, str]:
        return key_of("operator") | ({"content-type": "application/json"} if self.body is not None else {})


REQUESTS = (
    Asked("GET", "/orders"),
    Asked("GET", "/orders", "status=pending&limit=1"),
    Asked("GET", "/orders", "email=ana.rodriguez%40email.com"),
    Asked("GET", "/orders/1"),
    Asked("GET", "/orders/99"),
    Asked("GET", "/orders/%C3%B1%20x"),
    Asked("GET", "/appointments"),
    Asked("GET", "/appointments", "date=2026-11-25"),
    Asked("GET", "/appointments", "date=x"),
    Asked("GET", "/appointments", "doctor=Dra.+Ana+L%C3%B3pez"),
    Asked("GET", "/appointments/2"),
    Asked("GET", "/calls"),
    Asked("GET", "/calls.csv", "disposition=looked_up"),
    Asked("GET", "/stats", "from=2026-11-01&to=2026-11-30"),
    Asked("GET", f"/calls/{CALL_ID}"),
    Asked("GET", f"/calls/{CALL_ID}/transcript"),
    Asked("GET", f"/calls/{CALL_ID}/audio"),
    Asked("GET", "/callbacks", "status=pending"),
    Asked("PUT", f"/callbacks/{CALL_ID}", body={"status": "done"}),
    Asked("GET", "/doctors"),
    Asked("GET", "/facts"),
    Asked("PUT", "/facts", body={"name": "Consultorio Ñandú"}),
    Asked("PUT", "/facts/text", body={"text": "name: Consultorio Ñandú\n"}),
    Asked("GET", "/facts/questions"),
    Asked("POST", "/facts/questions/0123456789abcdef/answer", body={"answer": "Sí, hay."}),
    Asked("DELETE", "/facts/questions/0123456789abcdef"),
    Asked("GET", "/me"),
    Asked("GET", "/webhooks", "limit=2"),
    Asked("GET", "/webhooks/receivers"),
    Asked("POST", "/webhooks/receivers/1f0c9a2e/enable"),
    Asked("POST", "/webhooks/msg_1-1f0c9a2e/retry"),
    Asked("DELETE", "/webhooks/msg_1-1f0c9a2e"),
    Asked("GET", "/nothing"),
    Asked("PUT", "/orders/2", body={"trackingNumber": "TRK5"}),
    Asked("POST", "/orders", body={"customerName": ""}),
    Asked(
        "POST",
        "/orders",
        body={
            "customerName": "Raúl Peña",
            "customerEmail": "raul@example.com",
            "items": [{"name": "Teclado", "price": 12.5, "quantity": 2}],
        },
    ),
    Asked("DELETE", "/orders/7"),
    Asked(
        "POST",
        "/appointments",
        body={
            "patientName": "Raúl Peña",
            "patientEmail": "raul@example.com",
            "doctorName": "Dra. Ana López",
            "date": "2026-12-15T14:00:00.000Z",
        },
    ),
    Asked("PUT", "/appointments/3", body={"notes": "Trae estudios, ¡en ayunas!"}),
    Asked("DELETE", "/appointments/8"),
    Asked("POST", "/customers/export", body={"email": "ana.rodriguez@email.com"}),
    Asked("POST", "/customers/erase", body={"email": "ana.rodriguez@email.com"}),
)

# An HTTP API takes the last slash away before a Lambda sees it (so says the local AWS).
WITH_A_SLASH = (Asked("GET", "/orders/"), Asked("GET", "/appointments/"))
