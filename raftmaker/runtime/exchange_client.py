"""Speaks to the Certificates service of one node."""

from __future__ import annotations

from typing import Self

from grpc_health.v1 import health_pb2, health_pb2_grpc
from msgspec import Struct

from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.errors import HaError, Refused
from raftmaker.runtime.rpc import calling, dial
from raftmaker.wire import certificates_pb2 as pb
from raftmaker.wire import certificates_pb2_grpc
from raftmaker.wire.types_pb2 import Identity

_ANSWER_S = 10.0
_PROBE_S = 2.0


class Shown(Struct, frozen=True, kw_only=True):
    """What a node trusts and what it shows itself, as PEM; the authority that issues is first."""

    authorities: bytes
    certificate: bytes


class CertificatesClient:
    """One node's service; use it as an async context manager. Every call raises an `HaError`."""

    def __init__(self, endpoint: Endpoint, identity: Identity) -> None:
        """It connects when first used."""
        self._channel = dial(endpoint, identity=identity)
        self._stub = certificates_pb2_grpc.CertificatesStub(self._channel)
        self._where = f"the store of {endpoint.node} at {endpoint}"

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        await self._channel.close()

    async def show(self) -> Shown:
        """Return what the node trusts and shows."""
        with calling(self._where, "every member has to be there"):
            reply = await self._stub.Show(pb.ShowCertificatesRequest(), timeout=_ANSWER_S)
        return Shown(authorities=reply.authorities, certificate=reply.certificate)

    async def trust(self, authorities: bytes, signature: bytes, key: bytes) -> None:
        """Have it trust these; `key` for those who may let others in. Raises `Refused` too."""
        request = pb.TrustRequest(authorities=authorities, signature=signature, authority_key=key)
        with calling(self._where, "every member has to be there"):
            reply = await self._stub.Trust(request, timeout=_ANSWER_S)
        self._insist(reply.reason)

    async def request(self) -> bytes:
        """Have it make a new key; return the request for the certificate (PEM)."""
        with calling(self._where, "every member has to be there"):
            reply = await self._stub.Request(pb.CertificateRequestRequest(), timeout=_ANSWER_S)
        made: bytes = reply.request
        return made

    async def install(self, certificate: bytes) -> None:
        """Have it show this certificate. Raises `Refused` too."""
        request = pb.InstallCertificateRequest(certificate=certificate)
        with calling(self._where, "every member has to be there"):
            reply = await self._stub.Install(request, timeout=_ANSWER_S)
        self._insist(reply.reason)

    def _insist(self, reason: str) -> None:
        if reason:
            raise Refused(f"{self._where}: {reason}")


async def is_served(endpoint: Endpoint, identity: Identity) -> bool:
    """Tell whether a daemon accepts the endpoint's credentials, and shows what those accept."""
    async with dial(endpoint, identity=identity) as channel:
        try:
            with calling(str(endpoint), ""):
                asked = health_pb2.HealthCheckRequest()
                stub = health_pb2_grpc.HealthStub(channel)
                await stub.Check(asked, timeout=_PROBE_S)  # type: ignore[attr-defined]  # no types
        except HaError:
            return False
    return True
