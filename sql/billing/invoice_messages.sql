-- An invoice is sent by e-mail in two steps: the message is written down here with whoever asked for it, and the worker
-- carries it to the mail server. So nothing is sent that was rolled back, and nothing is lost that was promised.

create table billing.invoice_messages (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    invoice_id uuid not null,
    recipient text not null,
    subject text not null,
    text text not null,
    attempts integer not null default 0,
    next_try_at timestamptz not null default statement_timestamp(),
    sent_at timestamptz,
    delivered_at timestamptz,
    opened_at timestamptz,
    bounced_at timestamptz,
    bounce_reason text,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    status text not null generated always as (
        case
            when opened_at is not null then 'OPENED'
            when bounced_at is not null then 'BOUNCED'
            when delivered_at is not null then 'DELIVERED'
            when sent_at is not null then 'SENT'
            else 'WAITING'
        end
    ) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id, invoice_id) references billing.invoices (tenant_id, client_id, id),
    constraint invoice_messages_status_check check (status in ('WAITING', 'SENT', 'DELIVERED', 'OPENED', 'BOUNCED')),
    constraint invoice_messages_recipient_check check (
        recipient ~ '^[^[:space:]@,;:<>()"\\]+@[^[:space:]@,;:<>()"\\]+$' and char_length(recipient) <= 254
    ),
    constraint invoice_messages_subject_check check (subject !~ '[[:cntrl:]]' and char_length(subject) between 1 and 500),
    constraint invoice_messages_attempts_check check (attempts between 0 and 30),
    constraint invoice_messages_bounce_check check (
        (bounced_at is null) = (bounce_reason is null) and char_length(btrim(bounce_reason)) between 1 and 2000
    ),
    constraint invoice_messages_order_check check (
        sent_at is not null or (delivered_at is null and opened_at is null)
    )
);

comment on table billing.invoice_messages is 'An e-mail by which an invoice was sent to its client, as it was written, and how far it came.';
comment on column billing.invoice_messages.tenant_id is 'The organisation.';
comment on column billing.invoice_messages.id is 'The message''s id.';
comment on column billing.invoice_messages.client_id is 'The client of the invoice.';
comment on column billing.invoice_messages.invoice_id is 'The invoice that it tells of.';
comment on column billing.invoice_messages.recipient is 'The e-mail address that it goes to.';
comment on column billing.invoice_messages.subject is 'Its subject.';
comment on column billing.invoice_messages.text is 'What it says.';
comment on column billing.invoice_messages.attempts is 'How often it was carried to the mail server: 30 times at most, for about a day.';
comment on column billing.invoice_messages.next_try_at is 'While it waits: when it is carried to the mail server next.';
comment on column billing.invoice_messages.sent_at is 'When the mail server took it.';
comment on column billing.invoice_messages.delivered_at is 'When the recipient''s mail server took it, if that was told.';
comment on column billing.invoice_messages.opened_at is 'When it was opened, if that was told.';
comment on column billing.invoice_messages.bounced_at is 'When it came back, or was given up.';
comment on column billing.invoice_messages.bounce_reason is 'Why it came back or was given up.';
comment on column billing.invoice_messages.created_at is 'When it was written.';
comment on column billing.invoice_messages.created_by is 'Who had it sent.';
comment on column billing.invoice_messages.updated_at is 'When it last changed.';
comment on column billing.invoice_messages.status is
    'The first that holds: OPENED, BOUNCED (came back or was given up), DELIVERED, SENT (the mail server has it), WAITING.';
comment on constraint invoice_messages_status_check on billing.invoice_messages is
    'MESSAGE_STATUS_UNKNOWN: A message is WAITING, SENT, DELIVERED, OPENED or BOUNCED.';
comment on constraint invoice_messages_recipient_check on billing.invoice_messages is
    'RECIPIENT_INVALID input.recipient: An e-mail goes to one address that looks like name@example.com.';
comment on constraint invoice_messages_subject_check on billing.invoice_messages is
    'SUBJECT_INVALID: A subject has 1 to 500 characters on one line.';
comment on constraint invoice_messages_attempts_check on billing.invoice_messages is
    'MESSAGE_ATTEMPTS: A message is carried 30 times at most.';
comment on constraint invoice_messages_bounce_check on billing.invoice_messages is
    'BOUNCE_REASON_REQUIRED input.reason: Say in up to 2000 characters why it came back.';
comment on constraint invoice_messages_order_check on billing.invoice_messages is
    'INVOICE_NOT_SENT: What was not sent is neither delivered nor opened.';

