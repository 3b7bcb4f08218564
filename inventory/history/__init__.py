"""The history of all runs: recording, reading, selection, retention, compaction and verification.

In: the tables of a run; references to runs. Out: tables of one run or of all of them, and the changes between them.
For others: ``reader``, ``recorder``, ``answers``, ``selectors``, ``periods``, ``retention``, ``compaction``,
``run_log``, ``verify`` and ``queries``; for ``sync``, which copies its files, also ``storage``.
"""
