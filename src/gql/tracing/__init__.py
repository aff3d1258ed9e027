"""Traces for OpenTelemetry: an operation and its statements, a job and its.

What is traced is a kind of its own of the database, the engine and the endpoint, which only a process has that was
asked for traces: in any other there is nothing of them, not even a question whether to.

A span names what was done and how it ended. No value is in it, no text of a document or of a statement, no organisation
and no person, and of an error its code and never its words.
"""