create index invoice_messages_invoice on billing.invoice_messages (tenant_id, invoice_id, created_at, id);
create index invoice_messages_client on billing.invoice_messages (tenant_id, client_id, invoice_id);
create index invoice_messages_status on billing.invoice_messages (tenant_id, status, created_at, id);
create index invoice_messages_created_at on billing.invoice_messages (tenant_id, created_at, id);
-- The worker looks among all organisations.
create index invoice_messages_due on billing.invoice_messages (next_try_at) where status = 'WAITING';

alter table billing.invoice_messages enable row level security;
alter table billing.invoice_messages force row level security;

-- Those of the tenant; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.invoice_messages to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
-- An analyst sees the whole tenant: settings of theirs prove nothing.
create policy analyst on billing.invoice_messages for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- The worker sees which are due.
create policy worker on billing.invoice_messages for select to countinghouse_worker using (status = 'WAITING');

grant select (
    tenant_id, id, client_id, invoice_id, recipient, subject, text, attempts, next_try_at, sent_at, delivered_at,
    opened_at, bounced_at, bounce_reason, created_at, created_by, updated_at, status
) on billing.invoice_messages to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
grant select (tenant_id, id, status, next_try_at) on billing.invoice_messages to countinghouse_worker;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: messages are written by the functions below.

create function billing.invoice_message_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if (new.tenant_id, new.id, new.client_id, new.invoice_id, new.recipient, new.subject, new.text)
       is distinct from (old.tenant_id, old.id, old.client_id, old.invoice_id, old.recipient, old.subject, old.text)
    then
        perform core.refuse('CONFLICT', 'MESSAGE_FIXED', 'A message stays as it was written. Send another one.');
    end if;
    return new;
end
$$;
comment on function billing.invoice_message_keep() is 'Keeps a message as it was written, whoever writes.';

create function billing.invoice_message_told() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update billing.invoices set
        email_status = new.status,
        viewed_at = coalesce(viewed_at, new.opened_at)
    where tenant_id = new.tenant_id and id = new.invoice_id and voided_at is null
      and not exists (
          select from billing.invoice_messages as later
          where later.tenant_id = new.tenant_id and later.invoice_id = new.invoice_id
            and later.status <> 'WAITING' and (later.created_at, later.id) > (new.created_at, new.id)
      );
    return null;
end
$$;
comment on function billing.invoice_message_told() is
    'Keeps what an invoice says of its e-mail equal to the newest message that has left, whoever writes. A void invoice says no more.';

create trigger keep before update on billing.invoice_messages
    for each row execute function billing.invoice_message_keep();
create trigger touch before update on billing.invoice_messages for each row execute function core.touch();
create trigger told after update of sent_at, delivered_at, opened_at, bounced_at on billing.invoice_messages
    for each row when (new.status <> old.status) execute function billing.invoice_message_told();
create trigger never_deleted before delete on billing.invoice_messages for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.invoice_messages
    for each statement execute function core.refuse_change();
create trigger wake after insert on billing.invoice_messages for each statement execute function core.wake_worker();
create trigger audit after insert or update on billing.invoice_messages
    for each row execute function core.audit('INVOICE_MESSAGE', 'client_id,text,attempts,next_try_at');

