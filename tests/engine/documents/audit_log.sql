select convert_to(concat(
  '{"data":{"auditLog":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from core.audit_log t1
        where t1.tenant_id = ($1::uuid) and (t1.action = any (($2::text)::text[]) and t1.created_at >= ($3::text)::timestamptz)
      ),
      ',"pageInfo":{"hasNextPage":',
      case when count(*) > 5 then 'true' else 'false' end,
      ',"endCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 5)) || '"', 'null'),
      '},"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select case when n <= 5 then concat(
        '{"id":"',
        t1.id,
        '","action":"',
        t1.action,
        '","entityType":',
        core.as_json(t1.entity_type),
        ',"entityId":',
        coalesce('"' || t1.entity_id || '"', 'null'),
        ',"oldValues":',
        coalesce(t1.old_values::text, 'null'),
        ',"newValues":',
        coalesce(t1.new_values::text, 'null'),
        ',"userId":',
        coalesce('"' || t1.user_id || '"', 'null'),
        ',"userName":',
        coalesce(core.as_json((coalesce((
          select m.user_name
          from iam.memberships m
          where m.tenant_id = t1.tenant_id and m.user_id = t1.user_id
        ), (
          select p.name
          from iam.external_people p
          where p.tenant_id = t1.tenant_id and p.id = t1.user_id
        ), (
          select a.name
          from iam.apps a
          where a.tenant_id = t1.tenant_id and a.id = t1.user_id
        ))))::text, 'null'),
        ',"ipAddress":',
        coalesce(core.as_json(t1.ip_address)::text, 'null'),
        ',"userAgent":',
        coalesce(core.as_json(t1.user_agent)::text, 'null'),
        ',"requestId":',
        coalesce(core.as_json(t1.request_id)::text, 'null'),
        ',"createdAt":',
        to_json(t1.created_at),
        ',"isSealed":',
        case (t1.seal is not null) when true then 'true' when false then 'false' else 'null' end,
        '}'
      ) end as r0, n, m, case when n in (1, least(m, 5)) then translate(encode(convert_to(json_build_array('AuditEntry,CREATED_AT_DESC', t1.created_at, t1.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t1.*, row_number() over () as n, count(*) over () as m
        from (
          select t1.action, t1.created_at, t1.id, t1.entity_type, t1.entity_id, t1.old_values, t1.new_values, t1.user_id, t1.tenant_id, t1.ip_address, t1.user_agent, t1.request_id, t1.seal
          from core.audit_log t1
          where t1.tenant_id = ($1::uuid) and (t1.action = any (($2::text)::text[]) and t1.created_at >= ($3::text)::timestamptz)
          order by t1.created_at desc, t1.id desc
          limit 6
        ) t1
      ) t1
    ) t1
  ),
  ',"ofOne":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"action":"',
        t2.action,
        '","userName":',
        coalesce(core.as_json((coalesce((
          select m.user_name
          from iam.memberships m
          where m.tenant_id = t2.tenant_id and m.user_id = t2.user_id
        ), (
          select p.name
          from iam.external_people p
          where p.tenant_id = t2.tenant_id and p.id = t2.user_id
        ), (
          select a.name
          from iam.apps a
          where a.tenant_id = t2.tenant_id and a.id = t2.user_id
        ))))::text, 'null'),
        '}'
      ) as r0
      from (
        select t2.entity_type, t2.entity_id, t2.action, t2.tenant_id, t2.user_id, t2.created_at, t2.id
        from core.audit_log t2
        where t2.tenant_id = ($1::uuid) and (t2.entity_type = ($4::text) and t2.entity_id = ($5::uuid))
        order by t2.created_at asc, t2.id asc
        limit 20
      ) t2
    ) t2
  ),
  ',"ofNobody":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"action":"',
        t3.action,
        '","isSealed":',
        case (t3.seal is not null) when true then 'true' when false then 'false' else 'null' end,
        '}'
      ) as r0
      from (
        select t3.user_id, t3.entity_type, t3.action, t3.seal, t3.created_at, t3.id
        from core.audit_log t3
        where t3.tenant_id = ($1::uuid) and (t3.user_id is null and t3.entity_type = ($6::text))
        order by t3.created_at desc, t3.id desc
        limit 20
      ) t3
    ) t3
  ),
  '}}'
), 'UTF8')
where core.context() = ($7::text) and core.tenant_id() = ($1::uuid)
