"""SQL as a person reads it: a clause a line, an argument of concat() a line. Only spaces change."""

import re
from typing import Final

_TOKENS: Final = re.compile(
    r"(?P<text>E?'(?:[^']|'')*')"
    r"|(?P<clause>\b(?<!\.)(?:select|from|where|group by|having|order by|limit)\b)"
    r"|(?P<open>(?:concat)?\()"
    r"|(?P<close>\))"
    r"|(?P<comma>,\s+)"
    r"|(?P<space>\s+)"
    r"|(?P<other>[^\s'(),]+|.)",
    re.DOTALL,
)


def pretty(sql: str) -> str:
    """The statement with its structure shown by lines and indents."""
    # What each open parenthesis holds: the clauses of a query and the arguments of concat() get lines of their own.
    opened = ["query"]
    written = ""
    for match in _TOKENS.finditer(sql):
        token = match[0]
        indent = "\n" + "  " * sum(each != "plain" for each in opened[1:])
        match match.lastgroup:
            case "clause" if opened[-1] == "query":
                written = f"{written.rstrip()}{indent}{token}"
            case "open":
                opened.append(_holds(token, sql, match.end()))
                written += token + (f"{indent}  " if opened[-1] == "concat" else "")
            case "close":
                if opened.pop() == "plain":
                    written += token
                else:
                    written += "\n" + "  " * sum(each != "plain" for each in opened[1:]) + token
            case "comma" if opened[-1] == "concat":
                written += f",{indent}"
            case _:
                written += token
    return written.lstrip() + "\n"


def _holds(token: str, sql: str, place: int) -> str:
    if token == "concat(":
        return "concat"
    return "query" if sql.startswith("select", place) else "plain"
