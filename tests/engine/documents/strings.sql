select convert_to(concat(
  '{"data":{"eq":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t1.id,
        '","name":',
        core.as_json(t1.name),
        '}'
      ) as r0
      from (
        select t1.name, t1.name_key, t1.id
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null and ((t1.name_key = lower(($2::text)) and t1.name = ($2::text)))
        order by t1.name_key asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"in":',
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
        '"}'
      ) as r0
      from (
        select t2.name, t2.name_key, t2.id
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null and ((t2.name_key = any (lower(($3::text))::text[]) and t2.name = any (($3::text)::text[])))
        order by t2.name_key asc, t2.id asc
        limit 20
      ) t2
    ) t2
  ),
  ',"ne":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t3
        where t3.tenant_id = ($1::uuid) and t3.deleted_at is null and (t3.name is distinct from ($4::text))
      ),
      '}'
    )
  ),
  ',"starts":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t4
        where t4.tenant_id = ($1::uuid) and t4.deleted_at is null and ((t4.name_key >= lower(($5::text)) and t4.name_key < lower(($5::text)) || repeat(chr(1114111), 255)))
      ),
      '}'
    )
  ),
  ',"block":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t5.name),
        '}'
      ) as r0
      from (
        select t5.name, t5.name_key, t5.id
        from billing.clients t5
        where t5.tenant_id = ($1::uuid) and t5.deleted_at is null and ((t5.name_key >= lower(($6::text)) and t5.name_key < lower(($6::text)) || repeat(chr(1114111), 255)))
        order by t5.name_key asc, t5.id asc
        limit 20
      ) t5
    ) t5
  ),
  ',"escaped":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t6.name),
        '}'
      ) as r0
      from (
        select t6.name, t6.name_key, t6.id
        from billing.clients t6
        where t6.tenant_id = ($1::uuid) and t6.deleted_at is null and ((t6.name_key = lower(($7::text)) and t6.name = ($7::text)))
        order by t6.name_key asc, t6.id asc
        limit 20
      ) t6
    ) t6
  ),
  ',"wide":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t7.name),
        '}'
      ) as r0
      from (
        select t7.name, t7.name_key, t7.id
        from billing.clients t7
        where t7.tenant_id = ($1::uuid) and t7.deleted_at is null and ((t7.name_key >= lower(($8::text)) and t7.name_key < lower(($8::text)) || repeat(chr(1114111), 255)))
        order by t7.name_key asc, t7.id asc
        limit 20
      ) t7
    ) t7
  ),
  '}}'
), 'UTF8')
where core.context() = ($9::text) and core.tenant_id() = ($1::uuid)
