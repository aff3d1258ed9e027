-- Written by `make reporting` from the declarations in src/gql; do not edit. Each view reads with the rights of whoever
-- asks, and shows what GraphQL shows of the noun or the report.

create view reporting.organisation with (security_invoker = true) as
select
    thing.id as id,
    thing.slug::text as slug,
    thing.name::text as name,
    thing.email::text as email,
    thing.phone::text as phone,
    thing.address::text as address,
    thing.city::text as city,
    thing.state::text as state,
    thing.zip_code::text as zip_code,
    thing.country::text as country,
    thing.tax_id::text as tax_id,
    thing.logo::text as logo,
    thing.currency::text as currency,
    thing.time_zone::text as time_zone,
    thing.fiscal_year_start as fiscal_year_start,
    thing.settings::jsonb as settings,
    to_jsonb(thing.modules) as modules,
    thing.created_at as created_at
from iam.organisation() as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.organisation is 'An organisation.';
comment on column reporting.organisation.id is 'The row''s own uuid.';
comment on column reporting.organisation.slug is 'Its short name in addresses and on the command line, such as acme.';
comment on column reporting.organisation.name is 'Its name, as it stands on invoices.';
comment on column reporting.organisation.email is 'Its business e-mail address.';
comment on column reporting.organisation.phone is 'Its telephone number.';
comment on column reporting.organisation.address is 'Street and number.';
comment on column reporting.organisation.city is 'City.';
comment on column reporting.organisation.state is 'State, county or province.';
comment on column reporting.organisation.zip_code is 'Postal code.';
comment on column reporting.organisation.country is 'Country, by its two-letter ISO 3166 code.';
comment on column reporting.organisation.tax_id is 'Its tax or VAT number.';
comment on column reporting.organisation.logo is 'The address of its logo, beginning with https://.';
comment on column reporting.organisation.currency is 'The currency that its clients and invoices have unless they say otherwise.';
comment on column reporting.organisation.time_zone is 'Its time zone, by its IANA name: it decides what day today is.';
comment on column reporting.organisation.fiscal_year_start is 'The month in which its fiscal year begins: 1 to 12.';
comment on column reporting.organisation.settings is 'Preferences of its own, as a JSON object of at most 20000 bytes.';
comment on column reporting.organisation.modules is 'Which parts of the house it uses, for dashboards to show: BILLING, TRADE.';
comment on column reporting.organisation.created_at is 'When it joined.';
grant select (id, slug, name, email, phone, address, city, state, zip_code, country, tax_id, logo, currency, time_zone, fiscal_year_start, settings, modules, created_at) on reporting.organisation to countinghouse_analyst;

create view reporting.memberships with (security_invoker = true) as
select
    thing.id as id,
    thing.user_id as user_id,
    upper(thing.role) as role,
    thing.user_name::text as user_name,
    thing.user_email::text as user_email,
    thing.user_phone::text as user_phone,
    thing.is_active as is_active,
    thing.created_at as created_at
from iam.memberships as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.memberships is 'A person''s place in the organisation.';
comment on column reporting.memberships.id is 'The row''s own uuid.';
comment on column reporting.memberships.user_id is 'The person.';
comment on column reporting.memberships.role is 'What they may do: OWNER everything, ADMIN all but the roles of others, ACCOUNTANT and OPERATOR the daily work, VIEWER reads, MEMBER, VENDOR, RETAILER, BUSINESS and INVESTOR what concerns them.';
comment on column reporting.memberships.user_name is 'The person''s name.';
comment on column reporting.memberships.user_email is 'The person''s e-mail address.';
comment on column reporting.memberships.user_phone is 'The person''s telephone number.';
comment on column reporting.memberships.is_active is 'Whether they may work here at present.';
comment on column reporting.memberships.created_at is 'When they joined.';
grant select (id, user_id, role, user_name, user_email, user_phone, is_active, created_at) on reporting.memberships to countinghouse_analyst;

create view reporting.ledger_accounts with (security_invoker = true) as
select
    thing.id as id,
    thing.code::text as code,
    thing.name::text as name,
    thing.kind::text as kind,
    thing.currency::text as currency,
    thing.normal_side::text as normal_side,
    round(thing.balance, 2) as balance,
    round(thing.held_up, 2) as held_up,
    round(thing.held_down, 2) as held_down,
    round(thing.floor, 2) as floor,
    round(thing.ceiling, 2) as ceiling,
    thing.version as version,
    thing.owner_noun::text as owner_noun,
    thing.owner_id as owner_id,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from ledger.accounts as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.ledger_accounts is 'A place where money stands. Its balance is the sum of its entries, and only entries change it.';
comment on column reporting.ledger_accounts.id is 'The row''s own uuid.';
comment on column reporting.ledger_accounts.code is 'Its short name, such as REVENUE; unique with its currency. An account of somebody carries their id.';
comment on column reporting.ledger_accounts.name is 'Its name in words.';
comment on column reporting.ledger_accounts.kind is 'ASSET, LIABILITY, EQUITY, INCOME or EXPENSE.';
comment on column reporting.ledger_accounts.currency is 'The currency of all its entries, by its ISO 4217 code.';
comment on column reporting.ledger_accounts.normal_side is 'The side on which its balance grows: DEBIT of assets and expenses, CREDIT of the others.';
comment on column reporting.ledger_accounts.balance is 'What stands on it, by its normal side: positive where it is on that side.';
comment on column reporting.ledger_accounts.held_up is 'What pending holds may still add to its balance.';
comment on column reporting.ledger_accounts.held_down is 'What pending holds may still take from its balance.';
comment on column reporting.ledger_accounts.floor is 'What its balance, less what is held down, never falls below; empty for no limit.';
comment on column reporting.ledger_accounts.ceiling is 'What its balance and what is held up never exceed, such as a credit limit; empty for no limit.';
comment on column reporting.ledger_accounts.version is 'How many entries it has: the sequence number of the last one.';
comment on column reporting.ledger_accounts.owner_noun is 'What kind of thing it is kept for, such as CLIENT; empty for an account of the organisation itself.';
comment on column reporting.ledger_accounts.owner_id is 'The id of the thing that it is kept for.';
comment on column reporting.ledger_accounts.created_at is 'When it was opened.';
comment on column reporting.ledger_accounts.updated_at is 'When it last changed.';
grant select (id, code, name, kind, currency, normal_side, balance, held_up, held_down, floor, ceiling, version, owner_noun, owner_id, created_at, updated_at) on reporting.ledger_accounts to countinghouse_analyst;

create view reporting.ledger_transfers with (security_invoker = true) as
select
    thing.id as id,
    thing.kind::text as kind,
    thing.effective_date as effective_date,
    thing.posted_at as posted_at,
    thing.description::text as description,
    thing.source_noun::text as source_noun,
    thing.source_id as source_id,
    thing.request_id::text as request_id,
    thing.metadata::jsonb as metadata,
    thing.reverses_id as reverses_id,
    thing.refunds_id as refunds_id,
    thing.created_at as created_at
from ledger.transfers as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.ledger_transfers is 'A movement of money between accounts. Never changed: what was wrong is reversed.';
comment on column reporting.ledger_transfers.id is 'The row''s own uuid.';
comment on column reporting.ledger_transfers.kind is 'What it was, such as INVOICE_ISSUE or JOURNAL.';
comment on column reporting.ledger_transfers.effective_date is 'The day from which it counts. It may lie before the day of posting.';
comment on column reporting.ledger_transfers.posted_at is 'When it was posted.';
comment on column reporting.ledger_transfers.description is 'What it was, in words.';
comment on column reporting.ledger_transfers.source_noun is 'What kind of thing it came from, such as INVOICE; empty for a manual journal.';
comment on column reporting.ledger_transfers.source_id is 'The id of the thing that it came from.';
comment on column reporting.ledger_transfers.request_id is 'The id of the request that posted it, as in the answer and the logs.';
comment on column reporting.ledger_transfers.metadata is 'Facts of the caller''s own, as a JSON object.';
comment on column reporting.ledger_transfers.reverses_id is 'The transfer that it takes back whole.';
comment on column reporting.ledger_transfers.refunds_id is 'The transfer of which it gives back a part.';
comment on column reporting.ledger_transfers.created_at is 'When it was entered.';
grant select (id, kind, effective_date, posted_at, description, source_noun, source_id, request_id, metadata, reverses_id, refunds_id, created_at) on reporting.ledger_transfers to countinghouse_analyst;

create view reporting.ledger_entries with (security_invoker = true) as
select
    thing.id as id,
    thing.position as position,
    thing.seq as seq,
    thing.effective_date as effective_date,
    thing.currency::text as currency,
    round(thing.amount, 2) as amount,
    round(thing.balance_before, 2) as balance_before,
    round(thing.balance_after, 2) as balance_after,
    thing.created_at as created_at,
    thing.account_id as account_id,
    thing.transfer_id as transfer_id
from ledger.entries as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.ledger_entries is 'One side of a transfer: so much on one account. Never changed.';
comment on column reporting.ledger_entries.id is 'The row''s own uuid.';
comment on column reporting.ledger_entries.position is 'Its place in the transfer, from 1.';
comment on column reporting.ledger_entries.seq is 'Its place among the entries of the account, from 1 and without a gap.';
comment on column reporting.ledger_entries.effective_date is 'The day from which it counts: that of its transfer.';
comment on column reporting.ledger_entries.currency is 'The currency of the account.';
comment on column reporting.ledger_entries.amount is 'How much: a debit is positive, a credit negative.';
comment on column reporting.ledger_entries.balance_before is 'The sum of all entries of the account before it.';
comment on column reporting.ledger_entries.balance_after is 'The sum of all entries of the account with it.';
comment on column reporting.ledger_entries.created_at is 'When it was posted.';
comment on column reporting.ledger_entries.account_id is 'Its account.';
comment on column reporting.ledger_entries.transfer_id is 'Its transfer.';
grant select (id, position, seq, effective_date, currency, amount, balance_before, balance_after, created_at, account_id, transfer_id) on reporting.ledger_entries to countinghouse_analyst;

create view reporting.ledger_statement_lines with (security_invoker = true) as
select
    asked.id as account_id,
    thing.effective_date as effective_date,
    thing.seq as seq,
    thing.kind::text as kind,
    thing.description::text as description,
    round(thing.amount, 2) as amount,
    round(thing.balance, 2) as balance,
    thing.transfer_id as transfer_id
from ledger.accounts as asked
cross join lateral ledger.statement(asked.id, '1900-01-01'::date, core.today()) as thing
where asked.tenant_id = core.tenant_id();
comment on view reporting.ledger_statement_lines is 'The entries of an account that count from a day to another, in the order of their days, each with the balance after it.';
comment on column reporting.ledger_statement_lines.account_id is 'Whose it is: the id of a row of ledger_accounts.';
comment on column reporting.ledger_statement_lines.effective_date is 'The day from which the entry counts.';
comment on column reporting.ledger_statement_lines.seq is 'The entry''s place among those of the account, in the order of posting.';
comment on column reporting.ledger_statement_lines.kind is 'What the transfer was, such as INVOICE_ISSUE.';
comment on column reporting.ledger_statement_lines.description is 'What the transfer was, in words.';
comment on column reporting.ledger_statement_lines.amount is 'By how much the balance changed, by the account''s normal side.';
comment on column reporting.ledger_statement_lines.balance is 'The balance after it, by the account''s normal side.';
comment on column reporting.ledger_statement_lines.transfer_id is 'The entry''s transfer.';
grant select (account_id, effective_date, seq, kind, description, amount, balance, transfer_id) on reporting.ledger_statement_lines to countinghouse_analyst;

