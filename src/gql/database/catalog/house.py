"""The names that the rules hang on: our roles, and every exception, each with its reason.

An exception is a name in this file and nowhere else, so that whoever reviews a change of it sees what is being opened.
"""

from dataclasses import dataclass
from typing import Final

OWNER: Final = "countinghouse_owner"
API: Final = "countinghouse_api"
TENANT: Final = "countinghouse_tenant"
ANALYST: Final = "countinghouse_analyst"
READER: Final = "countinghouse_reader"
AUTH: Final = "countinghouse_auth"
ACCOUNTS: Final = "countinghouse_accounts"
PROVISIONER: Final = "countinghouse_provisioner"
WORKER: Final = "countinghouse_worker"
REPORTS: Final = "countinghouse_reports"
WATCHER: Final = "countinghouse_watcher"
SEARCH: Final = "countinghouse_search"
OPERATOR: Final = "countinghouse_operator"

CONFIDENTIAL: Final = "(hash|secret|token|password|passphrase|otp|private_key|(^|_)codes?($|_)|(^|_)pin($|_))"
"""Columns of such a name are granted to nobody of a tenant, and leave with no export. `harmless_columns` are others."""


@dataclass(frozen=True, slots=True)
class House:
    """Each field becomes a table of the same name, with one column `name`, that the rules can ask."""

    # Schemas that a library made and keeps. No rule looks into them; nobody of a tenant may have a grant in them.
    exempt_schemas: tuple[str, ...] = ("pgqueuer", "trigrams")

    # Every installation has these; the others come with the domain that needs them.
    required_roles: tuple[str, ...] = (
        OWNER,
        API,
        TENANT,
        ANALYST,
        READER,
        AUTH,
        ACCOUNTS,
        PROVISIONER,
        WORKER,
        REPORTS,
        WATCHER,
        SEARCH,
    )
    house_roles: tuple[str, ...] = (
        OWNER,
        API,
        TENANT,
        ANALYST,
        READER,
        AUTH,
        ACCOUNTS,
        PROVISIONER,
        WORKER,
        REPORTS,
        WATCHER,
        SEARCH,
        OPERATOR,
    )
    login_roles: tuple[str, ...] = (API, WORKER, OPERATOR)
    # Whoever reads as one tenant. Columns are granted to them one by one, and nothing is ever written by them.
    readers: tuple[str, ...] = (TENANT, ANALYST, READER)
    # Whoever is behind the same policy, so that a door, a definer function and a trigger are bound too.
    bound_alike: tuple[str, ...] = (TENANT, OWNER, READER)

    # People and organisations belong to no tenant: the one is signed in before a tenant is known, the other is the
    # tenant. Sign-in reaches them through functions of countinghouse_auth.
    people: tuple[str, ...] = (
        "iam.tenants",
        "iam.users",
        "iam.sessions",
        "iam.refresh_tokens",
        "iam.throttles",
        "iam.codes",
        "iam.signup_sessions",
        "iam.totp_devices",
        "iam.recovery_codes",
        "iam.house_log",
    )
    # Facts about the installation itself.
    installation: tuple[str, ...] = ("core.schema_version", "reports.refreshes", "iam.offboardings")

    # Policies that need not compare the tenant: "role table command", where * is any. Sign-in asks for a person's
    # memberships before there is a tenant, and leaves its row in the audit log; a text search names the tenant itself;
    # reports are refreshed for all.
    open_policies: tuple[str, ...] = (
        f"{AUTH} iam.* *",
        f"{ACCOUNTS} iam.users *",
        f"{ACCOUNTS} iam.codes *",
        f"{ACCOUNTS} iam.signup_sessions *",
        f"{ACCOUNTS} iam.totp_devices *",
        f"{ACCOUNTS} iam.recovery_codes *",
        f"{AUTH} core.audit_log insert",
        f"{PROVISIONER} iam.* *",
        f"{SEARCH} *.* select",
        f"{REPORTS} *.* select",
        f"{WATCHER} iam.analysts select",
        f"{REPORTS} reports.refreshes *",
        f"{WORKER} reports.refreshes select",
        f"{WORKER} iam.tenants select",
        f"{WORKER} ledger.holds select",
        f"{WORKER} billing.recurring_invoices select",
        f"{WORKER} billing.invoice_messages select",
        f"{WORKER} iam.notices select",
        f"{WORKER} trade.orders select",
        f"{WORKER} trade.messages select",
        f"{WORKER} trade.retailers select",
        f"{WORKER} trade.credit_scores select",
        f"{WORKER} core.audit_log select",
        f"{WORKER} core.idempotency_keys select",
        f"{WORKER} core.idempotency_keys delete",
    )
    # What the worker's own login may read or do in our tables, among all tenants: that something is due, and nothing
    # about it. What then is to be done it does as the tenant.
    worker_grants: tuple[str, ...] = (
        "SELECT iam.tenants.id",
        "SELECT iam.tenants.time_zone",
        "SELECT iam.tenants.fiscal_year_start",
        "SELECT iam.tenants.suspended_at",
        "SELECT ledger.holds.tenant_id",
        "SELECT ledger.holds.state",
        "SELECT ledger.holds.expires_at",
        "SELECT billing.recurring_invoices.tenant_id",
        "SELECT billing.recurring_invoices.id",
        "SELECT billing.recurring_invoices.enabled",
        "SELECT billing.recurring_invoices.next_date",
        "SELECT billing.invoice_messages.tenant_id",
        "SELECT billing.invoice_messages.id",
        "SELECT billing.invoice_messages.status",
        "SELECT billing.invoice_messages.next_try_at",
        "SELECT iam.notices.tenant_id",
        "SELECT iam.notices.id",
        "SELECT iam.notices.next_try_at",
        "SELECT iam.notices.sent_at",
        "SELECT iam.notices.failed_at",
        "SELECT trade.orders.tenant_id",
        "SELECT trade.orders.id",
        "SELECT trade.orders.status",
        "SELECT trade.orders.expires_at",
        "SELECT trade.orders.created_at",
        "SELECT trade.orders.updated_at",
        "SELECT trade.orders.payment_status",
        "SELECT trade.messages.tenant_id",
        "SELECT trade.messages.id",
        "SELECT trade.messages.is_processed",
        "SELECT trade.messages.direction",
        "SELECT trade.messages.sent_at",
        "SELECT trade.messages.pack_id",
        "SELECT trade.messages.created_at",
        "SELECT trade.retailers.tenant_id",
        "SELECT trade.credit_scores.tenant_id",
        "SELECT trade.credit_scores.scored_on",
        "SELECT core.audit_log.tenant_id",
        "SELECT core.audit_log.created_at",
        "SELECT core.audit_log.seal",
        "SELECT core.idempotency_keys.tenant_id",
        "SELECT core.idempotency_keys.created_at",
        "DELETE core.idempotency_keys",
        "SELECT reports.refreshes.report",
        "SELECT reports.refreshes.every",
        "SELECT reports.refreshes.refreshed_at",
    )
    # What a role of ours may do of what PostgreSQL keeps to itself: "role predefined". The watcher ends connections of
    # analysts, and sees since when they are at work.
    predefined_roles: tuple[str, ...] = (f"{WATCHER} pg_signal_backend", f"{WATCHER} pg_read_all_stats")
    # Whoever logs in to become a tenant.
    becoming_roles: tuple[str, ...] = (API, WORKER)

    # Rows without money, evidence or a life of their own go with their parent.
    cascades: tuple[str, ...] = (
        "billing.client_contacts",
        "billing.client_notes",
        "work.tasks",
        "work.milestones",
        "work.automation_executions",
    )

    # Archives, made like their tables, and the views of both together. What their columns mean is said of the table,
    # and what holds of a row was checked there: it is moved as it is.
    archives: tuple[str, ...] = (
        "trade.archived_orders",
        "trade.archived_order_items",
        "trade.all_orders",
        "trade.all_order_items",
    )

    # A row that a scope may see carries that scope's id in one of these.
    scope_columns: tuple[str, ...] = (
        "client_id",
        "retailer_id",
        "vendor_id",
        "chama_id",
        "business_id",
        "investor_id",
    )

    # Indexes that serve what has no tenant yet: sign-in finds a person's memberships and invites, and an app's secret,
    # the worker what is due.
    indexes_across_tenants: tuple[str, ...] = (
        "iam.memberships_user",
        "iam.apps_client",
        "iam.app_secrets_hash",
        "billing.recurring_invoices_due",
        "billing.invoice_messages_due",
        "trade.orders_due",
        "trade.messages_due",
        "iam.message_channels_id",
        "iam.notices_due",
        "iam.notices_recipient",
        "iam.invites_address",
        "iam.join_requests_user",
    )

    # The clock, which is nobody's to set: a policy may read it, too.
    clock: tuple[str, ...] = ("pg_catalog.statement_timestamp",)
    # What a policy may read besides the row. An analyst holds the connection and could set app.*, so that for the
    # analyst only the first of them can be believed.
    context_functions: tuple[str, ...] = (
        "core.tenant_id",
        "core.user_id",
        "core.role",
        "core.scope_ids",
        "core.sees_all",
        "core.today",
        "core.fiscal_year_start",
        "core.context",
        "core.permits",
    )

    # The only functions that run SQL made at run time: the read door runs prepared statements by name, and the name of
    # a role, of a partition or of a materialized view cannot be a parameter.
    dynamic_functions: tuple[str, ...] = (
        "core.read",
        "core.audit_partitions",
        "iam.tenant_role_create",
        "iam.tenant_role_drop",
        "iam.analyst_role_put",
        "iam.analyst_role_drop",
        "iam.tenant_roles_settle",
        "reports.refresh",
    )
    # The doors of the reader, and the functions that may make and drop roles: of tenants, and of their analysts.
    reader_functions: tuple[str, ...] = ("core.read",)
    provisioner_functions: tuple[str, ...] = (
        "iam.tenant_role_create",
        "iam.tenant_role_drop",
        "iam.analyst_role_put",
        "iam.analyst_role_drop",
    )
    # What finds connections of analysts that are to end, and ends them.
    watcher_functions: tuple[str, ...] = (
        "core.workers_connected",
        "iam.analyst_backends_overdue",
        "iam.analyst_backends_end",
    )
    # The one function that an analyst calls with its owner's rights, bound to their organisation: its profile.
    analyst_functions: tuple[str, ...] = ("iam.organisation",)
    # What the login of an analyst is set to. They may set it back, so nothing hangs on it.
    analyst_settings: tuple[str, ...] = (
        "default_transaction_read_only",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "search_path",
    )
    # What reckons a report anew, and tells how old it is.
    reports_functions: tuple[str, ...] = ("reports.refresh", "reports.as_of")

    # What a person may ask of these two while they work in an organisation: it tells of them alone, and changes them
    # alone.
    own_functions: tuple[str, ...] = (
        "iam.my_sessions",
        "iam.my_totp_devices",
        "iam.my_invites",
        "iam.my_join_requests",
        "iam.my_account",
        "iam.account_update",
    )

    # Names that sound like a secret and are none: of any column, or of one.
    harmless_columns: tuple[str, ...] = (
        "zip_code",
        "postal_code",
        "country_code",
        "currency_code",
        "trade.vendors.vendor_code",
        "trade.retailers.retailer_code",
        "trade.products.product_code",
        "trade.products.hsn_code",
        "reporting.vendors.vendor_code",
        "reporting.retailers.retailer_code",
        "reporting.products.product_code",
        "reporting.products.hsn_code",
        "ledger.accounts.code",
        "ledger.accounts.code_key",
        "reporting.ledger_accounts.code",
        "reporting.trial_balance.code",
    )

    # The first minor release of each major version with the security fixes that row security relies on.
    version_floors: tuple[str, ...] = ("150018", "160014", "170010", "180004")
