-- Journals: what a bookkeeper does by hand, on the organisation's own accounts.

create function ledger.ledger_account_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    made uuid;
begin
    perform core.demand('ledger:write');
    insert into ledger.accounts (tenant_id, code, name, kind, currency, floor, ceiling)
    values (
        core.tenant_id(), input ->> 'code', btrim(input ->> 'name'), input ->> 'kind',
        coalesce(input ->> 'currency', (select currency from iam.tenants where id = core.tenant_id())),
        (input ->> 'floor')::numeric, (input ->> 'ceiling')::numeric
    )
    returning id into made;
    return made;
end
$$;
comment on function ledger.ledger_account_create(jsonb) is 'Opens an account of the organisation. Accounts of clients are opened by their invoices.';

create function ledger.ledger_transfer_post(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    controlled ledger.accounts;
begin
    perform core.demand('ledger:write');
    select * into controlled from ledger.accounts
    where tenant_id = core.tenant_id() and owner_id is not null
      and id in (select (leg ->> 'account_id')::uuid from jsonb_array_elements(input -> 'entries') as leg)
    limit 1;
    if controlled.id is not null then
        perform core.refuse(
            'CONFLICT', 'ACCOUNT_CONTROLLED',
            format('%s follows documents such as invoices and payments. Enter one of those instead.', controlled.name),
            'input.entries.accountId'
        );
    end if;
    return ledger.post(
        'JOURNAL',
        array(
            select ((leg ->> 'account_id')::uuid, (leg ->> 'amount')::core.money)::ledger.leg
            from jsonb_array_elements(input -> 'entries') with ordinality as given (leg, place)
            order by place
        ),
        (input ->> 'effective_date')::date, btrim(coalesce(input ->> 'reason', '')),
        facts => coalesce(input -> 'metadata', '{}')
    );
end
$$;
comment on function ledger.ledger_transfer_post(jsonb) is
    'Posts a manual journal between accounts of the organisation itself. Accounts that follow invoices and payments are refused.';

create function ledger.ledger_transfer_reverse(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    original ledger.transfers;
begin
    perform core.demand('ledger:write');
    select * into original from ledger.transfers where tenant_id = core.tenant_id() and id = (input ->> 'id')::uuid;
    if original.source_id is not null then
        perform core.refuse(
            'CONFLICT', 'TRANSFER_HAS_SOURCE',
            'This transfer follows a document such as an invoice or a payment. Take that back instead.', 'input.id'
        );
    end if;
    return ledger.reverse((input ->> 'id')::uuid, btrim(coalesce(input ->> 'reason', '')), (input ->> 'effective_date')::date);
end
$$;
comment on function ledger.ledger_transfer_reverse(jsonb) is
    'Takes a manual journal back, whole, by a transfer of its own. A second time it is refused, and nothing changes.';

grant execute on function
    ledger.ledger_account_create(jsonb), ledger.ledger_transfer_post(jsonb), ledger.ledger_transfer_reverse(jsonb)
    to countinghouse_tenant;
