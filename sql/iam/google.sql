-- Google says whose an e-mail address is: who has an account with it signs in so.

create function iam.google_account(subject text, address text) returns table (user_id uuid, is_linked boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select users.id, users.google_sub is not null
    from iam.users
    where users.is_active and users.deleted_at is null
      and (
          users.google_sub = subject
          -- An address that nobody has shown to be theirs is nobody's: whoever entered it would be let in with them.
          or (
              users.email = lower(address) and users.email_verified_at is not null and users.google_sub is null
              and not exists (select from iam.users as linked where linked.google_sub = subject)
          )
      )
    order by users.google_sub is null
    limit 1
$$;
comment on function iam.google_account(text, text) is
    'The account of a Google account: the one that it is linked to, or else the one with its e-mail address, if that is verified here as well and linked to none. The address is null where Google does not vouch for it.';

create function iam.sign_in_with_google(
    subject text, address text, ip_address text, user_agent text, request_id text
) returns table (user_id uuid, memberships jsonb)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account record;
begin
    select * into account from iam.google_account(subject, address);
    if not account.is_linked then
        update iam.users set google_sub = subject
        where id = account.user_id and (google_sub is null or google_sub = subject);
        if not found then
            return;  -- another Google account was faster
        end if;
        perform iam.noted(account.user_id, 'UPDATE', '{"google": "LINKED"}', ip_address, user_agent, request_id);
    end if;
    return query select account.user_id, iam.organisations_of(account.user_id) where account.user_id is not null;
end
$$;
comment on function iam.sign_in_with_google(text, text, text, text, text) is
    'Whoever this Google account lets in, with the organisations to choose from; links it at the first time. No row where it lets nobody in.';

reset role;
grant create on schema iam to countinghouse_accounts;
alter function iam.google_account(text, text) owner to countinghouse_accounts;
alter function iam.sign_in_with_google(text, text, text, text, text) owner to countinghouse_accounts;
revoke create on schema iam from countinghouse_accounts;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.google_account(text, text), iam.sign_in_with_google(text, text, text, text, text)
    to countinghouse_api;
set local role countinghouse_owner;
