"""What the worker does: one entry a duty.

Whoever adds one writes its statements as functions in the SQL of its domain, and names them here.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

SECONDS: Final = timedelta(seconds=5)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


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


@dataclass(frozen=True, slots=True)
class Delivery:
    """Messages that become due by themselves. What is done with one takes its time, and no transaction waits for it: it
    is taken, carried, and said how that ended.

    - `due`: as of a duty; always of an organisation.
    - `take`: an expression that says what to carry, as JSON with the fields of `Message`, or NULL where there is
      nothing to do any more. It counts the attempt and sets the time of the next, and is committed before the message
      is carried: a worker that dies costs an attempt. At that time a message is tried again that failed, too; nobody
      else repeats it. It must be further away than carrying may take (CARRY_SECONDS).
    - `sent`: an expression that notes that it was carried.
    - `failed`: an expression that notes that it was not: `{reason}`, and as `{is_final}` whether it never will be.
    - `at_once`: how many are carried at a time by all workers together. A mail server that does not answer must not
      have the other duties wait.
    """

    name: str
    due: str
    take: str
    sent: str
    failed: str
    every: timedelta
    at_once: int = 3


DUTIES: Final[tuple[Duty | Delivery, ...]] = (
    Duty(
        name="make-recurring-invoices",
        due="select tenant_id, id from billing.recurring_invoices_due()",
        run="billing.recurring_invoice_make({what}::uuid)",
        every=MINUTE,
    ),
    Delivery(
        name="send-invoices",
        due="select tenant_id, id from billing.invoice_messages_due()",
        take="billing.invoice_message_take({what}::uuid)",
        sent="billing.invoice_message_sent({what}::uuid)",
        failed="billing.invoice_message_failed({what}::uuid, {reason}, {is_final}::boolean)",
        every=MINUTE,
    ),
    Delivery(
        name="send-notices",
        due="select tenant_id, id from iam.notices_due()",
        take="iam.notice_take({what}::uuid)",
        sent="iam.notice_sent({what}::uuid)",
        failed="iam.notice_failed({what}::uuid, {reason}, {is_final}::boolean)",
        every=MINUTE,
    ),
    Duty(
        name="read-messages",
        due="select tenant_id, id from trade.messages_due()",
        run="trade.message_read({what}::uuid)",
        every=MINUTE,
    ),
    Duty(
        name="expire-holds",
        due="select tenant_id, null from ledger.holds_due()",
        run="ledger.expire_holds()",
        every=MINUTE,
    ),
    Duty(
        name="expire-orders",
        due="select tenant_id, id from trade.orders_due()",
        run="trade.order_lapse({what}::uuid)",
        every=MINUTE,
    ),
    Duty(
        name="archive-orders",
        due="select tenant_id, null from trade.archive_due()",
        run="trade.archive()",
        every=HOUR,
    ),
    Duty(
        name="pack-messages",
        due="select tenant_id, null from trade.messages_pack_due()",
        run="trade.messages_pack()",
        # Some are always too few for a pack, so that this is asked in vain.
        every=DAY,
    ),
    Duty(
        name="score-retailers",
        due="select tenant_id, null from trade.credit_scores_due()",
        run="trade.credit_scores_make()",
        every=HOUR,
    ),
    Duty(
        name="end-connections-of-analysts",
        due="select null, null where exists (select from iam.analyst_backends_overdue())",
        run="iam.analyst_backends_end()",
        every=SECONDS,
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
