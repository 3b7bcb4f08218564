"""The main stories, a page each: what a command does from beginning to end.

In: settings and servers, or two references. Out: what a command prints, writes and exits with.
For others: the function of each page.
"""
