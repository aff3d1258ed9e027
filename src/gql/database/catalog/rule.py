"""What a rule of the catalog is, and what it finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that breaks one rule. The sentence says what is wrong with it and what to do."""

    rule: str
    object: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as one query over pg_catalog, which returns a row (object, problem) for whatever breaks it.

    The query may name the common table expressions of `prelude`. The problem continues a sentence that begins with
    the object ("billing.invoices" "has row security switched off"); the remedy is a sentence of its own, and so is
    the reason, which is for whoever wonders why the rule is there.
    """

    name: str
    reason: str
    remedy: str
    query: str

    def finding(self, name: str, problem: str) -> Finding:
        return Finding(self.name, name, f"{name} {problem}. {self.remedy}")
