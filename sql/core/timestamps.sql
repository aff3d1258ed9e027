-- Timestamps: every table has created_at; every table that can change has updated_at, kept by this one trigger.

create function core.touch() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    new.created_at := old.created_at;
    new.created_by := old.created_by;
    new.updated_at := statement_timestamp();
    return new;
end
$$;
comment on function core.touch() is 'Keeps updated_at, and keeps who made a row and when as they were.';
