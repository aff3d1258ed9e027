"""Rules for functions: whose rights they run with, who may call them, and what they must not do."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "function-language",
        reason="The rules can read SQL and PL/pgSQL; other languages reach what no policy guards.",
        remedy="Write it in sql or plpgsql.",
        query="""
            select name, 'is written in ' || language from functions where language not in ('sql', 'plpgsql')
        """,
    ),
    Rule(
        "function-owner",
        reason="A definer function has its owner's rights, and only a few functions have business with rights that are"
        " not bound to one tenant.",
        remedy="Give it to countinghouse_owner, or name it in the catalog's house.",
        # countinghouse_auth and countinghouse_accounts work in iam alone; a search function of countinghouse_search is
        # called like one.
        query=r"""
            select name, 'belongs to ' || owner from functions
            where case owner
                when 'countinghouse_owner' then short in (
                    select name from reader_functions union all select name from provisioner_functions
                    union all select name from reports_functions union all select name from watcher_functions)
                when 'countinghouse_reader' then short not in (select name from reader_functions)
                when 'countinghouse_provisioner' then short not in (select name from provisioner_functions)
                when 'countinghouse_reports' then short not in (select name from reports_functions)
                when 'countinghouse_watcher' then short not in (select name from watcher_functions)
                when 'countinghouse_auth' then schema <> 'iam'
                when 'countinghouse_accounts' then schema <> 'iam'
                when 'countinghouse_search' then proname !~ '_search$'
                else true end
        """,
    ),
    Rule(
        "definer-search-path",
        reason="A definer function that looks names up in the caller's path runs the caller's code with its own rights;"
        " pg_temp is searched first unless it is named last.",
        remedy="Write `set search_path = pg_catalog, pg_temp`.",
        query="""
            select name, 'is SECURITY DEFINER without a pinned search_path' from functions
            where prosecdef and not coalesce(proconfig, '{}') && array['search_path=pg_catalog, pg_temp']
        """,
    ),
    Rule(
        "no-dynamic-sql",
        reason="SQL that is made of values at run time is SQL that a value can change.",
        remedy="Write the statement out, with parameters.",
        query=r"""
            select name, 'runs SQL made at run time' from functions
            where short not in (select name from dynamic_functions) and (
                language = 'plpgsql' and body ~* '\mexecute\M'
                or body ~* '\m(query_to_xml\w*|cursor_to_xml\w*|table_to_xml\w*|ts_stat|dblink\w*)\s*\(')
        """,
    ),
    Rule(
        "definer-demands",
        reason="A definer function does whatever it is asked to, so its first act is to ask whether the caller may.",
        remedy="Begin the body with `perform core.demand('domain:verb');`; in a STABLE function, which only reads, a"
        " condition with core.permits() will do.",
        # The doors of other owners only read, and show what the policies do; functions of triggers cannot be called.
        query=r"""
            select name, 'can be called by a tenant and does not ask first whether the caller may' from functions
            where prosecdef and owner not in ('countinghouse_reader', 'countinghouse_search')
                and prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
                and exists (select from roles where rolname = 'countinghouse_tenant')
                and has_function_privilege('countinghouse_tenant', oid, 'execute')
                and body !~* '\mbegin\s+perform\s+core\.demand\s*\('
                and not (provolatile <> 'v' and body ~* '\mcore\.(permits|demand)\s*\(')
        """,
    ),
    Rule(
        "trigger-function-closed",
        reason="A trigger function is called by its trigger, which needs no grant; a grant lets others attach it.",
        remedy="Revoke EXECUTE from everyone.",
        query="""
            select functions.name, 'is a trigger function that ' || grantee || ' may execute'
            from functions join grants on grants.kind = 'function' and grants.object = functions.name
            where prorettype in ('trigger'::regtype, 'event_trigger'::regtype)
        """,
    ),
    Rule(
        "constraint-trigger-definer",
        reason="A deferred trigger runs as the role of the statement on 18 and as the role at commit on 15; a definer"
        " function runs as the same one on both.",
        remedy="Make its function SECURITY DEFINER.",
        query="""
            select f.name, format('is called by the constraint trigger %I and is not SECURITY DEFINER', t.tgname)
            from pg_trigger t join functions f on f.oid = t.tgfoid
            where t.tgconstraint <> 0 and not t.tgisinternal and not f.prosecdef and t.tgparentid = 0
        """,
    ),
    Rule(
        "context-inlined",
        reason="A context function is asked for every row; inlined it costs nothing, as a call it costs everything.",
        remedy="Make it one SQL expression: language sql, stable, neither STRICT nor SECURITY DEFINER, no SET.",
        query="""
            select name, 'cannot be inlined into a policy' from functions
            where short in (select name from context_functions) and (
                language <> 'sql' or provolatile = 'v' or prosecdef or proconfig is not null or proisstrict
                or proretset)
        """,
    ),
    Rule(
        "context-complete",
        reason="Policies and the engine count on these functions.",
        remedy="Create it in sql/core/context.sql.",
        query="""
            select name || '()', 'does not exist' from context_functions
            where name not in (select short from functions)
        """,
    ),
    Rule(
        "tenant-from-role",
        reason="The role setting is the one thing about a session that the client cannot forge.",
        remedy="Read current_setting('role') and session_user, and nothing that a session can set.",
        query="""
            select name, 'does not take the tenant from the role alone' from functions
            where short = 'core.tenant_id' and (
                prosrc || coalesce(pg_get_function_sqlbody(oid), '') !~ 'current_setting\\(''role'''
                or prosrc || coalesce(pg_get_function_sqlbody(oid), '') !~* 'session_user'
                or prosrc || coalesce(pg_get_function_sqlbody(oid), '') ~ 'app\\.')
        """,
    ),
    Rule(
        "no-leakproof-functions",
        reason="A function marked LEAKPROOF is run on rows before the policy has judged them.",
        remedy="Take the mark off.",
        query="""
            select name, 'is marked LEAKPROOF' from functions where proleakproof
        """,
    ),
    Rule(
        "no-own-operators",
        reason="An operator or a cast of ours would change what an innocent comparison means.",
        remedy="Write a function, and call it by its name.",
        query="""
            select o.oid::regoperator::text, 'is an operator of ours'
            from pg_operator o join schemas s on s.oid = o.oprnamespace
            union all
            select format('cast from %s to %s', format_type(castsource, null), format_type(casttarget, null)),
                'uses a function of ours'
            from pg_cast c join functions f on f.oid = c.castfunc
        """,
    ),
    Rule(
        "readers-call-nothing-that-writes",
        reason="An analyst has SELECT only, and the read door runs whatever a statement calls.",
        remedy="Revoke EXECUTE, or make the function STABLE (for an analyst, with its caller's rights too, unless the"
        " catalog's house names it).",
        query="""
            select f.name, format('is %s and can be executed by %s',
                case when f.prosecdef then 'SECURITY DEFINER' else 'volatile' end, g.grantee)
            from functions f join grants g on g.kind = 'function' and g.object = f.name
            where g.grantee in ('countinghouse_analyst', 'countinghouse_reader')
                and (f.provolatile = 'v' or f.prosecdef and f.owner <> 'countinghouse_search'
                    and g.grantee = 'countinghouse_analyst'
                    and not (f.owner = 'countinghouse_owner' and f.short in (select name from analyst_functions)))
        """,
    ),
    Rule(
        "unbound-functions-closed",
        reason="What runs as countinghouse_auth, countinghouse_accounts or countinghouse_provisioner sees the people of"
        " every tenant, what runs as countinghouse_reports its figures, and countinghouse_watcher ends connections.",
        remedy="Grant sign-in look-ups to countinghouse_api alone, what reckons reports and ends connections to the"
        " worker, and what makes roles to nobody of a tenant.",
        query="""
            select f.name, format('runs as %s and can be executed by %s', f.owner, g.grantee)
            from functions f join grants g on g.kind = 'function' and g.object = f.name
            where f.prosecdef and (
                f.owner in ('countinghouse_auth', 'countinghouse_accounts') and g.grantee in (select name from readers)
                    and f.short not in (select name from own_functions)
                or f.owner = 'countinghouse_reports' and f.short <> 'reports.as_of' and (
                    g.grantee in (select name from readers) or g.grantee = 'countinghouse_api')
                or f.owner in ('countinghouse_provisioner', 'countinghouse_watcher') and (
                    g.grantee in (select name from readers) or g.grantee = 'countinghouse_api'))
        """,
    ),
    Rule(
        "api-calls-sign-in-only",
        reason="The server's login has no tenant, so that the only functions it may call are those of sign-in.",
        remedy="Revoke it from countinghouse_api; tenants call it through countinghouse_tenant.",
        query="""
            select f.name, 'can be executed by countinghouse_api before it has become a tenant'
            from functions f join grants g on g.kind = 'function' and g.object = f.name
            where g.grantee = 'countinghouse_api' and f.prosecdef
                and f.owner not in ('countinghouse_auth', 'countinghouse_accounts')
        """,
    ),
)
