"""The CIB as typed values: options, resources, rules, name-value sets, operation history.

Reads only `cib_store.document.element.Element`. What a damaged CIB holds instead of valid values is
replaced by the documented default, and said in a `Report`.
"""
