-- Refusals: how a function says no. The SQLSTATE class CH says that the message is meant for the caller.

create function core.refuse(code text, reason text, sentence text, field text default '') returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception using
        errcode = case code
            when 'BAD_USER_INPUT' then 'CH400'
            when 'FORBIDDEN' then 'CH403'
            when 'NOT_FOUND' then 'CH404'
            when 'CONFLICT' then 'CH409'
        end,
        message = sentence,
        constraint = reason,
        column = field;
end
$$;
comment on function core.refuse(text, text, text, text) is
    'Refuses what the caller asked for: the code of the API, the rule, a sentence for the caller, the input it concerns.';

create function core.demand(permission text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not core.permits(permission) then
        perform core.refuse(
            'FORBIDDEN',
            'PERMISSION_MISSING',
            case when core.role_is_app(core.role()) is not true
                then format('Your role, %s, does not include %s.', coalesce(core.role(), 'none'), permission)
                else format('The access token of this app does not include %s.', permission)
            end
        );
    end if;
end
$$;
comment on function core.demand(text) is 'Refuses the caller who may not do this. The first line of every transition.';
-- What people do with their own accounts is refused in the same way.
grant execute on function core.refuse(text, text, text, text), core.demand(text) to countinghouse_auth, countinghouse_accounts;

create function core.explain(sql_state text, constraint_name text, column_name text, message text) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    -- A constraint's comment reads 'REASON input.field: Sentence.'
    select case
        when sql_state like 'CH%' then
            jsonb_build_object('reason', constraint_name, 'field', nullif(column_name, ''), 'message', message)
        when sql_state = '23502' then
            jsonb_build_object(
                'reason', 'REQUIRED',
                'field', (
                    select 'input.' || string_agg(case when place = 1 then word else initcap(word) end, '' order by place)
                    from regexp_split_to_table(column_name, '_') with ordinality as words (word, place)
                ),
                'message', 'A value is required here.'
            )
        else
            coalesce(
                (
                    select jsonb_build_object('reason', said[1], 'field', said[2], 'message', said[3])
                    from pg_constraint,
                         lateral obj_description(pg_constraint.oid, 'pg_constraint') as comment,
                         lateral regexp_match(comment, '^([A-Z_]+)(?: ([^:]+))?: (.*)$') as said
                    where conname = constraint_name
                    limit 1
                ),
                jsonb_build_object('reason', 'INVALID_VALUE', 'field', null, 'message', 'A value is not of the right form.')
            )
    end
$$;
comment on function core.explain(text, text, text, text) is
    'What an error means to the caller, as reason, field and message: for the reports of bulk functions.';

create function core.refuse_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.refuse(
        'CONFLICT', 'APPEND_ONLY', format('What stands in %s.%s is never changed or removed.', tg_table_schema, tg_table_name)
    );
    return null;
end
$$;
comment on function core.refuse_change() is 'Refuses every change to a table that is only ever added to, the owner''s too.';
