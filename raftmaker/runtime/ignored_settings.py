"""Variables of Pacemaker that have no effect here: who sets one is told (features 26.12, 26.13).

What is silently ignored would be believed to hold, and these are about who is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_CERTIFICATES = (
    "this node's certificate, its key and the authority are in the directory `tls` of"
    " raftmaker.toml; the cluster makes and renews them (crm cluster rotate-certificates)"
)
_WHY: Mapping[str, str] = {
    **dict.fromkeys(("PCMK_ca_file", "PCMK_cert_file", "PCMK_key_file"), _CERTIFICATES),
    "PCMK_crl_file": "nothing is revoked by a list: crm cluster rotate-certificates makes a new"
    " authority, which leaves out whom it is not exchanged with",
    "PCMK_authkey_location": "remote nodes have certificates and no shared key: crm cluster token"
    " --remote makes one for a new node",
    "PCMK_tls_priorities": "gRPC has its own list of good ciphers",
}


def ignored(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that is set in vain, and what counts in its place."""
    for name, why in _WHY.items():
        if environment.get(name):
            yield name, why
