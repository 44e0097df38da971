"""The replicated log: its interface, and the engine on PySyncObj with what must stand around it."""

import sys
from types import ModuleType

# The engine's own encryption, for which it would load `cryptography` at each start, is never used:
# its messages go over our transport, which has mutual TLS.
if "pysyncobj" not in sys.modules:
    _absent = ModuleType("pysyncobj.encryptor", "Left out: see cib_store/raft/__init__.py")
    vars(_absent).update(HAS_CRYPTO=False, getEncryptor=None)
    sys.modules[_absent.__name__] = _absent
