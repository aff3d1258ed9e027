-- The read door: runs a statement that the connection has prepared, planned for the reader instead of for each tenant.
--
-- A plan with row security belongs to the user it was planned for, so switching tenants plans again. Here that user is
-- the reader, for every tenant, and the plan survives. Isolation is unchanged: the policies read the role setting, which
-- is still the tenant's and cannot be changed inside SECURITY DEFINER.

create function core.read(statement text, arguments text[]) returns bytea
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    answer bytea;
begin
    -- A name, never SQL: what runs was prepared by this connection, with its own parameters.
    if statement !~ '^[a-z0-9_]{1,63}$' then
        -- Not by core.refuse(): the reader may read, and call what reads, but nothing else.
        raise exception using
            errcode = 'CH400', constraint = 'STATEMENT_NAME',
            message = 'A prepared statement is named by small letters, digits and underscores.';
    end if;
    execute format(
        'execute %I%s',
        statement,
        (select '(' || string_agg(quote_nullable(argument), ', ' order by place) || ')'
         from unnest(arguments) with ordinality as given (argument, place))
    ) into answer;
    return answer;
end
$$;
comment on function core.read(text, text[]) is
    'Runs a statement that this connection has prepared, with its arguments as text, and answers its one value.';

reset role;
alter function core.read(text, text[]) owner to countinghouse_reader;
set local role countinghouse_owner;
