-- Imports: many rows in one call, each answering for itself.

create function billing.imported(kind text, reference text) returns uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
    select id from billing.clients where kind = 'CLIENT' and tenant_id = core.tenant_id() and external_ref = reference
    union all
    select id from billing.invoices where kind = 'INVOICE' and tenant_id = core.tenant_id() and external_ref = reference
$$;
comment on function billing.imported(text, text) is 'The client or invoice that has this external reference already; NULL if none has.';

create function billing.import_rows(kind text, input jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    whole constant boolean := coalesce((input ->> 'all_or_nothing')::boolean, false);
    given record;
    found_id uuid;
    made_id uuid;
    report jsonb[] := '{}';
    refused jsonb;
    sql_state text;
    constraint_name text;
    column_name text;
    message text;
begin
    if jsonb_array_length(input -> 'rows') > 1000 then
        perform core.refuse(
            'BAD_USER_INPUT', 'TOO_MANY_ROWS', 'At most 1000 rows can be imported at once. Send the rest in another call.', 'input.rows'
        );
    end if;
    for given in
        select place - 1 as index, line from jsonb_array_elements(input -> 'rows') with ordinality as rows (line, place)
    loop
        begin
            found_id := billing.imported(kind, given.line ->> 'external_ref');
            made_id := case
                when found_id is not null then found_id
                when kind = 'CLIENT' then billing.client_insert(given.line)
                else billing.invoice_import(given.line)
            end;
            report := report || jsonb_build_object(
                'index', given.index, 'id', made_id, 'outcome', case when found_id is null then 'CREATED' else 'EXISTING' end
            );
        exception when sqlstate 'CH400' or sqlstate 'CH404' or sqlstate 'CH409'
            or integrity_constraint_violation or data_exception then
            get stacked diagnostics
                sql_state = returned_sqlstate, constraint_name = constraint_name,
                column_name = column_name, message = message_text;
            if constraint_name in ('clients_external_ref_unique', 'invoices_external_ref_unique') then
                -- Another import has entered the same row a moment ago.
                report := report || jsonb_build_object(
                    'index', given.index, 'id', billing.imported(kind, given.line ->> 'external_ref'), 'outcome', 'EXISTING'
                );
                continue;
            end if;
            refused := core.explain(sql_state, constraint_name, column_name, message);
            if whole then
                perform core.refuse(
                    'BAD_USER_INPUT', refused ->> 'reason',
                    format('Row %s: %s Nothing was imported.', given.index, refused ->> 'message'),
                    format('input.rows.%s%s', given.index, coalesce(substring(refused ->> 'field' from 6), ''))
                );
            end if;
            report := report || (jsonb_build_object('index', given.index, 'outcome', 'REFUSED') || refused);
        end;
    end loop;
    return jsonb_build_object('rows', to_jsonb(report));
end
$$;
comment on function billing.import_rows(text, jsonb) is
    'Enters the rows of an import one by one and reports what became of each.';
