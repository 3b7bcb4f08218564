"""The program's name and version: what every file that it writes says of its origin."""

PROGRAM = "lms-inventory"
VERSION = "0.1.0"
SIGNATURE = (PROGRAM, VERSION)
"""How a report names the program that wrote it."""
