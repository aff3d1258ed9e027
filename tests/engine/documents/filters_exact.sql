select convert_to(concat(
  '{"data":{"ref":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"externalRef":',
        coalesce(core.as_json(t1.external_ref)::text, 'null'),
        '}'
      ) as r0
      from (
        select t1.external_ref, t1.name_key, t1.id
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null and (t1.external_ref = ($2::text))
        order by t1.name_key asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"refs":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"externalRef":',
        coalesce(core.as_json(t2.external_ref)::text, 'null'),
        '}'
      ) as r0
      from (
        select t2.external_ref, t2.name_key, t2.id
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null and (t2.external_ref = any (($3::text)::text[]))
        order by t2.name_key asc, t2.id asc
        limit 20
      ) t2
    ) t2
  ),
  ',"refNe":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t3
        where t3.tenant_id = ($1::uuid) and t3.deleted_at is null and (t3.external_ref is distinct from ($4::text))
      ),
      '}'
    )
  ),
  ',"refNull":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t4
        where t4.tenant_id = ($1::uuid) and t4.deleted_at is null and (t4.external_ref is null)
      ),
      '}'
    )
  ),
  ',"active":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t5
        where t5.tenant_id = ($1::uuid) and t5.deleted_at is null and (t5.status = ($5::text))
      ),
      '}'
    )
  ),
  ',"notActive":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t6
        where t6.tenant_id = ($1::uuid) and t6.deleted_at is null and (t6.status is distinct from ($6::text))
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"status":"',
        t6.status,
        '"}'
      ) as r0
      from (
        select t6.status, t6.name_key, t6.id
        from billing.clients t6
        where t6.tenant_id = ($1::uuid) and t6.deleted_at is null and (t6.status is distinct from ($6::text))
        order by t6.name_key asc, t6.id asc
        limit 20
      ) t6
    ) t6
  ),
  ',"some":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t7
        where t7.tenant_id = ($1::uuid) and t7.deleted_at is null and (t7.status = any (($7::text)::text[]))
      ),
      '}'
    )
  ),
  ',"none":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t8
        where t8.tenant_id = ($1::uuid) and t8.deleted_at is null and (t8.status is null)
      ),
      '}'
    )
  ),
  ',"of":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t9
        where t9.tenant_id = ($1::uuid) and (t9.client_id = ($8::uuid))
      ),
      '}'
    )
  ),
  ',"ofNot":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t10
        where t10.tenant_id = ($1::uuid) and (t10.client_id is distinct from ($9::uuid))
      ),
      '}'
    )
  ),
  ',"ofSome":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t11
        where t11.tenant_id = ($1::uuid) and (t11.client_id = any (($10::text)::uuid[]))
      ),
      '}'
    )
  ),
  ',"overdue":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"number":',
        coalesce(core.as_json(t12.number)::text, 'null'),
        ',"dueDate":"',
        t12.due_date,
        '","status":"',
        t12.status,
        '","balance":"',
        round(t12.balance, 2),
        '"}'
      ) as r0
      from (
        select t12.due_date, t12.status, t12.balance_minor, t12.number, t12.balance, t12.issue_date, t12.id
        from billing.invoices t12
        where t12.tenant_id = ($1::uuid) and ((t12.due_date < core.today() and t12.status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and t12.balance_minor > 0))
        order by t12.issue_date desc, t12.id desc
        limit 20
      ) t12
    ) t12
  ),
  ',"notOverdue":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t13
        where t13.tenant_id = ($1::uuid) and (((t13.due_date < core.today() and t13.status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and t13.balance_minor > 0)) is not true)
      ),
      '}'
    )
  ),
  '}}'
), 'UTF8')
where core.context() = ($11::text) and core.tenant_id() = ($1::uuid)
