"""All that the domains declare, by name."""

from dataclasses import dataclass, field

from gql.engine.fields import Answers, Relation
from gql.engine.nouns import Noun
from gql.engine.verbs import Verb


@dataclass(slots=True)
class Declarations:
    """Everything the domains declare."""

    nouns: dict[str, Noun] = field(default_factory=dict)
    verbs: dict[str, Verb] = field(default_factory=dict)

    def add(self, *declared: type | Verb) -> None:
        for each in declared:
            if isinstance(each, Verb):
                self.verbs[each.graphql_name] = each
            else:
                found: Noun = each.__noun__  # type: ignore[attr-defined]
                self.nouns[found.name] = found

    def target(self, relation: Relation | Answers) -> Noun:
        return self.nouns[relation.target]
