-- Search: a part of a name is found by the trigrams in it, in an index that begins with the tenant like every other.
--
-- Under row security only leakproof operators reach an index, and LIKE is none. So a search is a function of an owner of
-- its own, whose policy lets it see all rows and which names the tenant itself; it answers ids, and the statement that
-- asks reads their rows behind its own policies.

reset role;

-- A schema for what libraries bring: trigrams, and an index of trigrams that a uuid can begin.
create schema trigrams;
comment on schema trigrams is 'Two extensions of PostgreSQL''s own, pg_trgm and btree_gin, by which parts of names are found. Nobody calls anything here.';
create extension pg_trgm schema trigrams;
create extension btree_gin schema trigrams;
grant usage on schema trigrams to countinghouse_owner;  -- who makes the indexes

set local role countinghouse_owner;

create function core.part_of(term text) returns text
language sql immutable parallel safe
return '%' || pg_catalog.regexp_replace(pg_catalog.lower(term), '([\\%_])', '\\\1', 'g') || '%';
comment on function core.part_of(text) is
    'The pattern of texts in small letters that hold this one somewhere, as it stands but for capitals.';
grant execute on function core.part_of(text), core.tenant_id() to countinghouse_search;
grant usage on schema core to countinghouse_search;
