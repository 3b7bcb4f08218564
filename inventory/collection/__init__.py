"""Many servers asked at once: their answers become the tables of one run.

In: servers and a deadline. Out: the tables of a run, each server with its status.
For others: ``collector.collect`` and ``plausibility``.
"""
