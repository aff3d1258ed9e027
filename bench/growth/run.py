"""The parts, one after the other."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from bench.growth import connections, documents, everyday, guesses, memory, noisy, rows, search, tenants, trade
from bench.growth.asking import Say
from bench.growth.scope import Scope
from bench.growth.section import Section

PARTS: Final[Mapping[str, Callable[[Scope, Say], Awaitable[Section]]]] = {
    "rows": rows.measure,
    "tenants": tenants.measure,
    "connections": connections.measure,
    "documents": documents.measure,
    "everyday": everyday.measure,
    "trade": trade.measure,
    "search": search.measure,
    "memory": memory.measure,
    "guesses": guesses.measure,
    "noisy": noisy.measure,
}


async def run(
    scope: Scope, say: Say = lambda _: None, done: Callable[[str, Section], None] = lambda *_: None
) -> dict[str, Section]:
    """Measure the parts that are asked for. `done` is told of each as soon as it is through: the whole takes hours, and
    what was found is not to be lost with what comes after."""
    found = {}
    for name, measure in PARTS.items():
        if name in scope.parts:
            found[name] = await measure(scope, lambda text, name=name: say(text and f"{name}: {text}"))  # type: ignore[misc]
            done(name, found[name])
    return found
