"""Several mutations in one operation, so that making the demo takes seconds."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from gql.imports.operations import Asker

TOGETHER: Final = 10  # mutations in one operation, which takes 15 aliases
T = TypeVar("T")


async def each(
    verb: str, input_type: str, inputs: Sequence[dict[str, Any]], asker: Asker, answer: str = "{ __typename }"
) -> list[Any]:
    """One mutation for each input, several in an operation; what each answered of this selection."""
    answers: list[Any] = []
    for batch in batches(inputs, TOGETHER):
        names = [f"i{number}" for number in range(len(batch))]
        variables = ", ".join(f"${name}: {input_type}!" for name in names)
        fields = " ".join(f"{name}: {verb}(input: ${name}) {answer}" for name in names)
        data = await asker.ask(f"mutation({variables}) {{ {fields} }}", dict(zip(names, batch, strict=True)))
        answers += [data[name] for name in names]
    return answers


def batches(things: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    """The things, so many at a time."""
    return (things[start : start + size] for start in range(0, len(things), size))
