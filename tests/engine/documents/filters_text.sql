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
        '{"name":',
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
  ',"otherCase":',
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
        select t2.name, t2.name_key, t2.id
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null and ((t2.name_key = lower(($3::text)) and t2.name = ($3::text)))
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
        t4.id,
        '"}'
      ) as r0
      from (
        select t4.name, t4.name_key, t4.id
        from billing.clients t4
        where t4.tenant_id = ($1::uuid) and t4.deleted_at is null and ((t4.name_key = any (lower(($5::text))::text[]) and t4.name = any (($5::text)::text[])))
        order by t4.name_key asc, t4.id asc
        limit 20
      ) t4
    ) t4
  ),
  ',"inNothing":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t5
        where t5.tenant_id = ($1::uuid) and t5.deleted_at is null and ((t5.name_key = any (lower(($6::text))::text[]) and t5.name = any (($6::text)::text[])))
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t5.id,
        '"}'
      ) as r0
      from (
        select t5.name, t5.name_key, t5.id
        from billing.clients t5
        where t5.tenant_id = ($1::uuid) and t5.deleted_at is null and ((t5.name_key = any (lower(($6::text))::text[]) and t5.name = any (($6::text)::text[])))
        order by t5.name_key asc, t5.id asc
        limit 20
      ) t5
    ) t5
  ),
  ',"starts":',
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
        where t6.tenant_id = ($1::uuid) and t6.deleted_at is null and ((t6.name_key >= lower(($7::text)) and t6.name_key < lower(($7::text)) || repeat(chr(1114111), 255)))
        order by t6.name_key asc, t6.id asc
        limit 20
      ) t6
    ) t6
  ),
  ',"startsEmpty":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t7
        where t7.tenant_id = ($1::uuid) and t7.deleted_at is null and ((t7.name_key >= lower(($8::text)) and t7.name_key < lower(($8::text)) || repeat(chr(1114111), 255)))
      ),
      '}'
    )
  ),
  ',"startsAccent":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t8.name),
        '}'
      ) as r0
      from (
        select t8.name, t8.name_key, t8.id
        from billing.clients t8
        where t8.tenant_id = ($1::uuid) and t8.deleted_at is null and ((t8.name_key >= lower(($9::text)) and t8.name_key < lower(($9::text)) || repeat(chr(1114111), 255)))
        order by t8.name_key asc, t8.id asc
        limit 20
      ) t8
    ) t8
  ),
  ',"startsMail":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"email":',
        coalesce(core.as_json(t9.email)::text, 'null'),
        '}'
      ) as r0
      from (
        select t9.email, t9.email_key, t9.name_key, t9.id
        from billing.clients t9
        where t9.tenant_id = ($1::uuid) and t9.deleted_at is null and ((t9.email_key >= lower(($10::text)) and t9.email_key < lower(($10::text)) || repeat(chr(1114111), 255) and t9.email is not null))
        order by t9.name_key asc, t9.id asc
        limit 20
      ) t9
    ) t9
  ),
  ',"startsNumber":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t10
        where t10.tenant_id = ($1::uuid) and ((t10.number_key >= lower(($11::text)) and t10.number_key < lower(($11::text)) || repeat(chr(1114111), 255) and t10.number is not null))
      ),
      '}'
    )
  ),
  ',"isNull":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t11
        where t11.tenant_id = ($1::uuid) and t11.deleted_at is null and (t11.email is null)
      ),
      '}'
    )
  ),
  ',"isNotNull":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t12
        where t12.tenant_id = ($1::uuid) and t12.deleted_at is null and (t12.email is not null)
      ),
      '}'
    )
  ),
  ',"neOfNull":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t13
        where t13.tenant_id = ($1::uuid) and t13.deleted_at is null and (t13.email is distinct from ($12::text))
      ),
      '}'
    )
  ),
  ',"both":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t14.name),
        '}'
      ) as r0
      from (
        select t14.name, t14.name_key, t14.id
        from billing.clients t14
        where t14.tenant_id = ($1::uuid) and t14.deleted_at is null and ((t14.name_key >= lower(($13::text)) and t14.name_key < lower(($13::text)) || repeat(chr(1114111), 255)) and t14.name is distinct from ($14::text))
        order by t14.name_key asc, t14.id asc
        limit 20
      ) t14
    ) t14
  ),
  ',"nothing":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t15
        where t15.tenant_id = ($1::uuid) and t15.deleted_at is null and (true)
      ),
      '}'
    )
  ),
  '}}'
), 'UTF8')
where core.context() = ($15::text) and core.tenant_id() = ($1::uuid)
