"""Countinghouse beside what a user would pick instead: one script, one run, one database, the same cores."""
