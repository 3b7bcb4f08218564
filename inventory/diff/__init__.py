"""Two sets of tables compared: what was added, removed and changed.

In: the tables of two runs. Out: changes, hints, and the servers that were not compared.
For others: ``compare``, ``changes``, and of unknown fields ``extras`` and ``fields``.
"""
