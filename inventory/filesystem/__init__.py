"""Files and folders: written atomically, listed, locked, and named so that every system accepts them.

In: paths and bytes. Out: files, listings, errors of one line.
For others: the public functions of each file.
"""
