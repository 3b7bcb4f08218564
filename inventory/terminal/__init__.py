"""Text for a terminal, returned as ``str``.

In: tables, changes and facts. Out: lines in columns, styled, in which nothing from elsewhere acts on a terminal.
For others: the ``*_text`` functions of each page.
"""
