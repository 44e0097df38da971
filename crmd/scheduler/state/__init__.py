"""The working state of one run of the scheduler; private to that run.

Each field says which stage writes it. What leaves the scheduler are the frozen values of
`crmd.scheduler.graph` and `crmd.scheduler.schedule`.
"""
