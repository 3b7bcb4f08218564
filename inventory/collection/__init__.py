"""Query many servers at once, and turn their responses into the tables of one run.

In: servers and a deadline for each. Out: the tables of a run, with a status for each server.
For others: ``collector.query_servers``, ``plausibility`` and ``repeats``.
"""
