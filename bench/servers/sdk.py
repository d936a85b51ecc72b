"""The SDK's own transport, with the stand-in's authority: what the other servers speak to Sonic with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from awscrt.io import ClientTlsContext, TlsContextOptions
from smithy_http.aio.crt import AWSCRTHTTPClient


class TrustingClient(AWSCRTHTTPClient):
    """Copied for each stream with a connection of its own, as the SDK copies it, and with the same CRT loop."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        options = TlsContextOptions()
        options.override_default_trust_store(Path(os.environ["SONIC_CA_FILE"]).read_bytes())
        self._tls_ctx = ClientTlsContext(options)

    def __deepcopy__(self, memo: dict[int, Any]) -> TrustingClient:
        return TrustingClient(eventloop=self._eventloop)
