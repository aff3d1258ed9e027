"""A second executor, to hold the engine against.

It shares nothing with the compiler: graphql-core walks the document, the rows come from plain `select` statements as
the tenant, and filtering, ordering, paging, grouping and sums are a few lines of Python over lists. It is slow and
obvious, so that where the two differ, the compiler is the first suspect.
"""
