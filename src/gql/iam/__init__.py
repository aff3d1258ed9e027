"""Identity and access: organisations, people, and who may do what.

What the API shows stands here, one module a noun. How somebody comes in lies in five rooms, each of which uses only
those before it: keys, tokens, issuers, credentials, entry.
"""