create function billing.invoice_in_words(invoice billing.invoices, greeting text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select concat_ws(
        E'\n\n',
        nullif(btrim(greeting, E' \t\r\n'), ''),
        concat_ws(
            E'\n',
            format('Invoice %s of %s', invoice.number, invoice.issue_date),
            format('From: %s', invoice.bill_from ->> 'name'),
            format('To: %s', invoice.bill_to ->> 'name')
        ),
        (
            select string_agg(format('%s. %s: %s x %s = %s', position, description, trim_scale(quantity), unit_price, amount), E'\n' order by position)
            from billing.invoice_lines where tenant_id = core.tenant_id() and invoice_id = invoice.id
        ),
        concat_ws(
            E'\n',
            case when invoice.discount <> 0 then format('Discount: %s %s', invoice.currency, invoice.discount) end,
            case when invoice.tax_amount <> 0 then format('Tax: %s %s', invoice.currency, invoice.tax_amount) end,
            format('Total: %s %s', invoice.currency, invoice.total),
            case
                when invoice.balance > 0 then format('To be paid by %s: %s %s', invoice.due_date, invoice.currency, invoice.balance)
                else 'Nothing is left to be paid.'
            end
        ),
        case when invoice.balance > 0 then concat_ws(
            E'\n',
            'Pay here: ' || invoice.payment_link,
            (
                select format('Please pay by: %s', display_name) from billing.payment_methods
                where tenant_id = core.tenant_id() and id = invoice.payment_method_id
            )
        ) end,
        nullif(btrim(invoice.notes), ''),
        nullif(btrim(invoice.terms), '')
    ) || E'\n'
$$;
comment on function billing.invoice_in_words(billing.invoices, text) is 'What an e-mail says of an invoice, as it stands now.';

create function billing.invoice_send(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    most_a_day constant integer := 10;
    invoice billing.invoices;
    goes_to text;
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_found((input ->> 'id')::uuid);
    if invoice.issued_at is null or invoice.voided_at is not null then
        perform core.refuse(
            'CONFLICT', 'INVOICE_NOT_OPEN', 'Only an issued invoice that is not void can be sent. Issue the draft first.', 'input.id'
        );
    end if;
    if exists (
        select from billing.invoice_messages
        where tenant_id = core.tenant_id() and invoice_id = invoice.id and status = 'WAITING'
    ) then
        perform core.refuse('CONFLICT', 'MESSAGE_WAITING', 'This invoice is on its way already.', 'input.id');
    elsif (
        select count(*) from billing.invoice_messages
        where tenant_id = core.tenant_id() and invoice_id = invoice.id
          and created_at > statement_timestamp() - interval '1 day'
    ) >= most_a_day then
        perform core.refuse(
            'CONFLICT', 'SENT_TOO_OFTEN', format('This invoice was sent %s times within a day. Wait before you send it again.', most_a_day),
            'input.id'
        );
    end if;
    goes_to := coalesce(
        btrim(input ->> 'recipient'),
        (select email from billing.clients where tenant_id = core.tenant_id() and id = invoice.client_id),
        (
            select email from billing.client_contacts
            where tenant_id = core.tenant_id() and client_id = invoice.client_id and is_primary
        )
    );
    if goes_to is null then
        perform core.refuse(
            'BAD_USER_INPUT', 'RECIPIENT_REQUIRED', 'The client has no e-mail address. Give it one, or say where the invoice goes.',
            'input.recipient'
        );
    elsif char_length(input ->> 'greeting') > 5000 then
        perform core.refuse('BAD_USER_INPUT', 'GREETING_TOO_LONG', 'A greeting has at most 5000 characters.', 'input.greeting');
    end if;
    insert into billing.invoice_messages (tenant_id, client_id, invoice_id, recipient, subject, text)
    values (
        core.tenant_id(), invoice.client_id, invoice.id, goes_to,
        format('Invoice %s from %s', invoice.number, regexp_replace(invoice.bill_from ->> 'name', '[[:cntrl:]]+', ' ', 'g')),
        billing.invoice_in_words(invoice, input ->> 'greeting')
    );
    return invoice.id;
end
$$;
comment on function billing.invoice_send(jsonb) is
    'Sends an issued invoice by e-mail: to the client''s address, or its primary contact''s, unless another is named. It leaves within '
    'a minute and is tried for about a day; emailStatus and messages tell how far it came. At most ten times a day.';

create function billing.invoice_email_event(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
    message billing.invoice_messages;
    event constant text := input ->> 'event';
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_found((input ->> 'id')::uuid);
    select * into message from billing.invoice_messages
    where tenant_id = core.tenant_id() and invoice_id = invoice.id
      and (input ->> 'message_id' is null and sent_at is not null or id = (input ->> 'message_id')::uuid)
    order by created_at desc, id desc
    limit 1
    for update;
    if message.id is null and input ->> 'message_id' is not null then
        perform core.refuse('NOT_FOUND', 'MESSAGE_NOT_FOUND', 'This invoice has no message with this id.', 'input.messageId');
    elsif message.sent_at is null then
        perform core.refuse('CONFLICT', 'INVOICE_NOT_SENT', 'This invoice was not sent by e-mail yet.', 'input.id');
    elsif event <> 'BOUNCED' and input ->> 'reason' is not null then
        perform core.refuse('BAD_USER_INPUT', 'REASON_UNEXPECTED', 'Only an e-mail that came back has a reason.', 'input.reason');
    end if;
    update billing.invoice_messages set
        delivered_at = case when event = 'DELIVERED' then coalesce(delivered_at, statement_timestamp()) else delivered_at end,
        opened_at = case when event = 'OPENED' then coalesce(opened_at, statement_timestamp()) else opened_at end,
        bounced_at = case when event = 'BOUNCED' then coalesce(bounced_at, statement_timestamp()) else bounced_at end,
        bounce_reason = case
            when event = 'BOUNCED' then coalesce(bounce_reason, input ->> 'reason', 'It came back.') else bounce_reason
        end
    where tenant_id = core.tenant_id() and id = message.id;
    return invoice.id;
end
$$;
comment on function billing.invoice_email_event(jsonb) is
    'Notes what became of an invoice''s e-mail, as the mail provider tells it: of the last one sent, unless another is named. What was '
    'opened is seen, too. Told twice, it changes nothing more; an e-mail that was opened did not come back.';

-- What the worker does. It commits that it takes a message before it carries it, so that no transaction waits for a mail
-- server: a worker that dies in between costs a minute, and at worst the same message twice.

create function billing.invoice_message_found(wanted uuid) returns billing.invoice_messages
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    message billing.invoice_messages;
begin
    perform billing.invoice_found(invoice_id) from billing.invoice_messages where tenant_id = core.tenant_id() and id = wanted;
    select * into message from billing.invoice_messages where tenant_id = core.tenant_id() and id = wanted for update;
    return message;
end
$$;
comment on function billing.invoice_message_found(uuid) is 'The message of that id, locked after its client and invoice; empty where there is none.';

create function billing.invoice_message_take(wanted uuid) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    message billing.invoice_messages;
    invoice billing.invoices;
begin
    perform core.demand('core:work');
    message := billing.invoice_message_found(wanted);
    if message.id is null or message.status <> 'WAITING' or message.next_try_at > statement_timestamp() then
        return null;
    end if;
    select * into invoice from billing.invoices where tenant_id = core.tenant_id() and id = message.invoice_id;
    if invoice.voided_at is not null then
        perform billing.invoice_message_failed(wanted, 'The invoice was voided before it was sent.', true);
        return null;
    elsif message.attempts >= 30 then
        -- Whoever took it last did not come back to say so.
        perform billing.invoice_message_failed(wanted, 'It could not be sent for a day.', true);
        return null;
    end if;
    update billing.invoice_messages set
        attempts = attempts + 1,
        next_try_at = statement_timestamp() + least(interval '1 minute' * power(2, attempts), interval '1 hour')
    where tenant_id = core.tenant_id() and id = wanted;
    return (
        select jsonb_build_object(
            'id', message.id, 'to', message.recipient, 'subject', message.subject, 'text', message.text,
            'sender_name', name, 'reply_to', email
        )
        from iam.tenants where id = core.tenant_id()
    );
end
$$;
comment on function billing.invoice_message_take(uuid) is
    'A message that is to be carried now, counted as an attempt: the next is a minute later, then two, four, up to an hour. NULL '
    'where there is nothing to do. For the worker.';

create function billing.invoice_message_sent(wanted uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('core:work');
    perform billing.invoice_message_found(wanted);
    update billing.invoice_messages set sent_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = wanted and status = 'WAITING';
    return found;
end
$$;
comment on function billing.invoice_message_sent(uuid) is 'Notes that the mail server took a message. For the worker.';

create function billing.invoice_message_failed(wanted uuid, reason text, is_final boolean) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('core:work');
    perform billing.invoice_message_found(wanted);
    update billing.invoice_messages set bounced_at = statement_timestamp(), bounce_reason = reason
    where tenant_id = core.tenant_id() and id = wanted and status = 'WAITING' and (is_final or attempts >= 30);
    return found;
end
$$;
comment on function billing.invoice_message_failed(uuid, text, boolean) is
    'Gives a message up that the mail server will never take, or that was tried often enough, and answers whether. Any other waits '
    'for its next time. For the worker.';

create function billing.invoice_messages_due() returns table (tenant_id uuid, id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select m.tenant_id, m.id
    from billing.invoice_messages m
    join iam.tenants t on t.id = m.tenant_id
    where m.status = 'WAITING' and m.next_try_at <= statement_timestamp() and t.suspended_at is null
    order by m.next_try_at
$$;
comment on function billing.invoice_messages_due() is
    'The messages that are to be carried now, of all organisations that work at present. For the worker.';

grant execute on function
    billing.invoice_send(jsonb), billing.invoice_email_event(jsonb), billing.invoice_message_take(uuid),
    billing.invoice_message_sent(uuid), billing.invoice_message_failed(uuid, text, boolean)
    to countinghouse_tenant;
grant execute on function billing.invoice_messages_due() to countinghouse_worker;
