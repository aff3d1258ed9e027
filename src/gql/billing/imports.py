"""What a bulk import answers: one row for each row it was given."""

from enum import Enum

import strawberry

from gql.engine.declare import report_column
from gql.engine.kinds import ID, INTEGER, TEXT, kind_of
from gql.engine.verbs import Report


@strawberry.enum(description="What became of an imported row.")
class ImportOutcome(Enum):
    CREATED = "CREATED"
    EXISTING = "EXISTING"
    REFUSED = "REFUSED"


IMPORT_REPORT = Report(
    "ImportedRow",
    "What became of one imported row.",
    (
        report_column("index", INTEGER, "Its place in the input, from 0."),
        report_column("outcome", kind_of(ImportOutcome), "What became of it."),
        report_column("id", ID, "The id of the thing, whether it is new or was there before.", nullable=True),
        report_column("reason", TEXT, "The rule that refused it.", nullable=True),
        report_column("field", TEXT, "The input that was refused.", nullable=True),
        report_column("message", TEXT, "Why it was refused, and what to do.", nullable=True),
    ),
)
