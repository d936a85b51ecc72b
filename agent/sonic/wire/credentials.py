"""Who we are to AWS: fixed keys, or botocore's credential chain.

The chain is botocore's because it is the complete one: environment, profiles, SSO, assumed roles, web
identity, container and instance roles, each with its refresh. It reads files and asks metadata services,
so it runs in a thread. A stream is signed with one set of keys from its first to its last chunk: a refresh
in mid-stream would break the chain of signatures that began with the old secret.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from agent.sonic.errors import SonicExpired, SonicLost, SonicRefused

if TYPE_CHECKING:
    from botocore.credentials import Credentials as BotocoreCredentials


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class CredentialSource(Protocol):
    async def resolve(self) -> Credentials:
        """Keys that are valid now. Raises SonicRefused when there are none, SonicExpired when those there are ran out
        and no others are given, SonicLost when asking failed."""
        ...

    def forget(self) -> None:
        """The service took these keys for expired: look for others the next time."""
        ...


@dataclass(frozen=True, slots=True)
class StaticCredentials:
    credentials: Credentials

    async def resolve(self) -> Credentials:
        return self.credentials

    def forget(self) -> None:
        """There are no others."""


class CredentialChain:
    """botocore's chain, found on first use and refreshed by botocore when it is due."""

    def __init__(self) -> None:
        self._found: BotocoreCredentials | None = None
        self._lock = Lock()

    async def resolve(self) -> Credentials:
        return await asyncio.to_thread(self._resolve)

    def forget(self) -> None:
        self._found = None

    def _resolve(self) -> Credentials:
        from botocore.exceptions import BotoCoreError, PartialCredentialsError, ProfileNotFound

        try:
            keys = self._find().get_frozen_credentials()
        except (PartialCredentialsError, ProfileNotFound) as error:
            raise SonicRefused(f"AWS credentials: {error}") from error
        except BotoCoreError as error:
            raise SonicLost(f"AWS credentials: {error}") from error
        except RuntimeError as error:  # botocore's word for keys that are out of date even after their refresh
            raise SonicExpired(f"AWS credentials: {error}") from error
        return Credentials(str(keys.access_key), str(keys.secret_key), keys.token)

    def _find(self) -> BotocoreCredentials:
        from botocore.session import Session  # a tenth of a second: only where the chain is used

        with self._lock:
            found = self._found = self._found or Session().get_credentials()
        if found is None:
            raise SonicRefused("no AWS credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or give the host a role")
        return found
