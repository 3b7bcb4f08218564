"""The files of a history: partitions, data files, checksums and metadata.

In: Arrow tables and run ids. Out: the same tables, proved, or an error that names the file.
For others in ``history``: ``store.Store``, and the names of ``data_file``.
"""
