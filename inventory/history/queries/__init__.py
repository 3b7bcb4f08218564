"""Questions in the user's own SQL, answered out of memory: no file and no network can be reached from them.

In: the text of one SELECT and a moment. Out: an Arrow table. Only the columns that the text names are loaded, and only
from files whose checksums were verified; then the database is locked.
For others: ``answer.answer``, ``views.VIEWS``, ``result.plain_table``.
"""
