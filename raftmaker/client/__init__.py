"""The public Python API: everything that people and programs may ask of a cluster.

    async with connect() as cluster:
        print((await cluster.cib()).version)

Every method raises an `HaError` of `raftmaker.runtime.errors` when it fails: `Unreachable` says
which socket does not answer and what to run, `Rejected` has all that is wrong with a request.
"""

from cib_store.client import Membership as Membership
from raftmaker.client.cluster import Cluster as Cluster
from raftmaker.client.cluster import connect as connect
from raftmaker.client.settling import wait_settled as wait_settled
from raftmaker.client.values import Cib as Cib
from raftmaker.client.values import Progress as Progress
from raftmaker.client.values import Reading as Reading
from raftmaker.client.values import StoreStatus as StoreStatus
from raftmaker.client.values import Voter as Voter
