"""SQL over the views of a history, the same text for every engine.

In: run ids and column names that were checked. Out: the text of a query.
For others in ``history``: the functions of ``all_runs`` and ``state``.
"""
