select convert_to(concat(
  '{"data":{"invites":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from iam.invites t1
        where t1.tenant_id = ($1::uuid)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t1.id,
        '","address":',
        core.as_json(t1.address),
        ',"role":"',
        upper(t1.role),
        '","status":"',
        (coalesce(t1.outcome, case when t1.expires_at > statement_timestamp() then 'PENDING' else 'EXPIRED' end)),
        '","invitedBy":',
        core.as_json(t1.invited_by),
        ',"expiresAt":',
        to_json(t1.expires_at),
        ',"outcomeAt":',
        coalesce(to_json(t1.outcome_at)::text, 'null'),
        ',"createdAt":',
        to_json(t1.created_at),
        '}'
      ) as r0
      from (
        select t1.id, t1.address, t1.role, t1.outcome, t1.expires_at, t1.invited_by, t1.outcome_at, t1.created_at
        from iam.invites t1
        where t1.tenant_id = ($1::uuid)
        order by t1.created_at desc, t1.id desc
        limit 5
      ) t1
    ) t1
  ),
  ',"joinRequests":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t2.id,
        '","userId":"',
        t2.user_id,
        '","userName":',
        core.as_json(t2.user_name),
        ',"userAddress":',
        core.as_json(t2.user_address),
        ',"message":',
        coalesce(core.as_json(t2.message)::text, 'null'),
        ',"status":"',
        (coalesce(t2.outcome, case when t2.created_at > statement_timestamp() - interval '30 days' then 'PENDING' else 'EXPIRED' end)),
        '","outcomeAt":',
        coalesce(to_json(t2.outcome_at)::text, 'null'),
        '}'
      ) as r0
      from (
        select t2.id, t2.user_id, t2.user_name, t2.user_address, t2.message, t2.outcome, t2.created_at, t2.outcome_at
        from iam.join_requests t2
        where t2.tenant_id = ($1::uuid)
        order by t2.created_at asc, t2.id asc
        limit 20
      ) t2
    ) t2
  ),
  '}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
