"""The main operations, a file each: take a snapshot, compare two references, report a period, audit, notify.

In: servers and a history, or two references. Out: a ``SnapshotResult``, a ``ChangeSet``, a ``Report``.
For others: ``snapshot``, ``compare``, ``period``, ``audit`` and ``notify``.
"""
