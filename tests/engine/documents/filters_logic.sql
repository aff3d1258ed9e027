select convert_to(concat(
  '{"data":{"both":',
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
        select t1.status, t1.name, t1.name_key, t1.id
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null and (((t1.status = ($2::text)) and ((t1.name_key >= lower(($3::text)) and t1.name_key < lower(($3::text)) || repeat(chr(1114111), 255)))))
        order by t1.name_key asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"either":',
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
        select t2.status, t2.email, t2.name, t2.name_key, t2.id
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null and (((t2.status = ($4::text)) or (t2.email is null)))
        order by t2.name_key asc, t2.id asc
        limit 20
      ) t2
    ) t2
  ),
  ',"not":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t3.name),
        ',"email":',
        coalesce(core.as_json(t3.email)::text, 'null'),
        '}'
      ) as r0
      from (
        select t3.email, t3.email_key, t3.name, t3.name_key, t3.id
        from billing.clients t3
        where t3.tenant_id = ($1::uuid) and t3.deleted_at is null and (((t3.email_key >= lower(($5::text)) and t3.email_key < lower(($5::text)) || repeat(chr(1114111), 255) and t3.email is not null)) is not true)
        order by t3.name_key asc, t3.id asc
        limit 20
      ) t3
    ) t3
  ),
  ',"notNot":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t4.name),
        '}'
      ) as r0
      from (
        select t4.email, t4.email_key, t4.name, t4.name_key, t4.id
        from billing.clients t4
        where t4.tenant_id = ($1::uuid) and t4.deleted_at is null and ((((t4.email_key >= lower(($6::text)) and t4.email_key < lower(($6::text)) || repeat(chr(1114111), 255) and t4.email is not null)) is not true) is not true)
        order by t4.name_key asc, t4.id asc
        limit 20
      ) t4
    ) t4
  ),
  ',"notNe":',
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
        select t5.email, t5.name, t5.name_key, t5.id
        from billing.clients t5
        where t5.tenant_id = ($1::uuid) and t5.deleted_at is null and ((t5.email is distinct from ($7::text)) is not true)
        order by t5.name_key asc, t5.id asc
        limit 20
      ) t5
    ) t5
  ),
  ',"emptyAnd":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t6
        where t6.tenant_id = ($1::uuid) and t6.deleted_at is null and (true)
      ),
      '}'
    )
  ),
  ',"emptyOr":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t7
        where t7.tenant_id = ($1::uuid) and t7.deleted_at is null and (false)
      ),
      '}'
    )
  ),
  ',"emptyNot":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t8
        where t8.tenant_id = ($1::uuid) and t8.deleted_at is null and ((true) is not true)
      ),
      '}'
    )
  ),
  ',"empty":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t9
        where t9.tenant_id = ($1::uuid) and t9.deleted_at is null and (true)
      ),
      '}'
    )
  ),
  ',"beside":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t10.name),
        '}'
      ) as r0
      from (
        select t10.status, t10.name, t10.name_key, t10.id
        from billing.clients t10
        where t10.tenant_id = ($1::uuid) and t10.deleted_at is null and (t10.status = ($8::text) and (((t10.name_key >= lower(($9::text)) and t10.name_key < lower(($9::text)) || repeat(chr(1114111), 255))) or ((t10.name_key >= lower(($10::text)) and t10.name_key < lower(($10::text)) || repeat(chr(1114111), 255)))))
        order by t10.name_key asc, t10.id asc
        limit 20
      ) t10
    ) t10
  ),
  ',"deep":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t11.id,
        '"}'
      ) as r0
      from (
        select t11.status, t11.total, t11.total_minor, t11.due_date, t11.balance_minor, t11.id, t11.issue_date
        from billing.invoices t11
        where t11.tenant_id = ($1::uuid) and ((((((t11.status = ($11::text)) is not true) and (t11.total_minor > (($12::text)::numeric * 100)::bigint))) or ((t11.due_date < core.today() and t11.status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and t11.balance_minor > 0))))
        order by t11.issue_date desc, t11.id desc
        limit 20
      ) t11
    ) t11
  ),
  ',"notOverdue":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t12
        where t12.tenant_id = ($1::uuid) and (((t12.due_date < core.today() and t12.status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and t12.balance_minor > 0)) is not true)
      ),
      '}'
    )
  ),
  ',"notNull":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t13
        where t13.tenant_id = ($1::uuid) and (((t13.number_key = any (lower(($13::text))::text[]) and t13.number = any (($13::text)::text[]))) is not true)
      ),
      '}'
    )
  ),
  ',"notEqual":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"externalRef":',
        coalesce(core.as_json(t14.external_ref)::text, 'null'),
        '}'
      ) as r0
      from (
        select t14.external_ref, t14.name_key, t14.id
        from billing.clients t14
        where t14.tenant_id = ($1::uuid) and t14.deleted_at is null and ((t14.external_ref = ($14::text)) is not true)
        order by t14.name_key asc, t14.id asc
        limit 20
      ) t14
    ) t14
  ),
  ',"notLater":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t15
        where t15.tenant_id = ($1::uuid) and t15.deleted_at is null and ((((t15.external_ref = any (($15::text)::text[])) or ((t15.email_key >= lower(($16::text)) and t15.email_key < lower(($16::text)) || repeat(chr(1114111), 255) and t15.email is not null)))) is not true)
      ),
      '}'
    )
  ),
  '}}'
), 'UTF8')
where core.context() = ($17::text) and core.tenant_id() = ($1::uuid)
