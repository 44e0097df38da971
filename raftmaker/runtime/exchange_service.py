"""Answers the Certificates service for this node; the rules are in `raftmaker.runtime.exchange`.

The rules are loaded when somebody exchanges certificates: a daemon's start does not wait for it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from raftmaker.runtime.daemon import Context
from raftmaker.runtime.logs import Log
from raftmaker.runtime.rpc import CallContext, Service
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.wire import certificates_pb2 as pb
from raftmaker.wire import certificates_pb2_grpc


class CertificatesServicer(certificates_pb2_grpc.CertificatesServicer):
    """Reads and replaces the files of a TLS directory; every daemon of the node follows them."""

    def __init__(self, directory: Path, *, cluster: ClusterId, node: NodeName, log: Log) -> None:
        """`directory`: where this node's certificate and keys are."""
        self._directory, self._cluster, self._node, self._log = directory, cluster, node, log
        self._alone = asyncio.Lock()

    async def Show(
        self, request: pb.ShowCertificatesRequest, context: CallContext
    ) -> pb.ShowCertificatesReply:
        """Show whom this node trusts, and its own certificate."""
        return pb.ShowCertificatesReply(
            authorities=self._read("authority.pem"), certificate=self._read("node.pem")
        )

    async def Trust(self, request: pb.TrustRequest, context: CallContext) -> pb.TrustReply:
        """Change whom this node trusts."""
        from raftmaker.runtime import exchange

        async with self._alone:
            reason = exchange.refusal_of_trust(
                now=self._read("authority.pem"),
                wanted=request.authorities,
                signature=request.signature,
                cluster=self._cluster,
                own=self._read("node.pem"),
            )
            if not reason:
                reason = await asyncio.to_thread(self._trust, request)
        self._tell("authorities", reason)
        return pb.TrustReply(reason=reason)

    def _trust(self, request: pb.TrustRequest) -> str:
        from raftmaker.runtime import exchange

        try:
            exchange.take_authorities(self._directory, request.authorities, request.authority_key)
        except (OSError, ValueError) as error:
            return f"{self._directory}: {error}"
        return ""

    async def Request(
        self, request: pb.CertificateRequestRequest, context: CallContext
    ) -> pb.CertificateRequestReply:
        """Make a new key, and a request for its certificate."""
        from raftmaker.runtime import exchange

        async with self._alone:
            made = await asyncio.to_thread(exchange.new_request, self._directory, self._node)
        return pb.CertificateRequestReply(request=made)

    async def Install(
        self, request: pb.InstallCertificateRequest, context: CallContext
    ) -> pb.InstallCertificateReply:
        """Show this certificate from now on."""
        async with self._alone:
            reason = await asyncio.to_thread(self._install, request.certificate)
        self._tell("certificate", reason)
        return pb.InstallCertificateReply(reason=reason)

    def _install(self, certificate: bytes) -> str:
        from raftmaker.runtime import exchange

        try:
            return exchange.take_certificate(self._directory, self._node, certificate)
        except OSError as error:
            return f"{self._directory}: {error}"

    def _read(self, name: str) -> bytes:
        try:
            return (self._directory / name).read_bytes()
        except OSError:
            return b""

    def _tell(self, what: str, reason: str) -> None:
        if reason:
            self._log.warning("exchange refused", what=what, reason=reason)
        else:
            self._log.info("exchanged", what=what)


def certificates_service(context: Context, directory: Path) -> Service:
    """Return what a daemon has to offer; `directory`: where the node's certificates are."""
    settings = context.settings
    servicer = CertificatesServicer(
        directory, cluster=settings.cluster, node=settings.node, log=context.log
    )
    return Service(
        name="raftmaker.v1.Certificates",
        servicer=servicer,
        register=certificates_pb2_grpc.add_CertificatesServicer_to_server,
    )
