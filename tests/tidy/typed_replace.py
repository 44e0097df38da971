"""A plugin of mypy: what is given to `msgspec.structs.replace` is checked, names and types.

The stub takes any keyword. mypy knows what `dataclasses.replace` takes, and a Struct is a
dataclass to it.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy.plugin import FunctionSigContext, Plugin
from mypy.plugins.dataclasses import replace_function_sig_callback
from mypy.types import CallableType


class TypedReplace(Plugin):
    """Gives a call of this function the signature that fits its first argument."""

    def get_function_signature_hook(
        self, fullname: str
    ) -> Callable[[FunctionSigContext], CallableType] | None:
        """Return what makes the signature of a call of `fullname`; None leaves it as it is."""
        return _signature if fullname == "msgspec.structs.replace" else None


def _signature(call: FunctionSigContext) -> CallableType:
    """Take the changes from the dataclass; that only a Struct is taken stays as in the stub."""
    stub, typed = call.default_signature, replace_function_sig_callback(call)
    return typed.copy_modified(
        arg_types=[stub.arg_types[0], *typed.arg_types[1:]],
        variables=stub.variables,
        ret_type=stub.ret_type,
    )


def plugin(version: str) -> type[Plugin]:
    """Tell mypy what is here."""
    return TypedReplace
