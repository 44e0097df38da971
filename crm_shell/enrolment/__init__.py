"""How a new host joins without ssh: one-time tokens, and the small server that takes them.

A token is made on a node that holds the authority's key. While one is valid `raftmaker-enrol`
listens there, a process of its own with strict limits: a peer gets a TLS handshake, and nothing it
sends is parsed before it has proven the token's secret. Then it gets a certificate for the key that
it made itself, the cluster's key and the addresses of the members, and is added as a member.
"""
