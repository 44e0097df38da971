"""The state of a cluster for people and monitoring: crm status, crm_mon (features 27.1-27.4).

`build` makes a `Status` from a CIB; `text`, `xml` and `plain` print it; `advice` says what is
wrong and what to type about it.
"""
