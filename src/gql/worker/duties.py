"""What the worker does: one entry a duty.

Whoever adds one writes its two statements as functions in the SQL of its domain, and names them here.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that becomes due by itself.

    - `due`: a query as countinghouse_worker, which sees among all organisations that something is due and nothing else.
      A row for each thing to do: the organisation (NULL for what concerns the house) and the id or name of what is due
      there (NULL where that is all).
    - `run`: an expression that does it, `{what}` being that id or name as text. For an organisation it runs as that
      organisation, in a transaction of its own and in the role `worker`, and asks the tables again: a job that comes
      too late or twice finds nothing to do. While it answers true there is more, for a transaction of its own.
    - `every`: how often is asked what is due. Shorter where somebody waits for it.
    """

    name: str
    due: str
    run: str
    every: timedelta


DUTIES: Final = (
    Duty(
        name="make-recurring-invoices",
        due="select tenant_id, id from billing.recurring_invoices_due()",
        run="billing.recurring_invoice_make({what}::uuid)",
        every=MINUTE,
    ),
    Duty(
        name="expire-holds",
        due="select tenant_id, null from ledger.holds_due()",
        run="ledger.expire_holds()",
        every=MINUTE,
    ),
    Duty(
        name="refresh-reports",
        due="select null, report from reports.due()",
        run="reports.refresh({what})",
        every=MINUTE,
    ),
    Duty(
        name="seal-audit-log",
        due="select tenant_id, null from core.audit_unsealed()",
        run="core.audit_seal()",
        every=MINUTE,
    ),
    Duty(
        name="forget-idempotency-keys",
        due="select null, null where core.idempotency_due()",
        run="core.idempotency_sweep()",
        every=HOUR,
    ),
    Duty(
        name="forget-who-tried",
        due="select null, null where iam.forgettable()",
        run="iam.forget()",
        every=HOUR,
    ),
    Duty(
        name="make-audit-partitions",
        due="select null, null where core.audit_partitions_due()",
        run="core.audit_partitions(current_date, 13)",
        every=HOUR,
    ),
    Duty(
        name="forget-jobs",
        due="select null, null where core.jobs_forgettable()",
        run="core.jobs_forget()",
        every=HOUR,
    ),
)
