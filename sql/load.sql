-- The table of contents. Everything is loaded in this order, in one transaction, by `countinghouse migrate`.

\ir core/roles.sql
\ir core/context.sql
\ir core/search.sql
\ir core/refusals.sql
\ir core/types.sql
\ir core/timestamps.sql
\ir core/audit.sql
\ir core/doors.sql
\ir core/version.sql

\ir iam/tenants.sql
\ir iam/users.sql
\ir iam/memberships.sql
\ir iam/house_log.sql
\ir iam/sessions.sql
\ir iam/throttles.sql
\ir iam/sign_in.sql
\ir iam/codes.sql
\ir iam/totp_devices.sql
\ir iam/apps.sql
\ir iam/suspending.sql
\ir iam/sign_up.sql
\ir iam/google.sql
\ir iam/trusted_issuers.sql
\ir iam/external_people.sql
\ir iam/offboardings.sql

\ir core/audit_seals.sql
\ir core/idempotency.sql
\ir core/jobs.sql
\ir core/reports.sql
\ir core/reporting.sql

\ir iam/analysts.sql
\ir iam/message_channels.sql

\ir iam/notices.sql
\ir iam/invites.sql
\ir iam/join_requests.sql
\ir iam/my_account.sql
\ir iam/forgetting.sql

\ir ledger/accounts.sql
\ir ledger/transfers.sql
\ir ledger/entries.sql
\ir ledger/holds.sql
\ir ledger/posting.sql
\ir ledger/reports.sql
\ir ledger/journals.sql

\ir billing/clients.sql
\ir billing/client_contacts.sql
\ir billing/client_notes.sql
\ir billing/payment_methods.sql
\ir billing/number_series.sql
\ir billing/invoices.sql
\ir billing/invoice_lines.sql
\ir billing/invoice_changes.sql
\ir billing/invoice_messages.sql
\ir billing/recurring_invoices.sql
\ir billing/recurring_invoice_periods.sql
\ir billing/payments.sql
\ir billing/credit_notes.sql
\ir billing/credit_note_lines.sql
\ir billing/allocations.sql
\ir billing/payment_refunds.sql
\ir billing/payment_changes.sql
\ir billing/crediting.sql
\ir billing/settlement.sql
\ir billing/client_entries.sql
\ir billing/ageing.sql
\ir billing/statements.sql
\ir billing/revenue.sql
\ir billing/revenue_months.sql
\ir billing/imports.sql

\ir trade/vendors.sql
\ir trade/retailers.sql
\ir trade/credit_lines.sql
\ir trade/products.sql
\ir trade/vendor_products.sql
\ir trade/order_numbers.sql
\ir trade/orders.sql
\ir trade/order_steps.sql
\ir trade/order_posting.sql
\ir trade/order_items.sql
\ir trade/archived_orders.sql
\ir trade/archived_order_items.sql
\ir trade/order_changes.sql
\ir trade/credit_entries.sql
\ir trade/retailer_payments.sql
\ir trade/retailer_payment_allocations.sql
\ir trade/retailer_payment_changes.sql
\ir trade/credit_adjustments.sql
\ir trade/retailer_stats.sql
\ir trade/credit_scores.sql
\ir trade/message_packs.sql
\ir trade/messages.sql
\ir trade/message_packing.sql
\ir trade/message_reading.sql
\ir trade/order_archiving.sql
\ir trade/ageing.sql

\ir reporting/views.sql

\ir core/grants.sql
