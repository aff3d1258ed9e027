select convert_to(concat(
  '{"data":{"apps":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from iam.apps t1
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
        '","name":',
        core.as_json(t1.name),
        ',"scopes":',
        to_json(t1.scopes),
        ',"isActive":',
        case (t1.revoked_at is null) when true then 'true' when false then 'false' else 'null' end,
        ',"lastUsedAt":',
        coalesce(to_json(t1.last_used_at)::text, 'null'),
        ',"revokedAt":',
        coalesce(to_json(t1.revoked_at)::text, 'null'),
        ',"createdAt":',
        to_json(t1.created_at),
        ',"createdBy":',
        coalesce('"' || t1.created_by || '"', 'null'),
        '}'
      ) as r0
      from (
        select t1.id, t1.name, t1.scopes, t1.revoked_at, t1.last_used_at, t1.created_at, t1.created_by, t1.name_key
        from iam.apps t1
        where t1.tenant_id = ($1::uuid)
        order by t1.name_key asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"newest":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      '],"pageInfo":{"hasNextPage":',
      case when count(*) > 3 then 'true' else 'false' end,
      '}}'
    )
    from (
      select case when n <= 3 then concat(
        '{"__typename":"App","name":',
        core.as_json(t2.name),
        '}'
      ) end as r0, n, m
      from (
        select t2.*, row_number() over () as n, count(*) over () as m
        from (
          select t2.name, t2.created_at, t2.id
          from iam.apps t2
          where t2.tenant_id = ($1::uuid)
          order by t2.created_at desc, t2.id desc
          limit 4
        ) t2
      ) t2
    ) t2
  ),
  ',"app":',
  coalesce((
    select concat(
      '{"secrets":[',
      (
        select string_agg(concat(
          '{"id":"',
          t4.id,
          '","hint":',
          core.as_json(t4.hint),
          ',"expiresAt":',
          coalesce(to_json(t4.expires_at)::text, 'null'),
          ',"revokedAt":',
          coalesce(to_json(t4.revoked_at)::text, 'null'),
          ',"createdAt":',
          to_json(t4.created_at),
          '}'
        ), ',')
        from (
          select t4.id, t4.hint, t4.expires_at, t4.revoked_at, t4.created_at
          from iam.app_secrets t4
          where t4.tenant_id = ($1::uuid) and t4.app_id = t3.id
          order by t4.created_at, t4.id
          limit 1000
        ) t4
      ),
      ']}'
    )
    from iam.apps t3
    where t3.tenant_id = ($1::uuid) and t3.id = ($2::uuid)
  ), 'null'),
  ',"node":',
  coalesce((
    select concat(
      '{"id":"',
      t5.id,
      '","name":',
      core.as_json(t5.name),
      ',"scopes":',
      to_json(t5.scopes),
      '}'
    )
    from iam.apps t5
    where t5.tenant_id = ($1::uuid) and t5.id = ($3::uuid)
  ), 'null'),
  '}}'
), 'UTF8')
where core.context() = ($4::text) and core.tenant_id() = ($1::uuid)
