"""The facts of a report, found once, whatever its form.

In: the tables of a run, its changes and the runs before it. Out: the status, key figures, change lines, breakdowns.
For others: ``facts`` and ``fleet``.
"""
