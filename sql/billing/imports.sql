-- Imports: many rows in one call, each answering for itself.

create function billing.import_rows(kind text, input jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    whole constant boolean := coalesce((input ->> 'all_or_nothing')::boolean, false);
    given record;
    made record;
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
            if kind = 'CLIENT' then
                select * into made from billing.client_import(given.line);
            else
                select * into made from billing.invoice_import(given.line);
            end if;
            report := report || jsonb_build_object(
                'index', given.index, 'id', made.id, 'outcome', case when made.is_new then 'CREATED' else 'EXISTING' end
            );
        exception when sqlstate 'CH400' or sqlstate 'CH404' or sqlstate 'CH409'
            or integrity_constraint_violation or data_exception then
            get stacked diagnostics
                sql_state = returned_sqlstate, constraint_name = constraint_name,
                column_name = column_name, message = message_text;
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
