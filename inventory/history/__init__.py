"""The history of all runs: recording, reading, selection, retention, compaction and verification.

In: the tables of a run; references to runs. Out: tables of one run or of all of them, and the changes between them.
For others: ``reader``, ``recorder``, ``selectors``, ``retention``, ``compaction``, ``run_log`` and ``verify``.
"""
