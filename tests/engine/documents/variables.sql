select convert_to(concat(
  '{"data":{"whole":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t1.name),
        ',"status":"',
        t1.status,
        '"}'
      ) as r0
      from (
        select t1.name, t1.status, t1.name_key, t1.id
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
        order by t1.name_key asc, t1.id asc
        limit 3
      ) t1
    ) t1
  ),
  ',"inside":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t2.name),
        '}'
      ) as r0
      from (
        select t2.status, t2.name, t2.name_key, t2.id
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null and (t2.status = ($2::text) and (t2.name_key >= lower(($3::text)) and t2.name_key < lower(($3::text)) || repeat(chr(1114111), 255)))
        order by t2.name_key asc, t2.id asc
        limit 5
      ) t2
    ) t2
  ),
  ',"listed":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t3.id,
        '"}'
      ) as r0
      from (
        select t3.name, t3.name_key, t3.status, t3.id
        from billing.clients t3
        where t3.tenant_id = ($1::uuid) and t3.deleted_at is null and ((t3.name_key = any (lower(($4::text))::text[]) and t3.name = any (($4::text)::text[])) and t3.status = any (($5::text)::text[]))
        order by t3.name_key asc, t3.id asc
        limit 20
      ) t3
    ) t3
  ),
  ',"mixed":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t4.id,
        '"}'
      ) as r0
      from (
        select t4.name, t4.name_key, t4.status, t4.id
        from billing.clients t4
        where t4.tenant_id = ($1::uuid) and t4.deleted_at is null and ((t4.name_key = any (lower(($6::text))::text[]) and t4.name = any (($6::text)::text[])) and t4.status = any (($7::text)::text[]))
        order by t4.name_key asc, t4.id asc
        limit 20
      ) t4
    ) t4
  ),
  '}}'
), 'UTF8')
where core.context() = ($8::text) and core.tenant_id() = ($1::uuid)
