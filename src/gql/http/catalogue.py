"""The catalogue of errors, docs/errors.md, made from what can raise them: the codes, the comments on constraints, the
refusals in the SQL functions and those in the Python sources."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from gql.database.comments import read_comments
from gql.database.refusals import COMMENT
from gql.database.sources import schema_sources
from gql.errors import Code

SOURCES: Final = Path(__file__).parents[1]
ELLIPSIS: Final = "…"
UNFORESEEN: Final = "Says which value it is, and what was expected."
REASON: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
TEXT: Final = re.compile(r"'((?:[^']|'')*)'")
REFUSAL: Final = re.compile(r"core\.refuse\(")
PLACE_HOLDER: Final = re.compile(r"%(?:\d\$)?[sIL]")

OPENING: Final = """# Errors

This page is made from the code: `make docs` writes it, and a test compares it.

An answer that went wrong has `errors`, each with a sentence for people in `message` and, for programs, in `extensions`:
`code` (one of those below, which never change their meaning), `reason` (the rule that was broken), `field` (the input
that it concerns) and `requestId` (also in the header `X-Request-Id`; quote it when you ask for help).

The HTTP status stands for an answer in `application/graphql-response+json` that consists of errors alone. In
`application/json` such an answer has the status 200 where the request was well-formed, except for 401, 405, 406, 413,
415, 429, 500 and 503. An answer with `data` has the status 200. A body that arrives too slowly is TIMEOUT with 408.

In the sentences … stands for a figure or a name.
"""


@dataclass(frozen=True, order=True, slots=True)
class Entry:
    """One way in which a request can be refused."""

    code: str
    reason: str
    field: str
    sentence: str


@cache
def render_catalogue() -> str:
    """The page, in Markdown."""
    entries = sorted({*_constraints(), *_functions(), *_sources()})
    sections = [OPENING]
    for code in Code:
        section = f"## {code.value}\n\nHTTP {code.status}. {code.remedy}\n"
        rows = [_row(entry) for entry in entries if entry.code == code.value]
        if rows:
            section += "\n" + "\n".join(["| reason | field | message |", "|---|---|---|", *rows]) + "\n"
        sections.append(section)
    return "\n".join(sections)


def _row(entry: Entry) -> str:
    field = f"`{entry.field}`" if entry.field else ""
    sentence = entry.sentence if entry.sentence.strip(f"{ELLIPSIS}: ") else UNFORESEEN
    return f"| `{entry.reason}` | {field} | {sentence.replace('|', '&#124;')} |"


def _constraints() -> Iterator[Entry]:
    """What a broken constraint says. A unique one is a conflict with what is there, a check is about the value."""
    for name, comment in read_comments().constraints.items():
        said = COMMENT.fullmatch(comment)
        if said is not None:
            code = Code.CONFLICT if name.endswith("_unique") else Code.BAD_USER_INPUT
            yield Entry(code.value, said["reason"], said["field"] or "", said["sentence"])


def _functions() -> Iterator[Entry]:
    """What the SQL functions refuse."""
    for source in schema_sources().values():
        for call in REFUSAL.finditer(source):
            texts = [each.replace("''", "'") for each in TEXT.findall(_arguments(source[call.end() :]))]
            if len(texts) < 3 or not REASON.fullmatch(texts[1]):
                continue
            code, reason, *rest = texts
            field = next((text for text in rest if text.startswith("input")), "")
            sentence = next((text for text in rest if text != field), "")
            yield Entry(code, reason, field, PLACE_HOLDER.sub(ELLIPSIS, " ".join(sentence.split())).replace("%%", "%"))


def _arguments(sql: str) -> str:
    """The text up to the parenthesis that closes the call."""
    depth, inside = 1, False
    for place, character in enumerate(sql):
        if character == "'":
            inside = not inside
        elif not inside and character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return sql[:place]
    return sql


# Python


@dataclass(frozen=True, slots=True)
class _Helper:
    """A function that makes a refusal of the reason, the sentence and perhaps the code that it is given."""

    parameters: tuple[str, ...]
    code: str | None
    sentence: str | None


def _sources() -> Iterator[Entry]:
    """What the Python sources refuse: every call with a reason, and every table of refusals."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCES.rglob("*.py"))]
    helpers = dict(found for tree in trees for found in _helpers(tree))
    for tree in trees:
        for scope in ast.walk(tree):
            if isinstance(scope, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
                texts = _assigned(scope)
                for node in _inside(scope):
                    yield from _entries(node, helpers, texts)


def _helpers(tree: ast.Module) -> Iterator[tuple[str, _Helper]]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        parameters = tuple(each.arg for each in (*function.args.args, *function.args.kwonlyargs))
        for node in ast.walk(function):
            reason = _keyword(node, "reason") if isinstance(node, ast.Call) and _name(node.func) == "ApiError" else None
            if isinstance(node, ast.Call) and isinstance(reason, ast.Name) and reason.id in parameters:
                code, sentence = node.args[0], node.args[1]
                given = sentence.id if isinstance(sentence, ast.Name) else None
                yield function.name, _Helper(parameters, _code(code), given)


def _entries(node: ast.AST, helpers: dict[str, _Helper], texts: dict[str, ast.expr]) -> Iterator[Entry]:
    if isinstance(node, ast.Tuple) and len(node.elts) == 3 and (code := _code(node.elts[0])):
        reason, sentence = (_text(each, texts) for each in node.elts[1:])
        if REASON.fullmatch(reason):
            yield Entry(code, reason, "", sentence)
    if not isinstance(node, ast.Call):
        return
    given: dict[str, ast.expr] = {each.arg: each.value for each in node.keywords if each.arg}
    name = _name(node.func)
    if name == "ApiError" and len(node.args) >= 2:
        code, place = _code(node.args[0]), node.args[1]
    elif name in helpers:
        helper = helpers[name]
        given |= dict(zip(helper.parameters, node.args, strict=False))
        code = helper.code or _code(given.get("code"))
        place = given.get(helper.sentence or "", ast.Constant(""))
    else:
        return
    reason = _text(given.get("reason"), texts)
    if code and REASON.fullmatch(reason):
        yield Entry(code, reason, _text(given.get("field"), {}).strip(ELLIPSIS + "."), _text(place, texts))


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope that are in no function inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _inside(child)


def _assigned(scope: ast.AST) -> dict[str, ast.expr]:
    return {
        node.targets[0].id: node.value
        for node in _inside(scope)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == name), None)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _code(node: ast.expr | None) -> str | None:
    is_code = isinstance(node, ast.Attribute) and _name(node.value) == "Code"
    return Code[node.attr].value if is_code and isinstance(node, ast.Attribute) else None


def _text(node: ast.expr | None, texts: dict[str, ast.expr]) -> str:
    """The text that an expression makes, with … for what is only known when it runs."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(each.value) if isinstance(each, ast.Constant) else ELLIPSIS for each in parts)
        case ast.IfExp(body=body, orelse=otherwise):
            return f"{_text(body, texts)} / {_text(otherwise, texts)}"
        case ast.BinOp(left=left, right=right):
            return _text(left, texts) + _text(right, texts)
        case ast.Name(id=name) if name in texts:
            return _text(texts[name], {})
        case None:
            return ""
        case _:
            return ELLIPSIS
