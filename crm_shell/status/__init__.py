"""The state of a cluster for people and monitoring: crm status, crm_mon (features 27.1-27.4).

`build` makes a `Status` from a CIB, nodes and resources as the scheduler understands them; `text`
prints it, with `cluster_text`, `clone_text`, `bundle_text`, `details_text`, which simulations print
with too; `xml` and `cluster_xml` likewise, `data` for JSON; `advice` says what is wrong and what to
type about it. Only `model` is cheap to import: the others load the scheduler.
"""
