"""The audit log, as its organisation's admins read it."""

from enum import Enum

import strawberry

from gql.engine.declare import column, computed, noun
from gql.engine.scalars import JSON, DateTime


@strawberry.enum(description="What happened to a thing.")
class AuditAction(Enum):
    CREATE = strawberry.enum_value("CREATE", description="It was made.")
    UPDATE = strawberry.enum_value("UPDATE", description="It was changed.")
    DELETE = strawberry.enum_value("DELETE", description="It was taken away.")
    TRANSITION = strawberry.enum_value("TRANSITION", description="It came to another status.")
    SIGN_IN = strawberry.enum_value(
        "SIGN_IN", description="Somebody came in, went over to this organisation, went, or was refused: newValues says."
    )
    EXPORT = strawberry.enum_value("EXPORT", description="It was taken out of the house.")
    READ_SENSITIVE = strawberry.enum_value("READ_SENSITIVE", description="Somebody looked at what few may see.")


@noun(
    table="core.audit_log",
    plural="auditLog",
    permission="iam:audit",
    default_order="CREATED_AT_DESC",
    reported=False,
)
class AuditEntry:
    action: AuditAction = column(filtered=True)
    entity_type: str = column(filtered=True)
    entity_id: strawberry.ID | None = column(filtered=True)
    old_values: JSON | None = column()
    new_values: JSON | None = column()
    user_id: strawberry.ID | None = column(filtered=True)
    user_name: str | None = computed(
        "coalesce("
        "(select m.user_name from iam.memberships m where m.tenant_id = {row}.tenant_id and m.user_id = {row}.user_id),"
        " (select p.name from iam.external_people p where p.tenant_id = {row}.tenant_id and p.id = {row}.user_id),"
        " (select a.name from iam.apps a where a.tenant_id = {row}.tenant_id and a.id = {row}.user_id)"
        ")",
        description="The name of who did it, a person or an app, as it is now; empty where they never worked here.",
    )
    ip_address: str | None = column()
    user_agent: str | None = column()
    request_id: str | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    is_sealed: bool = computed(
        "{row}.seal is not null",
        description="Whether it is under a seal: then a change of it, or its absence, would show.",
    )


DECLARED = (AuditEntry,)
