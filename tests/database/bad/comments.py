"""Missing and misshapen comments."""

from typing import Final

from tests.database.bad.example import bad

COMMENTS: Final = (
    bad("object-comment", "billing.samples", "comment on table billing.samples is null"),
    bad("object-comment", "billing.samples.name", "comment on column billing.samples.name is null"),
    bad("object-comment", "billing.sample_names", "comment on view billing.sample_names is null"),
    bad("object-comment", "billing.sample_close(input jsonb)", "comment on function billing.sample_close is null"),
    bad("object-comment", "schema billing", "comment on schema billing is null"),
    bad(
        "constraint-comment",
        "billing.samples.samples_status_check",
        "comment on constraint samples_status_check on billing.samples is null",
    ),
    bad(
        "constraint-comment",
        "billing.samples.samples_name_key",
        "comment on constraint samples_name_key on billing.samples is 'There is a sample of this name.'",
    ),
    bad(
        "constraint-comment",
        "billing.samples.samples_name_key",
        "comment on constraint samples_name_key on billing.samples is 'SAMPLE_EXISTS input.Name: Taken.'",
    ),
    bad("constraint-comment", "billing.taken", "create unique index taken on billing.samples (tenant_id, lower(name))"),
    bad(
        "constraint-comment",
        "billing.word.word_check",
        "create domain billing.word as text constraint word_check check (value <> '')",
    ),
)