create function reporting.ledger_statement_lines(account uuid, first_day date default '1900-01-01'::date, last_day date default core.today()) returns table (
    effective_date date,
    seq bigint,
    kind text,
    description text,
    amount numeric,
    balance numeric,
    transfer_id uuid
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.effective_date,
        thing.seq,
        thing.kind::text,
        thing.description::text,
        round(thing.amount, 2),
        round(thing.balance, 2),
        thing.transfer_id
    from ledger.statement(account, first_day, last_day) as thing
    order by thing.line
$$;
comment on function reporting.ledger_statement_lines(uuid, date, date) is 'The entries of an account that count from a day to another, in the order of their days, each with the balance after it.';
grant execute on function reporting.ledger_statement_lines(uuid, date, date) to countinghouse_analyst;

create view reporting.trial_balance with (security_invoker = true) as
select
    thing.code::text as code,
    thing.name::text as name,
    thing.kind::text as kind,
    thing.currency::text as currency,
    round(thing.debit, 2) as debit,
    round(thing.credit, 2) as credit
from ledger.trial_balance(core.today()) as thing;
comment on view reporting.trial_balance is 'Every account with a balance at the end of a day, as a debit or a credit. In each currency both add up to the same.';
comment on column reporting.trial_balance.code is 'The account''s code.';
comment on column reporting.trial_balance.name is 'The account''s name.';
comment on column reporting.trial_balance.kind is 'What kind of account it is.';
comment on column reporting.trial_balance.currency is 'The account''s currency.';
comment on column reporting.trial_balance.debit is 'What stands on it, where that is a debit; else nothing.';
comment on column reporting.trial_balance.credit is 'What stands on it, where that is a credit; else nothing.';
grant select (code, name, kind, currency, debit, credit) on reporting.trial_balance to countinghouse_analyst;

create function reporting.trial_balance(as_of date default core.today()) returns table (
    code text,
    name text,
    kind text,
    currency text,
    debit numeric,
    credit numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.code::text,
        thing.name::text,
        thing.kind::text,
        thing.currency::text,
        round(thing.debit, 2),
        round(thing.credit, 2)
    from ledger.trial_balance(as_of) as thing
    order by thing.line
$$;
comment on function reporting.trial_balance(date) is 'Every account with a balance at the end of a day, as a debit or a credit. In each currency both add up to the same.';
grant execute on function reporting.trial_balance(date) to countinghouse_analyst;

create view reporting.clients with (security_invoker = true) as
select
    thing.id as id,
    thing.name::text as name,
    thing.email::text as email,
    thing.phone::text as phone,
    thing.address::text as address,
    thing.city::text as city,
    thing.state::text as state,
    thing.zip_code::text as zip_code,
    thing.country::text as country,
    thing.tax_id::text as tax_id,
    thing.website::text as website,
    thing.status::text as status,
    thing.payment_terms::text as payment_terms,
    thing.currency::text as currency,
    thing.summary::text as summary,
    thing.metadata::jsonb as metadata,
    round(thing.outstanding, 2) as outstanding,
    round(thing.balance, 2) as balance,
    round(thing.lifetime_billed, 2) as lifetime_billed,
    round(thing.lifetime_paid, 2) as lifetime_paid,
    thing.total_payments as total_payments,
    round(thing.average_payment_amount, 2) as average_payment_amount,
    thing.last_payment_date as last_payment_date,
    thing.avg_payment_days::numeric as avg_payment_days,
    (greatest((select core.today()) - thing.oldest_due_date, 0)) as days_overdue,
    (case when greatest((select core.today()) - thing.oldest_due_date, 0) > 60 then 'AT_RISK' when greatest((select core.today()) - thing.oldest_due_date, 0) > 0 then 'WARNING' when thing.avg_payment_days <= case thing.payment_terms when 'DUE_ON_RECEIPT' then 0 when 'NET_15' then 15 when 'NET_60' then 60 when 'NET_90' then 90 else 30 end then 'EXCELLENT' else 'GOOD' end)::text as health,
    thing.external_ref::text as external_ref,
    thing.deleted_at as deleted_at,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from billing.clients as thing
where thing.tenant_id = core.tenant_id() and thing.deleted_at is null;
comment on view reporting.clients is 'Whom the organisation invoices.';
comment on column reporting.clients.id is 'The row''s own uuid.';
comment on column reporting.clients.name is 'The client''s name, as it stands on invoices: 1 to 200 characters.';
comment on column reporting.clients.email is 'Where invoices go.';
comment on column reporting.clients.phone is 'Telephone number.';
comment on column reporting.clients.address is 'Street and number.';
comment on column reporting.clients.city is 'City.';
comment on column reporting.clients.state is 'State, county or province.';
comment on column reporting.clients.zip_code is 'Postal code.';
comment on column reporting.clients.country is 'Country, by its two-letter ISO 3166 code, such as GB.';
comment on column reporting.clients.tax_id is 'The client''s tax or VAT number.';
comment on column reporting.clients.website is 'Web address, beginning with http:// or https://.';
comment on column reporting.clients.status is 'ACTIVE; INACTIVE where there is no business at present; ARCHIVED where no new invoices are to be made.';
comment on column reporting.clients.payment_terms is 'How long after its issue an invoice is due; NET_30 unless said otherwise.';
comment on column reporting.clients.currency is 'The currency of the client''s invoices, by its ISO 4217 code.';
comment on column reporting.clients.summary is 'What the organisation''s own people should know about the client.';
comment on column reporting.clients.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.clients.outstanding is 'What the client owes: the balance of its receivable account in its currency.';
comment on column reporting.clients.balance is 'What it owes less its credit: what it has paid or been credited and not used yet.';
comment on column reporting.clients.lifetime_billed is 'The totals of all its issued invoices, less void ones and credit notes, in its currency.';
comment on column reporting.clients.lifetime_paid is 'All its confirmed payments, less refunds, in its currency.';
comment on column reporting.clients.total_payments is 'How many payments of it are confirmed, and neither reversed nor given back whole.';
comment on column reporting.clients.average_payment_amount is 'The mean of those payments, rounded to two decimals; empty without any.';
comment on column reporting.clients.last_payment_date is 'The day on which the last of those payments was received.';
comment on column reporting.clients.avg_payment_days is 'The mean number of days from issue to payment over its paid invoices, to two decimals; empty without any.';
comment on column reporting.clients.days_overdue is 'How many days its oldest overdue invoice is past due, in the organisation''s time zone; else 0.';
comment on column reporting.clients.health is 'How well it pays: AT_RISK when more than 60 days overdue, WARNING when overdue at all, EXCELLENT when nothing is overdue and it paid within its terms on average, else GOOD, as without any history.';
comment on column reporting.clients.external_ref is 'The client''s id in another system; unique in the organisation, and free again when the client is deleted.';
comment on column reporting.clients.deleted_at is 'When the client was deleted. Deleted clients stand in no list; their invoices still name them.';
comment on column reporting.clients.created_at is 'When the client was entered.';
comment on column reporting.clients.updated_at is 'When the client last changed.';
grant select (id, name, email, phone, address, city, state, zip_code, country, tax_id, website, status, payment_terms, currency, summary, metadata, outstanding, balance, lifetime_billed, lifetime_paid, total_payments, average_payment_amount, last_payment_date, avg_payment_days, days_overdue, health, external_ref, deleted_at, created_at, updated_at) on reporting.clients to countinghouse_analyst;

create view reporting.client_contacts with (security_invoker = true) as
select
    thing.id as id,
    thing.name::text as name,
    thing.email::text as email,
    thing.phone::text as phone,
    thing.role::text as role,
    thing.is_primary as is_primary,
    thing.created_at as created_at,
    thing.updated_at as updated_at,
    thing.client_id as client_id
from billing.client_contacts as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.client_contacts is 'A person at a client.';
comment on column reporting.client_contacts.id is 'The row''s own uuid.';
comment on column reporting.client_contacts.name is 'Their name: 1 to 200 characters.';
comment on column reporting.client_contacts.email is 'Their e-mail address.';
comment on column reporting.client_contacts.phone is 'Their telephone number.';
comment on column reporting.client_contacts.role is 'What they do there, such as "Accounts payable".';
comment on column reporting.client_contacts.is_primary is 'Whether they are the first to ask; one contact of a client is, at most.';
comment on column reporting.client_contacts.created_at is 'When the contact was entered.';
comment on column reporting.client_contacts.updated_at is 'When the contact last changed.';
comment on column reporting.client_contacts.client_id is 'The client they work for.';
grant select (id, name, email, phone, role, is_primary, created_at, updated_at, client_id) on reporting.client_contacts to countinghouse_analyst;

create view reporting.client_notes with (security_invoker = true) as
select
    thing.id as id,
    thing.content::text as content,
    thing.type::text as type,
    thing.created_at as created_at,
    thing.updated_at as updated_at,
    thing.client_id as client_id
from billing.client_notes as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.client_notes is 'What the organisation''s own people remember about a client.';
comment on column reporting.client_notes.id is 'The row''s own uuid.';
comment on column reporting.client_notes.content is 'The note: 1 to 20000 characters.';
comment on column reporting.client_notes.type is 'What kind of note it is.';
comment on column reporting.client_notes.created_at is 'When it was written.';
comment on column reporting.client_notes.updated_at is 'When it last changed.';
comment on column reporting.client_notes.client_id is 'The client it is about.';
grant select (id, content, type, created_at, updated_at, client_id) on reporting.client_notes to countinghouse_analyst;

create view reporting.invoices with (security_invoker = true) as
select
    thing.id as id,
    thing.series::text as series,
    thing.number::text as number,
    thing.status::text as status,
    thing.client_id as client_id,
    thing.issue_date as issue_date,
    thing.due_date as due_date,
    thing.paid_date as paid_date,
    thing.currency::text as currency,
    round(thing.subtotal, 2) as subtotal,
    round(thing.discount, 2) as discount,
    thing.tax_rate::numeric as tax_rate,
    round(thing.tax_amount, 2) as tax_amount,
    round(thing.total, 2) as total,
    round(thing.balance, 2) as balance,
    round(thing.paid_amount, 2) as paid_amount,
    round(thing.credited, 2) as credited,
    round(thing.written_off, 2) as written_off,
    thing.payment_count as payment_count,
    thing.partial_payment_count as partial_payment_count,
    thing.last_payment_date as last_payment_date,
    (thing.due_date < (select core.today()) and thing.status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and thing.balance_minor > 0) as is_overdue,
    thing.bill_from::jsonb as bill_from,
    thing.bill_to::jsonb as bill_to,
    thing.notes::text as notes,
    thing.terms::text as terms,
    thing.payment_link::text as payment_link,
    thing.template::text as template,
    thing.branding::jsonb as branding,
    thing.metadata::jsonb as metadata,
    thing.external_ref::text as external_ref,
    thing.issued_at as issued_at,
    thing.email_status::text as email_status,
    thing.viewed_at as viewed_at,
    thing.voided_at as voided_at,
    thing.void_reason::text as void_reason,
    thing.disputed_at as disputed_at,
    thing.dispute_reason::text as dispute_reason,
    thing.written_off_at as written_off_at,
    thing.write_off_reason::text as write_off_reason,
    thing.created_at as created_at,
    thing.updated_at as updated_at,
    thing.payment_method_id as payment_method_id
from billing.invoices as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.invoices is 'What a client is asked to pay: a draft while it can still change, a fixed document once it is issued.';
comment on column reporting.invoices.id is 'The row''s own uuid.';
comment on column reporting.invoices.series is 'The letters that its number begins with; INV unless said otherwise.';
comment on column reporting.invoices.number is 'Its number, such as INV-000042: given at issue, without gaps in its series. A draft has none.';
comment on column reporting.invoices.status is 'The first that holds: CANCELLED (void), WRITTEN_OFF, DISPUTED, PAID (issued and nothing left to pay), PARTIALLY_PAID, VIEWED, SENT, DRAFT. A partial credit alone does not make it PARTIALLY_PAID. Overdue is no status: see isOverdue.';
comment on column reporting.invoices.client_id is 'The client it is for.';
comment on column reporting.invoices.issue_date is 'The day of its issue; of a draft, the day that is planned.';
comment on column reporting.invoices.due_date is 'The day by which it is to be paid; by the client''s payment terms unless said otherwise.';
comment on column reporting.invoices.paid_date is 'The day on which nothing was left to pay.';
comment on column reporting.invoices.currency is 'The currency of all its amounts, by its ISO 4217 code.';
comment on column reporting.invoices.subtotal is 'The sum of its lines'' amounts.';
comment on column reporting.invoices.discount is 'What is taken off the subtotal before tax.';
comment on column reporting.invoices.tax_rate is 'The tax rate in percent of lines that name none.';
comment on column reporting.invoices.tax_amount is 'The tax: for each rate once, on the lines of that rate after their share of the discount, rounded to two decimals (EN 16931).';
comment on column reporting.invoices.total is 'Subtotal less discount plus tax.';
comment on column reporting.invoices.balance is 'What is still to be paid: the total less what was paid, credited and written off; nothing of a void invoice.';
comment on column reporting.invoices.paid_amount is 'What confirmed payments have paid of it, less what was given back.';
comment on column reporting.invoices.credited is 'What credit notes have taken off it.';
comment on column reporting.invoices.written_off is 'What was given up of it.';
comment on column reporting.invoices.payment_count is 'How many confirmed payments are allocated to it.';
comment on column reporting.invoices.partial_payment_count is 'After how many of those something was still to be paid.';
comment on column reporting.invoices.last_payment_date is 'The day on which the last of those was received.';
comment on column reporting.invoices.is_overdue is 'Whether it is past its due date, in the organisation''s time zone, not paid and not disputed.';
comment on column reporting.invoices.bill_from is 'Who issued it: the organisation''s profile as it was then.';
comment on column reporting.invoices.bill_to is 'Whom it was issued to: the client as it was then.';
comment on column reporting.invoices.notes is 'A note to the client.';
comment on column reporting.invoices.terms is 'Terms of payment in words.';
comment on column reporting.invoices.payment_link is 'Where the client can pay.';
comment on column reporting.invoices.template is 'The look of the document.';
comment on column reporting.invoices.branding is 'The look''s details: logo, primaryColor, accentColor, fontFamily.';
comment on column reporting.invoices.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.invoices.external_ref is 'The invoice''s id in another system; unique in the organisation.';
comment on column reporting.invoices.issued_at is 'When it was issued.';
comment on column reporting.invoices.email_status is 'How far the last e-mail came that it was sent by: NOT_SENT, SENT, DELIVERED, OPENED, or BOUNCED where it came back or was given up.';
comment on column reporting.invoices.viewed_at is 'When the client first saw it.';
comment on column reporting.invoices.voided_at is 'When it was voided, or when the draft was discarded.';
comment on column reporting.invoices.void_reason is 'Why it was voided.';
comment on column reporting.invoices.disputed_at is 'When the client disputed it; empty again when that was resolved.';
comment on column reporting.invoices.dispute_reason is 'Why the client disputes it.';
comment on column reporting.invoices.written_off_at is 'When the rest of it was given up.';
comment on column reporting.invoices.write_off_reason is 'Why it was given up.';
comment on column reporting.invoices.created_at is 'When it was entered.';
comment on column reporting.invoices.updated_at is 'When it last changed.';
comment on column reporting.invoices.payment_method_id is 'How the client had best pay it.';
grant select (id, series, number, status, client_id, issue_date, due_date, paid_date, currency, subtotal, discount, tax_rate, tax_amount, total, balance, paid_amount, credited, written_off, payment_count, partial_payment_count, last_payment_date, is_overdue, bill_from, bill_to, notes, terms, payment_link, template, branding, metadata, external_ref, issued_at, email_status, viewed_at, voided_at, void_reason, disputed_at, dispute_reason, written_off_at, write_off_reason, created_at, updated_at, payment_method_id) on reporting.invoices to countinghouse_analyst;

create view reporting.invoice_lines with (security_invoker = true) as
select
    thing.id as id,
    thing.position as position,
    thing.description::text as description,
    thing.quantity::numeric as quantity,
    round(thing.unit_price, 2) as unit_price,
    round(thing.discount, 2) as discount,
    thing.tax_rate::numeric as tax_rate,
    round(thing.amount, 2) as amount,
    thing.created_at as created_at,
    thing.invoice_id as invoice_id
from billing.invoice_lines as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.invoice_lines is 'One thing that an invoice charges for.';
comment on column reporting.invoice_lines.id is 'The row''s own uuid.';
comment on column reporting.invoice_lines.position is 'Its place on the invoice, from 1.';
comment on column reporting.invoice_lines.description is 'What is charged for: 1 to 2000 characters.';
comment on column reporting.invoice_lines.quantity is 'How many, or how much: three decimals at most.';
comment on column reporting.invoice_lines.unit_price is 'The price of one, before discount and tax.';
comment on column reporting.invoice_lines.discount is 'What is taken off the line.';
comment on column reporting.invoice_lines.tax_rate is 'The tax rate in percent; the invoice''s unless said otherwise.';
comment on column reporting.invoice_lines.amount is 'Quantity times unit price less discount, rounded half away from zero to two decimals.';
comment on column reporting.invoice_lines.created_at is 'When it was entered.';
comment on column reporting.invoice_lines.invoice_id is 'Its invoice.';
grant select (id, position, description, quantity, unit_price, discount, tax_rate, amount, created_at, invoice_id) on reporting.invoice_lines to countinghouse_analyst;

create view reporting.invoice_messages with (security_invoker = true) as
select
    thing.id as id,
    thing.status::text as status,
    thing.recipient::text as recipient,
    thing.subject::text as subject,
    thing.text::text as text,
    thing.attempts as attempts,
    thing.next_try_at as next_try_at,
    thing.sent_at as sent_at,
    thing.delivered_at as delivered_at,
    thing.opened_at as opened_at,
    thing.bounced_at as bounced_at,
    thing.bounce_reason::text as bounce_reason,
    thing.created_at as created_at,
    thing.updated_at as updated_at,
    thing.invoice_id as invoice_id
from billing.invoice_messages as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.invoice_messages is 'An e-mail by which an invoice was sent to its client, as it was written, and how far it came.';
comment on column reporting.invoice_messages.id is 'The row''s own uuid.';
comment on column reporting.invoice_messages.status is 'The first that holds: OPENED, BOUNCED (came back or was given up), DELIVERED, SENT (the mail server has it), WAITING.';
comment on column reporting.invoice_messages.recipient is 'The e-mail address that it goes to.';
comment on column reporting.invoice_messages.subject is 'Its subject.';
comment on column reporting.invoice_messages.text is 'What it says.';
comment on column reporting.invoice_messages.attempts is 'How often it was carried to the mail server: 30 times at most, for about a day.';
comment on column reporting.invoice_messages.next_try_at is 'While it waits: when it is carried to the mail server next.';
comment on column reporting.invoice_messages.sent_at is 'When the mail server took it.';
comment on column reporting.invoice_messages.delivered_at is 'When the recipient''s mail server took it, if that was told.';
comment on column reporting.invoice_messages.opened_at is 'When it was opened, if that was told.';
comment on column reporting.invoice_messages.bounced_at is 'When it came back, or was given up.';
comment on column reporting.invoice_messages.bounce_reason is 'Why it came back or was given up.';
comment on column reporting.invoice_messages.created_at is 'When it was written.';
comment on column reporting.invoice_messages.updated_at is 'When it last changed.';
comment on column reporting.invoice_messages.invoice_id is 'The invoice that it tells of.';
grant select (id, status, recipient, subject, text, attempts, next_try_at, sent_at, delivered_at, opened_at, bounced_at, bounce_reason, created_at, updated_at, invoice_id) on reporting.invoice_messages to countinghouse_analyst;

create view reporting.recurring_invoices with (security_invoker = true) as
select
    thing.id as id,
    thing.enabled as enabled,
    thing.status::text as status,
    thing.frequency::text as frequency,
    thing.next_date as next_date,
    thing.end_date as end_date,
    thing.pause_reason::text as pause_reason,
    thing.client_id as client_id,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from billing.recurring_invoices as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.recurring_invoices is 'An invoice that is made again in each of its periods, and issued at once.';
comment on column reporting.recurring_invoices.id is 'The row''s own uuid.';
comment on column reporting.recurring_invoices.enabled is 'Whether it is active.';
comment on column reporting.recurring_invoices.status is 'ACTIVE; PAUSED until it is set again, with the reason; ENDED after its last day, or when it was stopped.';
comment on column reporting.recurring_invoices.frequency is 'WEEKLY, MONTHLY, QUARTERLY or YEARLY.';
comment on column reporting.recurring_invoices.next_date is 'The day of the next invoice, in the organisation''s time zone; empty while it is not active.';
comment on column reporting.recurring_invoices.end_date is 'The last day on which a period may begin; empty for no end.';
comment on column reporting.recurring_invoices.pause_reason is 'Why it is paused.';
comment on column reporting.recurring_invoices.client_id is 'The client it is for.';
comment on column reporting.recurring_invoices.created_at is 'When it was first set.';
comment on column reporting.recurring_invoices.updated_at is 'When it last changed.';
grant select (id, enabled, status, frequency, next_date, end_date, pause_reason, client_id, created_at, updated_at) on reporting.recurring_invoices to countinghouse_analyst;

create view reporting.recurring_invoice_periods with (security_invoker = true) as
select
    thing.id as id,
    thing.period_date as period_date,
    thing.created_at as created_at,
    thing.recurring_invoice_id as recurring_invoice_id
from billing.recurring_invoice_periods as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.recurring_invoice_periods is 'A period of a recurring invoice, and the invoice that was made for it.';
comment on column reporting.recurring_invoice_periods.id is 'The row''s own uuid.';
comment on column reporting.recurring_invoice_periods.period_date is 'The first day of the period, which is the invoice''s date.';
comment on column reporting.recurring_invoice_periods.created_at is 'When the invoice was made.';
comment on column reporting.recurring_invoice_periods.recurring_invoice_id is 'The recurring invoice.';
grant select (id, period_date, created_at, recurring_invoice_id) on reporting.recurring_invoice_periods to countinghouse_analyst;

create view reporting.payment_methods with (security_invoker = true) as
select
    thing.id as id,
    thing.method_name::text as method_name,
    thing.display_name::text as display_name,
    thing.icon::text as icon,
    thing.category::text as category,
    thing.processing_minutes as processing_minutes,
    thing.is_active as is_active,
    thing.requires_reference as requires_reference,
    thing.metadata::jsonb as metadata,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from billing.payment_methods as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.payment_methods is 'A way in which clients pay, such as bank transfer or cash.';
comment on column reporting.payment_methods.id is 'The row''s own uuid.';
comment on column reporting.payment_methods.method_name is 'Its name in the API, such as BANK_TRANSFER; unique in the organisation.';
comment on column reporting.payment_methods.display_name is 'Its name for people.';
comment on column reporting.payment_methods.icon is 'The name or address of its picture.';
comment on column reporting.payment_methods.category is 'TRADITIONAL, MOBILE, CRYPTO or DIGITAL.';
comment on column reporting.payment_methods.processing_minutes is 'How many minutes a payment by it usually takes.';
comment on column reporting.payment_methods.is_active is 'Whether new payments may name it.';
comment on column reporting.payment_methods.requires_reference is 'Whether a payment by it must carry a reference, such as the bank''s.';
comment on column reporting.payment_methods.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.payment_methods.created_at is 'When it was entered.';
comment on column reporting.payment_methods.updated_at is 'When it last changed.';
grant select (id, method_name, display_name, icon, category, processing_minutes, is_active, requires_reference, metadata, created_at, updated_at) on reporting.payment_methods to countinghouse_analyst;

create view reporting.payments with (security_invoker = true) as
select
    thing.id as id,
    thing.status::text as status,
    thing.client_id as client_id,
    thing.method_id as method_id,
    round(thing.amount, 2) as amount,
    thing.currency::text as currency,
    thing.received_at as received_at,
    thing.received_on as received_on,
    thing.reference::text as reference,
    thing.request_id::text as request_id,
    thing.processing_time_ms as processing_time_ms,
    thing.failure_reason::text as failure_reason,
    thing.retry_count as retry_count,
    thing.last_retry_at as last_retry_at,
    thing.started_at as started_at,
    thing.confirmed_at as confirmed_at,
    thing.failed_at as failed_at,
    thing.reversed_at as reversed_at,
    thing.reversal_reason::text as reversal_reason,
    thing.is_reconciled as is_reconciled,
    thing.reconciled_at as reconciled_at,
    round(thing.applied_amount, 2) as applied_amount,
    round(thing.unapplied_amount, 2) as unapplied_amount,
    round(thing.refunded_amount, 2) as refunded_amount,
    thing.metadata::jsonb as metadata,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from billing.payments as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.payments is 'Money that a client pays. What is not allocated to invoices is the client''s credit.';
comment on column reporting.payments.id is 'The row''s own uuid.';
comment on column reporting.payments.status is 'The first that holds: REVERSED, REFUNDED (wholly), CONFIRMED, FAILED, PROCESSING, PENDING.';
comment on column reporting.payments.client_id is 'Who pays.';
comment on column reporting.payments.method_id is 'How it is paid: one of the organisation''s payment methods.';
comment on column reporting.payments.amount is 'How much; more than zero.';
comment on column reporting.payments.currency is 'The currency of the amount, by its ISO 4217 code; the client''s unless said otherwise.';
comment on column reporting.payments.received_at is 'When the money came, or is expected; now unless said otherwise.';
comment on column reporting.payments.received_on is 'The day of that in the organisation''s time zone, from which it counts in the ledger.';
comment on column reporting.payments.reference is 'What the payer or the bank calls it. Some methods require one.';
comment on column reporting.payments.request_id is 'The id by which the request for it is traced through other systems.';
comment on column reporting.payments.processing_time_ms is 'How many milliseconds its processing took: as given, else from its beginning, or the last retry, to its end.';
comment on column reporting.payments.failure_reason is 'Why it failed.';
comment on column reporting.payments.retry_count is 'How often it was tried again.';
comment on column reporting.payments.last_retry_at is 'When it was last tried again.';
comment on column reporting.payments.started_at is 'When its processing began, the last time where it was tried again.';
comment on column reporting.payments.confirmed_at is 'When the money was confirmed as received.';
comment on column reporting.payments.failed_at is 'When it failed; empty again while it is tried anew.';
comment on column reporting.payments.reversed_at is 'When it was taken back whole, as a bounced cheque is.';
comment on column reporting.payments.reversal_reason is 'Why it was taken back.';
comment on column reporting.payments.is_reconciled is 'Whether it was found on the bank''s own statement.';
comment on column reporting.payments.reconciled_at is 'When it was found on the bank''s own statement.';
comment on column reporting.payments.applied_amount is 'How much of it stands on invoices.';
comment on column reporting.payments.unapplied_amount is 'How much of it is the client''s credit: confirmed, not given back, and on no invoice.';
comment on column reporting.payments.refunded_amount is 'How much of it was given back.';
comment on column reporting.payments.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.payments.created_at is 'When it was entered.';
comment on column reporting.payments.updated_at is 'When it last changed.';
grant select (id, status, client_id, method_id, amount, currency, received_at, received_on, reference, request_id, processing_time_ms, failure_reason, retry_count, last_retry_at, started_at, confirmed_at, failed_at, reversed_at, reversal_reason, is_reconciled, reconciled_at, applied_amount, unapplied_amount, refunded_amount, metadata, created_at, updated_at) on reporting.payments to countinghouse_analyst;

create view reporting.payment_refunds with (security_invoker = true) as
select
    thing.id as id,
    round(thing.amount, 2) as amount,
    thing.refunded_on as refunded_on,
    thing.reason::text as reason,
    thing.reference::text as reference,
    thing.created_at as created_at,
    thing.payment_id as payment_id
from billing.payment_refunds as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.payment_refunds is 'Money of a payment that went back to the client. Never changed.';
comment on column reporting.payment_refunds.id is 'The row''s own uuid.';
comment on column reporting.payment_refunds.amount is 'How much went back.';
comment on column reporting.payment_refunds.refunded_on is 'The day on which it went back.';
comment on column reporting.payment_refunds.reason is 'Why: 1 to 2000 characters.';
comment on column reporting.payment_refunds.reference is 'What the bank calls it.';
comment on column reporting.payment_refunds.created_at is 'When it was entered.';
comment on column reporting.payment_refunds.payment_id is 'The payment.';
grant select (id, amount, refunded_on, reason, reference, created_at, payment_id) on reporting.payment_refunds to countinghouse_analyst;

create view reporting.credit_notes with (security_invoker = true) as
select
    thing.id as id,
    thing.number::text as number,
    thing.client_id as client_id,
    thing.invoice_id as invoice_id,
    thing.issue_date as issue_date,
    thing.currency::text as currency,
    thing.reason::text as reason,
    round(thing.subtotal, 2) as subtotal,
    round(thing.tax_amount, 2) as tax_amount,
    round(thing.total, 2) as total,
    round(thing.applied_amount, 2) as applied_amount,
    round(thing.unapplied_amount, 2) as unapplied_amount,
    thing.metadata::jsonb as metadata,
    thing.external_ref::text as external_ref,
    thing.issued_at as issued_at,
    thing.created_at as created_at
from billing.credit_notes as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.credit_notes is 'What is taken back of an issued invoice, or of what was charged elsewhere. Issued at once, and never changed.';
comment on column reporting.credit_notes.id is 'The row''s own uuid.';
comment on column reporting.credit_notes.number is 'Its number, such as CN-000007, without gaps in its series.';
comment on column reporting.credit_notes.client_id is 'Whose credit it is: the client of the invoice.';
comment on column reporting.credit_notes.invoice_id is 'The invoice that it corrects; empty where that is not in these books.';
comment on column reporting.credit_notes.issue_date is 'The day from which it counts; not before the invoice.';
comment on column reporting.credit_notes.currency is 'The currency of the invoice; without one, the client''s unless said otherwise.';
comment on column reporting.credit_notes.reason is 'Why: 1 to 2000 characters.';
comment on column reporting.credit_notes.subtotal is 'The sum of its lines before tax.';
comment on column reporting.credit_notes.tax_amount is 'The tax that is taken back.';
comment on column reporting.credit_notes.total is 'Subtotal and tax.';
comment on column reporting.credit_notes.applied_amount is 'How much of it stands on invoices.';
comment on column reporting.credit_notes.unapplied_amount is 'How much of it is the client''s credit.';
comment on column reporting.credit_notes.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.credit_notes.external_ref is 'Its id in another system; unique in the organisation.';
comment on column reporting.credit_notes.issued_at is 'When it was issued.';
comment on column reporting.credit_notes.created_at is 'When it was entered.';
grant select (id, number, client_id, invoice_id, issue_date, currency, reason, subtotal, tax_amount, total, applied_amount, unapplied_amount, metadata, external_ref, issued_at, created_at) on reporting.credit_notes to countinghouse_analyst;

create view reporting.credit_note_lines with (security_invoker = true) as
select
    thing.id as id,
    thing.position as position,
    thing.description::text as description,
    thing.quantity::numeric as quantity,
    round(thing.unit_price, 2) as unit_price,
    thing.tax_rate::numeric as tax_rate,
    round(thing.tax_amount, 2) as tax_amount,
    round(thing.amount, 2) as amount,
    thing.credit_note_id as credit_note_id
from billing.credit_note_lines as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.credit_note_lines is 'One thing that a credit note takes back.';
comment on column reporting.credit_note_lines.id is 'The row''s own uuid.';
comment on column reporting.credit_note_lines.position is 'Its place on the credit note, from 1.';
comment on column reporting.credit_note_lines.description is 'What is taken back: 1 to 2000 characters.';
comment on column reporting.credit_note_lines.quantity is 'How many, or how much: three decimals at most.';
comment on column reporting.credit_note_lines.unit_price is 'The price of one, before tax.';
comment on column reporting.credit_note_lines.tax_rate is 'The tax rate in percent that the invoice charged.';
comment on column reporting.credit_note_lines.tax_amount is 'Its tax: that of all lines of one rate is rounded once and falls on them by largest remainder.';
comment on column reporting.credit_note_lines.amount is 'Quantity times unit price, rounded half away from zero to two decimals.';
comment on column reporting.credit_note_lines.credit_note_id is 'Its credit note.';
grant select (id, position, description, quantity, unit_price, tax_rate, tax_amount, amount, credit_note_id) on reporting.credit_note_lines to countinghouse_analyst;

create view reporting.allocations with (security_invoker = true) as
select
    thing.id as id,
    thing.client_id as client_id,
    thing.invoice_id as invoice_id,
    thing.payment_id as payment_id,
    thing.credit_note_id as credit_note_id,
    round(thing.amount, 2) as amount,
    round(thing.refunded, 2) as refunded,
    round(thing.net, 2) as net,
    thing.effective_date as effective_date,
    thing.applied_at as applied_at,
    thing.released_at as released_at,
    thing.created_at as created_at
from billing.allocations as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.allocations is 'How much of a payment or of a credit note stands on an invoice.';
comment on column reporting.allocations.id is 'The row''s own uuid.';
comment on column reporting.allocations.client_id is 'Whose payment and invoice they are.';
comment on column reporting.allocations.invoice_id is 'The invoice.';
comment on column reporting.allocations.payment_id is 'The payment, where it is one that pays.';
comment on column reporting.allocations.credit_note_id is 'The credit note, where it is one that credits.';
comment on column reporting.allocations.amount is 'How much was allocated; of a payment that is not confirmed yet, how much is to be.';
comment on column reporting.allocations.refunded is 'How much of it a refund has given back since.';
comment on column reporting.allocations.net is 'How much of it stands on the invoice now.';
comment on column reporting.allocations.effective_date is 'The day from which it counts: not before the payment, nor before the invoice.';
comment on column reporting.allocations.applied_at is 'When it took effect; empty while its payment is not confirmed.';
comment on column reporting.allocations.released_at is 'When it was taken back; the money is the client''s credit again.';
comment on column reporting.allocations.created_at is 'When it was entered.';
grant select (id, client_id, invoice_id, payment_id, credit_note_id, amount, refunded, net, effective_date, applied_at, released_at, created_at) on reporting.allocations to countinghouse_analyst;

create view reporting.ageing with (security_invoker = true) as
select
    thing.client_id as client_id,
    thing.currency::text as currency,
    round(thing.not_due, 2) as not_due,
    round(thing.days_1_to_30, 2) as days_1_to_30,
    round(thing.days_31_to_60, 2) as days_31_to_60,
    round(thing.days_61_to_90, 2) as days_61_to_90,
    round(thing.over_90, 2) as over_90,
    round(thing.total, 2) as total,
    round(thing.unapplied, 2) as unapplied,
    thing.last_payment_date as last_payment_date
from billing.ageing(core.today()) as thing;
comment on view reporting.ageing is 'What each client owed at the end of a day, by how many days past due it was: one line for each client and currency. The five columns add up to the total, which is what the ledger says: receivable less credit. Payments and credit notes that stand on no invoice yet count as less than zero and age from their own day. What counts from a later day does not count.';
comment on column reporting.ageing.client_id is 'The client.';
comment on column reporting.ageing.currency is 'The currency of the line''s amounts.';
comment on column reporting.ageing.not_due is 'What is not past due: due on that day or later.';
comment on column reporting.ageing.days_1_to_30 is 'What is 1 to 30 days past due.';
comment on column reporting.ageing.days_31_to_60 is 'What is 31 to 60 days past due.';
comment on column reporting.ageing.days_61_to_90 is 'What is 61 to 90 days past due.';
comment on column reporting.ageing.over_90 is 'What is more than 90 days past due.';
comment on column reporting.ageing.total is 'The five together: what is to be paid of invoices, less what is unapplied. Below zero it is credit.';
comment on column reporting.ageing.unapplied is 'What the five hold of payments and credit notes that stand on no invoice: zero or less.';
comment on column reporting.ageing.last_payment_date is 'The day of the client''s last payment in this currency by then: confirmed and not given back.';
grant select (client_id, currency, not_due, days_1_to_30, days_31_to_60, days_61_to_90, over_90, total, unapplied, last_payment_date) on reporting.ageing to countinghouse_analyst;

create function reporting.ageing(as_of date default core.today()) returns table (
    client_id uuid,
    currency text,
    not_due numeric,
    days_1_to_30 numeric,
    days_31_to_60 numeric,
    days_61_to_90 numeric,
    over_90 numeric,
    total numeric,
    unapplied numeric,
    last_payment_date date
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.client_id,
        thing.currency::text,
        round(thing.not_due, 2),
        round(thing.days_1_to_30, 2),
        round(thing.days_31_to_60, 2),
        round(thing.days_61_to_90, 2),
        round(thing.over_90, 2),
        round(thing.total, 2),
        round(thing.unapplied, 2),
        thing.last_payment_date
    from billing.ageing(as_of) as thing
    order by thing.line
$$;
comment on function reporting.ageing(date) is 'What each client owed at the end of a day, by how many days past due it was: one line for each client and currency. The five columns add up to the total, which is what the ledger says: receivable less credit. Payments and credit notes that stand on no invoice yet count as less than zero and age from their own day. What counts from a later day does not count.';
grant execute on function reporting.ageing(date) to countinghouse_analyst;

create view reporting.ageing_totals with (security_invoker = true) as
select
    thing.currency::text as currency,
    thing.client_count as client_count,
    round(thing.not_due, 2) as not_due,
    round(thing.days_1_to_30, 2) as days_1_to_30,
    round(thing.days_31_to_60, 2) as days_31_to_60,
    round(thing.days_61_to_90, 2) as days_61_to_90,
    round(thing.over_90, 2) as over_90,
    round(thing.total, 2) as total,
    round(thing.unapplied, 2) as unapplied
from billing.ageing_totals(core.today()) as thing;
comment on view reporting.ageing_totals is 'The sums of ageing at the end of a day: one line for each currency.';
comment on column reporting.ageing_totals.currency is 'The currency of the line''s amounts.';
comment on column reporting.ageing_totals.client_count is 'How many clients the line is of.';
comment on column reporting.ageing_totals.not_due is 'What is not past due: due on that day or later.';
comment on column reporting.ageing_totals.days_1_to_30 is 'What is 1 to 30 days past due.';
comment on column reporting.ageing_totals.days_31_to_60 is 'What is 31 to 60 days past due.';
comment on column reporting.ageing_totals.days_61_to_90 is 'What is 61 to 90 days past due.';
comment on column reporting.ageing_totals.over_90 is 'What is more than 90 days past due.';
comment on column reporting.ageing_totals.total is 'The five together: what is to be paid of invoices, less what is unapplied. Below zero it is credit.';
comment on column reporting.ageing_totals.unapplied is 'What the five hold of payments and credit notes that stand on no invoice: zero or less.';
grant select (currency, client_count, not_due, days_1_to_30, days_31_to_60, days_61_to_90, over_90, total, unapplied) on reporting.ageing_totals to countinghouse_analyst;

create function reporting.ageing_totals(as_of date default core.today()) returns table (
    currency text,
    client_count bigint,
    not_due numeric,
    days_1_to_30 numeric,
    days_31_to_60 numeric,
    days_61_to_90 numeric,
    over_90 numeric,
    total numeric,
    unapplied numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.currency::text,
        thing.client_count,
        round(thing.not_due, 2),
        round(thing.days_1_to_30, 2),
        round(thing.days_31_to_60, 2),
        round(thing.days_61_to_90, 2),
        round(thing.over_90, 2),
        round(thing.total, 2),
        round(thing.unapplied, 2)
    from billing.ageing_totals(as_of) as thing
    order by thing.line
$$;
comment on function reporting.ageing_totals(date) is 'The sums of ageing at the end of a day: one line for each currency.';
grant execute on function reporting.ageing_totals(date) to countinghouse_analyst;

create view reporting.ageing_by_last_payment with (security_invoker = true) as
select
    thing.currency::text as currency,
    thing.last_payment::text as last_payment,
    thing.client_count as client_count,
    round(thing.total, 2) as total
from billing.ageing_by_last_payment(core.today()) as thing;
comment on view reporting.ageing_by_last_payment is 'What clients owed at the end of a day, by how many days ago each had paid last: one line for each currency and span of days. Clients who had never paid in that currency are NEVER.';
comment on column reporting.ageing_by_last_payment.currency is 'The currency of the line''s amounts.';
comment on column reporting.ageing_by_last_payment.last_payment is 'How many days before that day the clients had paid last.';
comment on column reporting.ageing_by_last_payment.client_count is 'How many clients the line is of.';
comment on column reporting.ageing_by_last_payment.total is 'What they owed together, less their credit.';
grant select (currency, last_payment, client_count, total) on reporting.ageing_by_last_payment to countinghouse_analyst;

create function reporting.ageing_by_last_payment(as_of date default core.today()) returns table (
    currency text,
    last_payment text,
    client_count bigint,
    total numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.currency::text,
        thing.last_payment::text,
        thing.client_count,
        round(thing.total, 2)
    from billing.ageing_by_last_payment(as_of) as thing
    order by thing.line
$$;
comment on function reporting.ageing_by_last_payment(date) is 'What clients owed at the end of a day, by how many days ago each had paid last: one line for each currency and span of days. Clients who had never paid in that currency are NEVER.';
grant execute on function reporting.ageing_by_last_payment(date) to countinghouse_analyst;

create view reporting.client_statement_lines with (security_invoker = true) as
select
    asked.id as client_id,
    thing.kind::text as kind,
    thing.effective_date as effective_date,
    thing.number::text as number,
    thing.description::text as description,
    thing.currency::text as currency,
    round(thing.amount, 2) as amount,
    round(thing.balance, 2) as balance,
    thing.invoice_id as invoice_id,
    thing.payment_id as payment_id,
    thing.credit_note_id as credit_note_id
from billing.clients as asked
cross join lateral billing.statement(asked.id, '1900-01-01'::date, core.today()) as thing
where asked.tenant_id = core.tenant_id() and asked.deleted_at is null;
comment on view reporting.client_statement_lines is 'A client''s statement of account from a day to another, in each of its currencies: what it owed before, then invoices, payments, credit notes, refunds, reversals, voids and write-offs in the order of their days, each with what it owed after, and what it owed in the end. Less than zero is the client''s credit.';
comment on column reporting.client_statement_lines.client_id is 'Whose it is: the id of a row of clients.';
comment on column reporting.client_statement_lines.kind is 'What the line tells.';
comment on column reporting.client_statement_lines.effective_date is 'The day from which it counts.';
comment on column reporting.client_statement_lines.number is 'The number of the invoice or credit note, or the reference of the payment.';
comment on column reporting.client_statement_lines.description is 'What happened, in words.';
comment on column reporting.client_statement_lines.currency is 'The currency of the line''s amounts.';
comment on column reporting.client_statement_lines.amount is 'By how much the client owes more; below zero, less. Empty for the balances at both ends.';
comment on column reporting.client_statement_lines.balance is 'What the client owes after it in this currency; below zero, its credit.';
comment on column reporting.client_statement_lines.invoice_id is 'The invoice, where it is of one.';
comment on column reporting.client_statement_lines.payment_id is 'The payment, where it is of one.';
comment on column reporting.client_statement_lines.credit_note_id is 'The credit note, where it is of one.';
grant select (client_id, kind, effective_date, number, description, currency, amount, balance, invoice_id, payment_id, credit_note_id) on reporting.client_statement_lines to countinghouse_analyst;

create function reporting.client_statement_lines(client uuid, first_day date default '1900-01-01'::date, last_day date default core.today()) returns table (
    kind text,
    effective_date date,
    number text,
    description text,
    currency text,
    amount numeric,
    balance numeric,
    invoice_id uuid,
    payment_id uuid,
    credit_note_id uuid
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.kind::text,
        thing.effective_date,
        thing.number::text,
        thing.description::text,
        thing.currency::text,
        round(thing.amount, 2),
        round(thing.balance, 2),
        thing.invoice_id,
        thing.payment_id,
        thing.credit_note_id
    from billing.statement(client, first_day, last_day) as thing
    order by thing.line
$$;
comment on function reporting.client_statement_lines(uuid, date, date) is 'A client''s statement of account from a day to another, in each of its currencies: what it owed before, then invoices, payments, credit notes, refunds, reversals, voids and write-offs in the order of their days, each with what it owed after, and what it owed in the end. Less than zero is the client''s credit.';
grant execute on function reporting.client_statement_lines(uuid, date, date) to countinghouse_analyst;

create view reporting.revenue_by_month with (security_invoker = true) as
select
    thing.month as month,
    thing.currency::text as currency,
    round(thing.billed, 2) as billed,
    round(thing.paid, 2) as paid,
    round(thing.cash, 2) as cash,
    round(thing.refunded, 2) as refunded,
    round(thing.credited, 2) as credited
from billing.revenue('1900-01-01'::date, core.today()) as thing;
comment on view reporting.revenue_by_month is 'What was billed, paid and received in each month and currency in which there was any, from the month of a day to the month of another. The three are different figures and need not agree.';
comment on column reporting.revenue_by_month.month is 'The first day of the month. Its days are days in the organisation''s time zone.';
comment on column reporting.revenue_by_month.currency is 'The currency of the line''s amounts.';
comment on column reporting.revenue_by_month.billed is 'The totals of the invoices issued under a day of the month, less those that are void.';
comment on column reporting.revenue_by_month.paid is 'The totals of the invoices of which nothing was left to pay from a day of the month on.';
comment on column reporting.revenue_by_month.cash is 'The confirmed payments received in the month, less those that were reversed since. Payments alone: credit notes do not count, and what was given back is told apart, as refunded.';
comment on column reporting.revenue_by_month.refunded is 'What was given back of payments in the month, whenever they were received.';
comment on column reporting.revenue_by_month.credited is 'The totals of the credit notes issued under a day of the month.';
grant select (month, currency, billed, paid, cash, refunded, credited) on reporting.revenue_by_month to countinghouse_analyst;

create function reporting.revenue_by_month(first_day date default '1900-01-01'::date, last_day date default core.today()) returns table (
    month date,
    currency text,
    billed numeric,
    paid numeric,
    cash numeric,
    refunded numeric,
    credited numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.month,
        thing.currency::text,
        round(thing.billed, 2),
        round(thing.paid, 2),
        round(thing.cash, 2),
        round(thing.refunded, 2),
        round(thing.credited, 2)
    from billing.revenue(first_day, last_day) as thing
    order by thing.line
$$;
comment on function reporting.revenue_by_month(date, date) is 'What was billed, paid and received in each month and currency in which there was any, from the month of a day to the month of another. The three are different figures and need not agree.';
grant execute on function reporting.revenue_by_month(date, date) to countinghouse_analyst;

create view reporting.collection_by_month with (security_invoker = true) as
select
    thing.month as month,
    thing.currency::text as currency,
    round(thing.billed, 2) as billed,
    round(thing.collected, 2) as collected,
    thing.collection_rate::numeric as collection_rate,
    round(thing.receivable, 2) as receivable,
    thing.days as days,
    thing.days_sales_outstanding::numeric as days_sales_outstanding
from billing.collections('1900-01-01'::date, core.today()) as thing;
comment on view reporting.collection_by_month is 'How well was collected in each month and currency in which anything was billed or received: what came in beside what was billed, and days sales outstanding.';
comment on column reporting.collection_by_month.month is 'The first day of the month. Its days are days in the organisation''s time zone.';
comment on column reporting.collection_by_month.currency is 'The currency of the line''s amounts.';
comment on column reporting.collection_by_month.billed is 'The totals of the invoices issued under a day of the month, less those that are void.';
comment on column reporting.collection_by_month.collected is 'The confirmed payments received in the month, less those that were reversed since. Payments alone: credit notes do not count, and what was given back is told apart, as refunded.';
comment on column reporting.collection_by_month.collection_rate is 'Collected divided by billed, to four decimals; empty where nothing was billed.';
comment on column reporting.collection_by_month.receivable is 'What was to be paid of invoices at the end of the month, or of today in the running one. Unapplied payments are not taken off.';
comment on column reporting.collection_by_month.days is 'How many days the month has; of the running one, up to today.';
comment on column reporting.collection_by_month.days_sales_outstanding is 'Receivable at the end ÷ billed in the month × its days, to two decimals; empty where nothing was billed. The standard formula of the Credit Research Foundation, with the month as its period.';
grant select (month, currency, billed, collected, collection_rate, receivable, days, days_sales_outstanding) on reporting.collection_by_month to countinghouse_analyst;

create function reporting.collection_by_month(first_day date default '1900-01-01'::date, last_day date default core.today()) returns table (
    month date,
    currency text,
    billed numeric,
    collected numeric,
    collection_rate numeric,
    receivable numeric,
    days bigint,
    days_sales_outstanding numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.month,
        thing.currency::text,
        round(thing.billed, 2),
        round(thing.collected, 2),
        thing.collection_rate::numeric,
        round(thing.receivable, 2),
        thing.days,
        thing.days_sales_outstanding::numeric
    from billing.collections(first_day, last_day) as thing
    order by thing.line
$$;
comment on function reporting.collection_by_month(date, date) is 'How well was collected in each month and currency in which anything was billed or received: what came in beside what was billed, and days sales outstanding.';
grant execute on function reporting.collection_by_month(date, date) to countinghouse_analyst;

create view reporting.processing_times with (security_invoker = true) as
select
    thing.method_id as method_id,
    thing.payment_count as payment_count,
    thing.failed_count as failed_count,
    thing.p50::numeric as p50,
    thing.p95::numeric as p95,
    thing.p99::numeric as p99
from billing.processing_times('1900-01-01'::date, core.today()) as thing;
comment on view reporting.processing_times is 'How long payments of each method took from beginning to end, those of a span of days, whether they were confirmed or failed. Percentiles are continuous (percentile_cont): between two payments they lie in proportion.';
comment on column reporting.processing_times.method_id is 'The payment method.';
comment on column reporting.processing_times.payment_count is 'How many payments were measured.';
comment on column reporting.processing_times.failed_count is 'How many of them failed and were not tried again.';
comment on column reporting.processing_times.p50 is 'The milliseconds that half of them took at most: the median.';
comment on column reporting.processing_times.p95 is 'The milliseconds that 95 in 100 of them took at most.';
comment on column reporting.processing_times.p99 is 'The milliseconds that 99 in 100 of them took at most.';
grant select (method_id, payment_count, failed_count, p50, p95, p99) on reporting.processing_times to countinghouse_analyst;

create function reporting.processing_times(first_day date default '1900-01-01'::date, last_day date default core.today()) returns table (
    method_id uuid,
    payment_count bigint,
    failed_count bigint,
    p50 numeric,
    p95 numeric,
    p99 numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.method_id,
        thing.payment_count,
        thing.failed_count,
        thing.p50::numeric,
        thing.p95::numeric,
        thing.p99::numeric
    from billing.processing_times(first_day, last_day) as thing
    order by thing.line
$$;
comment on function reporting.processing_times(date, date) is 'How long payments of each method took from beginning to end, those of a span of days, whether they were confirmed or failed. Percentiles are continuous (percentile_cont): between two payments they lie in proportion.';
grant execute on function reporting.processing_times(date, date) to countinghouse_analyst;

create view reporting.vendors with (security_invoker = true) as
select
    thing.id as id,
    thing.vendor_code::text as vendor_code,
    thing.name::text as name,
    thing.contact::text as contact,
    thing.email::text as email,
    thing.phone::text as phone,
    thing.address::text as address,
    thing.currency::text as currency,
    thing.is_approved as is_approved,
    thing.suspension_reason::text as suspension_reason,
    round(thing.credit_limit, 2) as credit_limit,
    round(thing.total_sales, 2) as total_sales,
    thing.metadata::jsonb as metadata,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from trade.vendors as thing
where thing.tenant_id = core.tenant_id() and thing.deleted_at is null;
comment on view reporting.vendors is 'Who sells to the organisation''s retailers on credit.';
comment on column reporting.vendors.id is 'The row''s own uuid.';
comment on column reporting.vendors.vendor_code is 'Its short name, such as V-017; unique in the organisation.';
comment on column reporting.vendors.name is 'The vendor''s name: 1 to 200 characters.';
comment on column reporting.vendors.contact is 'Whom to ask for there.';
comment on column reporting.vendors.email is 'E-mail address.';
comment on column reporting.vendors.phone is 'Telephone number.';
comment on column reporting.vendors.address is 'Street, number and town.';
comment on column reporting.vendors.currency is 'The currency of its prices and lines, by its ISO 4217 code; the organisation''s unless said otherwise.';
comment on column reporting.vendors.is_approved is 'Whether new orders may be placed with it, and retailers see its catalogue.';
comment on column reporting.vendors.suspension_reason is 'Why it was suspended; empty while it is approved, and before it first was.';
comment on column reporting.vendors.credit_limit is 'The limit of a new credit line with it, unless the line is given another.';
comment on column reporting.vendors.total_sales is 'All that was delivered of it, without tax, less what came back: the balance of its sales account.';
comment on column reporting.vendors.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.vendors.created_at is 'When it was entered.';
comment on column reporting.vendors.updated_at is 'When it last changed.';
grant select (id, vendor_code, name, contact, email, phone, address, currency, is_approved, suspension_reason, credit_limit, total_sales, metadata, created_at, updated_at) on reporting.vendors to countinghouse_analyst;

create view reporting.retailers with (security_invoker = true) as
select
    thing.id as id,
    thing.retailer_code::text as retailer_code,
    thing.name::text as name,
    thing.phone::text as phone,
    thing.email::text as email,
    thing.address::text as address,
    thing.currency::text as currency,
    thing.credit_score as credit_score,
    thing.risk_category::text as risk_category,
    thing.last_order_at as last_order_at,
    round(thing.outstanding_debt, 2) as outstanding_debt,
    round(thing.available_credit, 2) as available_credit,
    thing.metadata::jsonb as metadata,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from trade.retailers as thing
where thing.tenant_id = core.tenant_id() and thing.deleted_at is null;
comment on view reporting.retailers is 'Who buys from vendors on credit.';
comment on column reporting.retailers.id is 'The row''s own uuid.';
comment on column reporting.retailers.retailer_code is 'Its short name, such as R-0042; unique in the organisation.';
comment on column reporting.retailers.name is 'The retailer''s name: 1 to 200 characters.';
comment on column reporting.retailers.phone is 'Telephone number in the form +254712345678 (E.164), by which its messages are known.';
comment on column reporting.retailers.email is 'E-mail address.';
comment on column reporting.retailers.address is 'Street, number and town.';
comment on column reporting.retailers.currency is 'The currency of its lines, by its ISO 4217 code; the organisation''s unless said otherwise.';
comment on column reporting.retailers.credit_score is 'How well it pays, from 300 to 900, reckoned each night; 600 until then.';
comment on column reporting.retailers.risk_category is 'HIGH below a score of 550, MEDIUM below 700, else LOW.';
comment on column reporting.retailers.last_order_at is 'When it last placed an order; empty before the first.';
comment on column reporting.retailers.outstanding_debt is 'What it owes on all its lines together; negative where it has paid too much.';
comment on column reporting.retailers.available_credit is 'What its active lines still have room for: limits less debt and less what placed orders hold.';
comment on column reporting.retailers.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.retailers.created_at is 'When it was entered.';
comment on column reporting.retailers.updated_at is 'When it last changed.';
grant select (id, retailer_code, name, phone, email, address, currency, credit_score, risk_category, last_order_at, outstanding_debt, available_credit, metadata, created_at, updated_at) on reporting.retailers to countinghouse_analyst;

create view reporting.credit_lines with (security_invoker = true) as
select
    thing.id as id,
    thing.retailer_id as retailer_id,
    thing.vendor_id as vendor_id,
    thing.currency::text as currency,
    thing.terms_days as terms_days,
    thing.state::text as state,
    thing.state_reason::text as state_reason,
    round(thing.credit_limit, 2) as credit_limit,
    round(thing.debt, 2) as debt,
    round(thing.held, 2) as held,
    round(thing.available, 2) as available,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from trade.credit_lines as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.credit_lines is 'How much a retailer may owe a vendor at most, and within how many days it pays.';
comment on column reporting.credit_lines.id is 'The row''s own uuid.';
comment on column reporting.credit_lines.retailer_id is 'Who buys on it.';
comment on column reporting.credit_lines.vendor_id is 'Who sells on it.';
comment on column reporting.credit_lines.currency is 'The currency of the line: the retailer''s and the vendor''s.';
comment on column reporting.credit_lines.terms_days is 'How many days after delivery an order is due: 0 to 365.';
comment on column reporting.credit_lines.state is 'ACTIVE; SUSPENDED while no new orders may be placed on it.';
comment on column reporting.credit_lines.state_reason is 'Why it was suspended.';
comment on column reporting.credit_lines.credit_limit is 'What debt and holds may come to together.';
comment on column reporting.credit_lines.debt is 'What the retailer owes: the balance of its account. Negative where it has paid too much.';
comment on column reporting.credit_lines.held is 'What orders hold that are placed and not delivered.';
comment on column reporting.credit_lines.available is 'What there is room for: the limit less debt and holds.';
comment on column reporting.credit_lines.created_at is 'When it was opened.';
comment on column reporting.credit_lines.updated_at is 'When it last changed.';
grant select (id, retailer_id, vendor_id, currency, terms_days, state, state_reason, credit_limit, debt, held, available, created_at, updated_at) on reporting.credit_lines to countinghouse_analyst;

create view reporting.products with (security_invoker = true) as
select
    thing.id as id,
    thing.product_code::text as product_code,
    thing.name::text as name,
    thing.hsn_code::text as hsn_code,
    thing.barcode::text as barcode,
    thing.category::text as category,
    thing.sub_category::text as sub_category,
    thing.tax_rate::numeric as tax_rate,
    thing.is_active as is_active,
    thing.metadata::jsonb as metadata,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from trade.products as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.products is 'Something that vendors sell.';
comment on column reporting.products.id is 'The row''s own uuid.';
comment on column reporting.products.product_code is 'Its short name, such as RICE-5KG; unique in the organisation.';
comment on column reporting.products.name is 'The product''s name: 1 to 200 characters.';
comment on column reporting.products.hsn_code is 'Its tax class: 4 to 8 digits of the Harmonized System.';
comment on column reporting.products.barcode is 'What a scanner reads, such as an EAN.';
comment on column reporting.products.category is 'What kind of product it is; empty for none.';
comment on column reporting.products.sub_category is 'What kind within the category; empty for none.';
comment on column reporting.products.tax_rate is 'Tax in per cent, with at most two decimals.';
comment on column reporting.products.is_active is 'Whether it can be ordered and is found by a search.';
comment on column reporting.products.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.products.created_at is 'When it was entered.';
comment on column reporting.products.updated_at is 'When it last changed.';
grant select (id, product_code, name, hsn_code, barcode, category, sub_category, tax_rate, is_active, metadata, created_at, updated_at) on reporting.products to countinghouse_analyst;

create view reporting.vendor_products with (security_invoker = true) as
select
    thing.id as id,
    thing.vendor_id as vendor_id,
    thing.product_id as product_id,
    thing.sku::text as sku,
    round(thing.vendor_price, 2) as vendor_price,
    thing.currency::text as currency,
    thing.stock as stock,
    thing.reserved as reserved,
    thing.free_stock as free_stock,
    thing.low_stock_level as low_stock_level,
    thing.is_low as is_low,
    thing.is_available as is_available,
    thing.vendor_is_approved as vendor_is_approved,
    thing.stocked_at as stocked_at,
    thing.stock_note::text as stock_note,
    thing.metadata::jsonb as metadata,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from trade.vendor_products as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.vendor_products is 'What a vendor asks for a product, and how much of it there is.';
comment on column reporting.vendor_products.id is 'The row''s own uuid.';
comment on column reporting.vendor_products.vendor_id is 'Who sells.';
comment on column reporting.vendor_products.product_id is 'What is sold.';
comment on column reporting.vendor_products.sku is 'The vendor''s own number for it; unique with the vendor.';
comment on column reporting.vendor_products.vendor_price is 'What one unit costs, without tax.';
comment on column reporting.vendor_products.currency is 'The vendor''s currency.';
comment on column reporting.vendor_products.stock is 'How many units are there, those included that are kept for orders.';
comment on column reporting.vendor_products.reserved is 'How many of them are kept for orders that are placed and not shipped.';
comment on column reporting.vendor_products.free_stock is 'How many units can be ordered: the stock less what is reserved.';
comment on column reporting.vendor_products.low_stock_level is 'From how few free units on the stock counts as low.';
comment on column reporting.vendor_products.is_low is 'Whether no more units are free than the low level.';
comment on column reporting.vendor_products.is_available is 'Whether it can be ordered.';
comment on column reporting.vendor_products.vendor_is_approved is 'Whether the vendor is approved: retailers see it only then.';
comment on column reporting.vendor_products.stocked_at is 'When stock was last received or adjusted; the audit log has the earlier times.';
comment on column reporting.vendor_products.stock_note is 'What was said of it then: a note on what came, or why it was adjusted.';
comment on column reporting.vendor_products.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.vendor_products.created_at is 'When it was entered.';
comment on column reporting.vendor_products.updated_at is 'When it last changed.';
grant select (id, vendor_id, product_id, sku, vendor_price, currency, stock, reserved, free_stock, low_stock_level, is_low, is_available, vendor_is_approved, stocked_at, stock_note, metadata, created_at, updated_at) on reporting.vendor_products to countinghouse_analyst;

create view reporting.orders with (security_invoker = true) as
select
    thing.id as id,
    thing.order_number::text as order_number,
    thing.invoice_number::text as invoice_number,
    thing.retailer_id as retailer_id,
    thing.vendor_id as vendor_id,
    thing.credit_line_id as credit_line_id,
    thing.retailer_name::text as retailer_name,
    thing.vendor_name::text as vendor_name,
    thing.status::text as status,
    thing.payment_status::text as payment_status,
    thing.currency::text as currency,
    round(thing.subtotal, 2) as subtotal,
    round(thing.tax, 2) as tax,
    round(thing.total, 2) as total,
    round(thing.prepaid, 2) as prepaid,
    round(thing.credit_used, 2) as credit_used,
    round(thing.delivered_subtotal, 2) as delivered_subtotal,
    round(thing.delivered_tax, 2) as delivered_tax,
    round(thing.charged, 2) as charged,
    round(thing.returned_total, 2) as returned_total,
    round(thing.paid_amount, 2) as paid_amount,
    round(thing.open_amount, 2) as open_amount,
    thing.placed_at as placed_at,
    thing.confirmed_at as confirmed_at,
    thing.shipped_at as shipped_at,
    thing.delivered_at as delivered_at,
    thing.due_date as due_date,
    thing.returned_at as returned_at,
    thing.cancelled_at as cancelled_at,
    thing.cancel_reason::text as cancel_reason,
    thing.expires_at as expires_at,
    thing.metadata::jsonb as metadata,
    thing.created_at as created_at,
    thing.updated_at as updated_at,
    thing.archived_at as archived_at
from trade.all_orders as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.orders is 'What a retailer buys of a vendor on their credit line, from draft to delivery and return.';
comment on column reporting.orders.id is 'The row''s own uuid.';
comment on column reporting.orders.order_number is 'Its number, such as ORD-000042: given when it is entered.';
comment on column reporting.orders.invoice_number is 'The number of its invoice, such as TI-000017: given at delivery, without gaps.';
comment on column reporting.orders.retailer_id is 'Who buys.';
comment on column reporting.orders.vendor_id is 'Who sells.';
comment on column reporting.orders.credit_line_id is 'The credit line of both that it is bought on.';
comment on column reporting.orders.retailer_name is 'The retailer''s name as it was when the order was placed; of a draft, when it was entered.';
comment on column reporting.orders.vendor_name is 'The vendor''s name as it was when the order was placed; of a draft, when it was entered.';
comment on column reporting.orders.status is 'DRAFT, PLACED, CONFIRMED, SHIPPED (in part, too: the items say how much), DELIVERED, CANCELLED, RETURNED (all of it), EXPIRED.';
comment on column reporting.orders.payment_status is 'PAID once it is delivered and nothing of it is to be paid any more, PARTIAL where some is paid or was beforehand, else UNPAID.';
comment on column reporting.orders.currency is 'The currency of all its amounts: the credit line''s.';
comment on column reporting.orders.subtotal is 'The sum of its items'' amounts, without tax.';
comment on column reporting.orders.tax is 'The sum of its items'' tax.';
comment on column reporting.orders.total is 'Subtotal and tax.';
comment on column reporting.orders.prepaid is 'What the retailer has paid beforehand, so that it is not bought on credit.';
comment on column reporting.orders.credit_used is 'What it needs of the credit line: the total less what was paid beforehand.';
comment on column reporting.orders.delivered_subtotal is 'What was delivered of it, without tax; nothing before its delivery.';
comment on column reporting.orders.delivered_tax is 'The tax on what was delivered.';
comment on column reporting.orders.charged is 'What its delivery added to the retailer''s debt: what was delivered, with tax, less what was paid beforehand.';
comment on column reporting.orders.returned_total is 'What came back of it, with tax: so much less the retailer owes.';
comment on column reporting.orders.paid_amount is 'What payments have paid of it since.';
comment on column reporting.orders.open_amount is 'What is still to be paid: what was charged less what came back and what was paid. Below zero where it came back after it was paid.';
comment on column reporting.orders.placed_at is 'When it was placed.';
comment on column reporting.orders.confirmed_at is 'When the vendor confirmed it.';
comment on column reporting.orders.shipped_at is 'When the first of it was shipped.';
comment on column reporting.orders.delivered_at is 'When it was delivered.';
comment on column reporting.orders.due_date is 'The day by which it is to be paid: so many days after delivery as the line''s terms say.';
comment on column reporting.orders.returned_at is 'When the last of it came back.';
comment on column reporting.orders.cancelled_at is 'When it was cancelled.';
comment on column reporting.orders.cancel_reason is 'Why it was cancelled: 1 to 500 characters.';
comment on column reporting.orders.expires_at is 'When it expires unless it is confirmed: seven days after its placing was entered.';
comment on column reporting.orders.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.orders.created_at is 'When it was entered.';
comment on column reporting.orders.updated_at is 'When it last changed.';
comment on column reporting.orders.archived_at is 'When it was moved to the archive, two years after it last changed: it is read there, and changes no more. Empty for all others.';
grant select (id, order_number, invoice_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, status, payment_status, currency, subtotal, tax, total, prepaid, credit_used, delivered_subtotal, delivered_tax, charged, returned_total, paid_amount, open_amount, placed_at, confirmed_at, shipped_at, delivered_at, due_date, returned_at, cancelled_at, cancel_reason, expires_at, metadata, created_at, updated_at, archived_at) on reporting.orders to countinghouse_analyst;

create view reporting.order_items with (security_invoker = true) as
select
    thing.id as id,
    thing.position as position,
    thing.vendor_product_id as vendor_product_id,
    thing.product_name::text as product_name,
    thing.product_sku::text as product_sku,
    round(thing.unit_price, 2) as unit_price,
    thing.tax_rate::numeric as tax_rate,
    thing.quantity as quantity,
    thing.quantity_shipped as quantity_shipped,
    thing.quantity_returned as quantity_returned,
    thing.reserved as reserved,
    round(thing.amount, 2) as amount,
    round(thing.tax_amount, 2) as tax_amount,
    thing.created_at as created_at,
    thing.updated_at as updated_at,
    thing.current_order_id as current_order_id
from trade.all_order_items as thing
where thing.tenant_id = core.tenant_id() and thing.replaced_at is null;
comment on view reporting.order_items is 'So many units of a vendor''s product on an order, at the price that they had.';
comment on column reporting.order_items.id is 'The row''s own uuid.';
comment on column reporting.order_items.position is 'Its place on the order, from 1.';
comment on column reporting.order_items.vendor_product_id is 'The vendor''s product that is bought.';
comment on column reporting.order_items.product_name is 'The product''s name as it was when the item was entered.';
comment on column reporting.order_items.product_sku is 'The vendor''s number for it as it was then.';
comment on column reporting.order_items.unit_price is 'What one unit cost then, without tax.';
comment on column reporting.order_items.tax_rate is 'The product''s tax rate then, in per cent.';
comment on column reporting.order_items.quantity is 'How many units are ordered.';
comment on column reporting.order_items.quantity_shipped is 'How many of them were shipped.';
comment on column reporting.order_items.quantity_returned is 'How many of those came back.';
comment on column reporting.order_items.reserved is 'How many units are kept in stock for it: those that are placed and not shipped.';
comment on column reporting.order_items.amount is 'Quantity times price, without tax, rounded half away from zero to two decimals.';
comment on column reporting.order_items.tax_amount is 'The tax on the amount, rounded for each item.';
comment on column reporting.order_items.created_at is 'When it was entered.';
comment on column reporting.order_items.updated_at is 'When it last changed.';
comment on column reporting.order_items.current_order_id is 'Its order while it counts; empty once it is replaced.';
grant select (id, position, vendor_product_id, product_name, product_sku, unit_price, tax_rate, quantity, quantity_shipped, quantity_returned, reserved, amount, tax_amount, created_at, updated_at, current_order_id) on reporting.order_items to countinghouse_analyst;

create view reporting.credit_ledger with (security_invoker = true) as
select
    thing.id as id,
    thing.ledger_number as ledger_number,
    thing.transaction_type::text as transaction_type,
    thing.credit_line_id as credit_line_id,
    thing.retailer_id as retailer_id,
    thing.vendor_id as vendor_id,
    thing.order_id as order_id,
    thing.effective_date as effective_date,
    thing.due_date as due_date,
    thing.currency::text as currency,
    round(thing.previous_balance, 2) as previous_balance,
    round(thing.amount, 2) as amount,
    round(thing.running_balance, 2) as running_balance,
    thing.description::text as description,
    thing.reverses_id as reverses_id,
    ((select c.id from trade.credit_entries c where c.tenant_id = thing.tenant_id and c.reverses_id = thing.id)) as reversal_ledger_id,
    (exists (select from trade.credit_entries c where c.tenant_id = thing.tenant_id and c.reverses_id = thing.id)) as is_reversed,
    thing.created_at as created_at
from trade.credit_entries as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.credit_ledger is 'What raised or lowered the debt of a credit line, each with the debt before and after it.';
comment on column reporting.credit_ledger.id is 'The row''s own uuid.';
comment on column reporting.credit_ledger.ledger_number is 'Its place among the entries of the line, from 1 and without a gap.';
comment on column reporting.credit_ledger.transaction_type is 'ORDER_CREDIT and ADJUSTMENT_CREDIT raise the debt; PAYMENT_DEBIT, RETURN_DEBIT, ADJUSTMENT_DEBIT and WRITE_OFF lower it.';
comment on column reporting.credit_ledger.credit_line_id is 'The credit line.';
comment on column reporting.credit_ledger.retailer_id is 'The retailer, who owes.';
comment on column reporting.credit_ledger.vendor_id is 'The vendor, who is owed.';
comment on column reporting.credit_ledger.order_id is 'The order, where it is of one.';
comment on column reporting.credit_ledger.effective_date is 'The day from which it counts.';
comment on column reporting.credit_ledger.due_date is 'The day by which it is to be paid, where it is an order''s.';
comment on column reporting.credit_ledger.currency is 'The currency of the line.';
comment on column reporting.credit_ledger.previous_balance is 'The debt of the line before it.';
comment on column reporting.credit_ledger.amount is 'By how much the debt rose or fell: always above zero.';
comment on column reporting.credit_ledger.running_balance is 'The debt of the line with it; below zero where the retailer has paid too much.';
comment on column reporting.credit_ledger.description is 'What it was, in words.';
comment on column reporting.credit_ledger.reverses_id is 'The entry that it takes back.';
comment on column reporting.credit_ledger.reversal_ledger_id is 'The entry that takes it back; empty where none does.';
comment on column reporting.credit_ledger.is_reversed is 'Whether an entry takes it back.';
comment on column reporting.credit_ledger.created_at is 'When it was posted.';
grant select (id, ledger_number, transaction_type, credit_line_id, retailer_id, vendor_id, order_id, effective_date, due_date, currency, previous_balance, amount, running_balance, description, reverses_id, reversal_ledger_id, is_reversed, created_at) on reporting.credit_ledger to countinghouse_analyst;

create view reporting.retailer_payments with (security_invoker = true) as
select
    thing.id as id,
    thing.payment_number::text as payment_number,
    thing.retailer_id as retailer_id,
    thing.vendor_id as vendor_id,
    thing.credit_line_id as credit_line_id,
    thing.method_id as method_id,
    thing.transaction_id::text as transaction_id,
    round(thing.amount, 2) as amount,
    thing.currency::text as currency,
    thing.received_at as received_at,
    thing.cheque_state::text as cheque_state,
    thing.cheque_reason::text as cheque_reason,
    thing.reverses_id as reverses_id,
    thing.reversal_reason::text as reversal_reason,
    thing.is_reversed as is_reversed,
    thing.is_effective as is_effective,
    thing.metadata::jsonb as metadata,
    thing.created_at as created_at,
    thing.updated_at as updated_at
from trade.retailer_payments as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.retailer_payments is 'Money that a retailer pays for what it owes a vendor, or a payment taken back.';
comment on column reporting.retailer_payments.id is 'The row''s own uuid.';
comment on column reporting.retailer_payments.payment_number is 'Its number, such as RP-000001.';
comment on column reporting.retailer_payments.retailer_id is 'Who pays.';
comment on column reporting.retailer_payments.vendor_id is 'Whom it is owed.';
comment on column reporting.retailer_payments.credit_line_id is 'The line whose debt it lowers.';
comment on column reporting.retailer_payments.method_id is 'How it is paid: one of the organisation''s payment methods.';
comment on column reporting.retailer_payments.transaction_id is 'Its reference with the bank or the mobile network; unique with the method.';
comment on column reporting.retailer_payments.amount is 'How much.';
comment on column reporting.retailer_payments.currency is 'The currency of the line.';
comment on column reporting.retailer_payments.received_at is 'When it was received. From that day on it counts in the ledger, a cheque from the day it is cleared.';
comment on column reporting.retailer_payments.cheque_state is 'Of a cheque: PENDING until it is CLEARED, or BOUNCED.';
comment on column reporting.retailer_payments.cheque_reason is 'Why it bounced.';
comment on column reporting.retailer_payments.reverses_id is 'The payment that it takes back, whole.';
comment on column reporting.retailer_payments.reversal_reason is 'Why that was taken back.';
comment on column reporting.retailer_payments.is_reversed is 'Whether it was taken back.';
comment on column reporting.retailer_payments.is_effective is 'Whether it pays: received, cleared where it is a cheque, and not taken back.';
comment on column reporting.retailer_payments.metadata is 'Facts of your own, as a JSON object.';
comment on column reporting.retailer_payments.created_at is 'When it was entered.';
comment on column reporting.retailer_payments.updated_at is 'When it last changed.';
grant select (id, payment_number, retailer_id, vendor_id, credit_line_id, method_id, transaction_id, amount, currency, received_at, cheque_state, cheque_reason, reverses_id, reversal_reason, is_reversed, is_effective, metadata, created_at, updated_at) on reporting.retailer_payments to countinghouse_analyst;

create view reporting.retailer_payment_allocations with (security_invoker = true) as
select
    thing.id as id,
    thing.payment_id as payment_id,
    thing.order_id as order_id,
    round(thing.amount, 2) as amount,
    thing.created_at as created_at
from trade.retailer_payment_allocations as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.retailer_payment_allocations is 'The part of a retailer''s payment that pays an order.';
comment on column reporting.retailer_payment_allocations.id is 'The row''s own uuid.';
comment on column reporting.retailer_payment_allocations.payment_id is 'The payment.';
comment on column reporting.retailer_payment_allocations.order_id is 'The order that it pays.';
comment on column reporting.retailer_payment_allocations.amount is 'How much of the payment.';
comment on column reporting.retailer_payment_allocations.created_at is 'When it was allocated.';
grant select (id, payment_id, order_id, amount, created_at) on reporting.retailer_payment_allocations to countinghouse_analyst;

create view reporting.credit_adjustments with (security_invoker = true) as
select
    thing.id as id,
    thing.credit_line_id as credit_line_id,
    thing.retailer_id as retailer_id,
    thing.vendor_id as vendor_id,
    thing.kind::text as kind,
    round(thing.amount, 2) as amount,
    thing.currency::text as currency,
    thing.reason::text as reason,
    thing.state::text as state,
    thing.decided_at as decided_at,
    thing.decided_by as decided_by,
    thing.created_at as created_at,
    thing.created_by as created_by
from trade.credit_adjustments as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.credit_adjustments is 'A change of a line''s debt that is no order''s and no payment''s, asked for by one person and decided by another.';
comment on column reporting.credit_adjustments.id is 'The row''s own uuid.';
comment on column reporting.credit_adjustments.credit_line_id is 'The line.';
comment on column reporting.credit_adjustments.retailer_id is 'Who owes.';
comment on column reporting.credit_adjustments.vendor_id is 'Whom it is owed.';
comment on column reporting.credit_adjustments.kind is 'CREDIT raises the debt, DEBIT lowers it, WRITE_OFF lowers it because it will not be paid.';
comment on column reporting.credit_adjustments.amount is 'By how much.';
comment on column reporting.credit_adjustments.currency is 'The currency of the line.';
comment on column reporting.credit_adjustments.reason is 'Why, in 1 to 500 characters.';
comment on column reporting.credit_adjustments.state is 'REQUESTED until another person has APPROVED or DECLINED it.';
comment on column reporting.credit_adjustments.decided_at is 'When it was decided.';
comment on column reporting.credit_adjustments.decided_by is 'Who decided.';
comment on column reporting.credit_adjustments.created_at is 'When it was asked for.';
comment on column reporting.credit_adjustments.created_by is 'Who asked for it.';
grant select (id, credit_line_id, retailer_id, vendor_id, kind, amount, currency, reason, state, decided_at, decided_by, created_at, created_by) on reporting.credit_adjustments to countinghouse_analyst;

create view reporting.messages with (security_invoker = true) as
select
    thing.id as id,
    thing.message_id::text as message_id,
    thing.conversation_id::text as conversation_id,
    thing.from_number::text as from_number,
    thing.to_number::text as to_number,
    thing.direction::text as direction,
    (coalesce(thing.body, ( select pack.bodies[thing.pack_place] from trade.message_packs as pack where pack.tenant_id = thing.tenant_id and pack.id = thing.pack_id )))::text as body,
    thing.media::jsonb as media,
    thing.sent_at as sent_at,
    thing.is_processed as is_processed,
    thing.processed_at as processed_at,
    thing.outcome::text as outcome,
    thing.outcome_text::text as outcome_text,
    thing.retailer_id as retailer_id,
    thing.order_id as order_id,
    thing.created_at as created_at
from trade.messages as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.messages is 'What somebody wrote to the organisation at a messenger (WhatsApp), or it to them.';
comment on column reporting.messages.id is 'The row''s own uuid.';
comment on column reporting.messages.message_id is 'Its id at the messenger, by which it is taken once.';
comment on column reporting.messages.conversation_id is 'With whom: the number at the other end, unless the messenger says otherwise.';
comment on column reporting.messages.from_number is 'Who wrote, in the form +254712345678.';
comment on column reporting.messages.to_number is 'To whom.';
comment on column reporting.messages.direction is 'INBOUND to the organisation, or OUTBOUND.';
comment on column reporting.messages.body is 'What it says: at most 4096 characters.';
comment on column reporting.messages.media is 'What came along, as the messenger describes it.';
comment on column reporting.messages.sent_at is 'When it was sent, as the messenger says.';
comment on column reporting.messages.is_processed is 'Whether it was read: by the worker, or by a person.';
comment on column reporting.messages.processed_at is 'When it was read.';
comment on column reporting.messages.outcome is 'What came of it: ORDER (a draft for a person to confirm), NOT_UNDERSTOOD, NO_REQUEST (it asked for nothing), BY_HAND.';
comment on column reporting.messages.outcome_text is 'What was not understood, or what a person noted.';
comment on column reporting.messages.retailer_id is 'The retailer of whose number it came.';
comment on column reporting.messages.order_id is 'The order that it became.';
comment on column reporting.messages.created_at is 'When it came.';
grant select (id, message_id, conversation_id, from_number, to_number, direction, body, media, sent_at, is_processed, processed_at, outcome, outcome_text, retailer_id, order_id, created_at) on reporting.messages to countinghouse_analyst;

create view reporting.credit_scores with (security_invoker = true) as
select
    thing.id as id,
    thing.retailer_id as retailer_id,
    thing.scored_on as scored_on,
    thing.score as score,
    thing.risk_category::text as risk_category,
    thing.due_orders as due_orders,
    thing.on_time_orders as on_time_orders,
    thing.on_time_share::numeric as on_time_share,
    thing.utilisation::numeric as utilisation,
    thing.tenure_months as tenure_months,
    thing.volume_percentile::numeric as volume_percentile,
    thing.created_at as created_at
from trade.credit_scores as thing
where thing.tenant_id = core.tenant_id();
comment on view reporting.credit_scores is 'How well a retailer pays, as of a day, and what that was reckoned from.';
comment on column reporting.credit_scores.id is 'The row''s own uuid.';
comment on column reporting.credit_scores.retailer_id is 'The retailer.';
comment on column reporting.credit_scores.scored_on is 'The day, where the organisation is, on whose morning it was reckoned.';
comment on column reporting.credit_scores.score is 'From 300 to 900: 300 + 600 × (0.40 on-time share + 0.30 (1 − utilisation) + 0.15 tenure / 24 + 0.15 volume percentile).';
comment on column reporting.credit_scores.risk_category is 'HIGH below a score of 550, MEDIUM below 700, else LOW.';
comment on column reporting.credit_scores.due_orders is 'Its delivered orders whose due date had passed.';
comment on column reporting.credit_scores.on_time_orders is 'Those of them of which payments received by the due date had covered what was charged, less what came back.';
comment on column reporting.credit_scores.on_time_share is 'Their share, 0 to 1; 0.5 where no order had been due.';
comment on column reporting.credit_scores.utilisation is 'Which part of the limits of all its lines together it owed, 0 to 1; 0 without a limit.';
comment on column reporting.credit_scores.tenure_months is 'Since how many whole months it has been a retailer; more than 24 count as 24.';
comment on column reporting.credit_scores.volume_percentile is 'Which part of the other retailers in its currency had bought less, 0 to 1, by what was delivered and stayed.';
comment on column reporting.credit_scores.created_at is 'When it was reckoned.';
grant select (id, retailer_id, scored_on, score, risk_category, due_orders, on_time_orders, on_time_share, utilisation, tenure_months, volume_percentile, created_at) on reporting.credit_scores to countinghouse_analyst;

create view reporting.trade_ageing with (security_invoker = true) as
select
    thing.retailer_id as retailer_id,
    thing.currency::text as currency,
    round(thing.not_due, 2) as not_due,
    round(thing.days_1_to_30, 2) as days_1_to_30,
    round(thing.days_31_to_60, 2) as days_31_to_60,
    round(thing.days_61_to_90, 2) as days_61_to_90,
    round(thing.over_90, 2) as over_90,
    round(thing.total, 2) as total,
    round(thing.overdue, 2) as overdue,
    round(thing.debt, 2) as debt
from trade.ageing() as thing;
comment on view reporting.trade_ageing is 'What each retailer owes today, by how many days past due it is: one line for each, those who are overdue with most first. The five columns add up to the total, which is what is open of delivered orders. The debt is what the credit lines say: more, by adjustments, or less, by payments that pay no order yet. A vendor sees what is owed to itself.';
comment on column reporting.trade_ageing.retailer_id is 'The retailer.';
comment on column reporting.trade_ageing.currency is 'The currency of the line''s amounts.';
comment on column reporting.trade_ageing.not_due is 'What is not past due: due today or later.';
comment on column reporting.trade_ageing.days_1_to_30 is 'What is 1 to 30 days past due.';
comment on column reporting.trade_ageing.days_31_to_60 is 'What is 31 to 60 days past due.';
comment on column reporting.trade_ageing.days_61_to_90 is 'What is 61 to 90 days past due.';
comment on column reporting.trade_ageing.over_90 is 'What is more than 90 days past due.';
comment on column reporting.trade_ageing.total is 'The five together: what is still to be paid of delivered orders.';
comment on column reporting.trade_ageing.overdue is 'The four of them that are past due.';
comment on column reporting.trade_ageing.debt is 'What it owes by its lines: more by what was adjusted, less by what it paid that pays no order yet.';
grant select (retailer_id, currency, not_due, days_1_to_30, days_31_to_60, days_61_to_90, over_90, total, overdue, debt) on reporting.trade_ageing to countinghouse_analyst;

create function reporting.trade_ageing() returns table (
    retailer_id uuid,
    currency text,
    not_due numeric,
    days_1_to_30 numeric,
    days_31_to_60 numeric,
    days_61_to_90 numeric,
    over_90 numeric,
    total numeric,
    overdue numeric,
    debt numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.retailer_id,
        thing.currency::text,
        round(thing.not_due, 2),
        round(thing.days_1_to_30, 2),
        round(thing.days_31_to_60, 2),
        round(thing.days_61_to_90, 2),
        round(thing.over_90, 2),
        round(thing.total, 2),
        round(thing.overdue, 2),
        round(thing.debt, 2)
    from trade.ageing() as thing
    order by thing.line
$$;
comment on function reporting.trade_ageing() is 'What each retailer owes today, by how many days past due it is: one line for each, those who are overdue with most first. The five columns add up to the total, which is what is open of delivered orders. The debt is what the credit lines say: more, by adjustments, or less, by payments that pay no order yet. A vendor sees what is owed to itself.';
grant execute on function reporting.trade_ageing() to countinghouse_analyst;

create view reporting.trade_totals with (security_invoker = true) as
select
    thing.currency::text as currency,
    thing.draft_orders as draft_orders,
    thing.placed_orders as placed_orders,
    thing.confirmed_orders as confirmed_orders,
    thing.shipped_orders as shipped_orders,
    thing.delivered_orders as delivered_orders,
    thing.cancelled_orders as cancelled_orders,
    thing.returned_orders as returned_orders,
    thing.expired_orders as expired_orders,
    round(thing.debt, 2) as debt,
    round(thing.held, 2) as held,
    round(thing.overdue, 2) as overdue,
    thing.low_products as low_products,
    thing.unread_messages as unread_messages
from trade.totals() as thing;
comment on view reporting.trade_totals is 'All of trade as it is now: a line for each currency, and one at least in the organisation''s own. Orders by status (those that are archived count no more), what retailers owe, what orders hold, what is overdue, what runs low. A vendor and a retailer see what is of their own.';
comment on column reporting.trade_totals.currency is 'The currency of the line''s amounts.';
comment on column reporting.trade_totals.draft_orders is 'How many orders are DRAFT.';
comment on column reporting.trade_totals.placed_orders is 'How many orders are PLACED.';
comment on column reporting.trade_totals.confirmed_orders is 'How many orders are CONFIRMED.';
comment on column reporting.trade_totals.shipped_orders is 'How many orders are SHIPPED.';
comment on column reporting.trade_totals.delivered_orders is 'How many orders are DELIVERED.';
comment on column reporting.trade_totals.cancelled_orders is 'How many orders are CANCELLED.';
comment on column reporting.trade_totals.returned_orders is 'How many orders are RETURNED.';
comment on column reporting.trade_totals.expired_orders is 'How many orders are EXPIRED.';
comment on column reporting.trade_totals.debt is 'What retailers owe on their lines together; below zero where they have paid too much.';
comment on column reporting.trade_totals.held is 'What placed orders hold of the lines.';
comment on column reporting.trade_totals.overdue is 'What is still to be paid of delivered orders whose due date has passed.';
comment on column reporting.trade_totals.low_products is 'How many products of vendors run low.';
comment on column reporting.trade_totals.unread_messages is 'How many messages wait to be read, in all currencies: the same on each line.';
grant select (currency, draft_orders, placed_orders, confirmed_orders, shipped_orders, delivered_orders, cancelled_orders, returned_orders, expired_orders, debt, held, overdue, low_products, unread_messages) on reporting.trade_totals to countinghouse_analyst;

create function reporting.trade_totals() returns table (
    currency text,
    draft_orders bigint,
    placed_orders bigint,
    confirmed_orders bigint,
    shipped_orders bigint,
    delivered_orders bigint,
    cancelled_orders bigint,
    returned_orders bigint,
    expired_orders bigint,
    debt numeric,
    held numeric,
    overdue numeric,
    low_products bigint,
    unread_messages bigint
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        thing.currency::text,
        thing.draft_orders,
        thing.placed_orders,
        thing.confirmed_orders,
        thing.shipped_orders,
        thing.delivered_orders,
        thing.cancelled_orders,
        thing.returned_orders,
        thing.expired_orders,
        round(thing.debt, 2),
        round(thing.held, 2),
        round(thing.overdue, 2),
        thing.low_products,
        thing.unread_messages
    from trade.totals() as thing
    order by thing.line
$$;
comment on function reporting.trade_totals() is 'All of trade as it is now: a line for each currency, and one at least in the organisation''s own. Orders by status (those that are archived count no more), what retailers owe, what orders hold, what is overdue, what runs low. A vendor and a retailer see what is of their own.';
grant execute on function reporting.trade_totals() to countinghouse_analyst;
