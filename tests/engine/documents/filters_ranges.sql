select convert_to(concat(
  '{"data":{"eq":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t1
        where t1.tenant_id = ($1::uuid) and (t1.issue_date = ($2::text)::date)
      ),
      '}'
    )
  ),
  ',"ne":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t2
        where t2.tenant_id = ($1::uuid) and (t2.issue_date is distinct from ($3::text)::date)
      ),
      '}'
    )
  ),
  ',"before":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t3
        where t3.tenant_id = ($1::uuid) and (t3.due_date < ($4::text)::date)
      ),
      '}'
    )
  ),
  ',"from":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"issueDate":"',
        t4.issue_date,
        '"}'
      ) as r0
      from (
        select t4.issue_date, t4.id
        from billing.invoices t4
        where t4.tenant_id = ($1::uuid) and (t4.issue_date >= ($5::text)::date and t4.issue_date <= ($6::text)::date)
        order by t4.issue_date desc, t4.id desc
        limit 20
      ) t4
    ) t4
  ),
  ',"in":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t5
        where t5.tenant_id = ($1::uuid) and (t5.due_date = any (($7::text)::date[]))
      ),
      '}'
    )
  ),
  ',"less":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t6
        where t6.tenant_id = ($1::uuid) and (t6.total_minor < (($8::text)::numeric * 100)::bigint)
      ),
      '}'
    )
  ),
  ',"most":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t7
        where t7.tenant_id = ($1::uuid) and (t7.total_minor <= (($9::text)::numeric * 100)::bigint)
      ),
      '}'
    )
  ),
  ',"more":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t8
        where t8.tenant_id = ($1::uuid) and (t8.balance_minor > (($10::text)::numeric * 100)::bigint)
      ),
      '}'
    )
  ),
  ',"exactly":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t9
        where t9.tenant_id = ($1::uuid) and (t9.balance_minor = (($11::text)::numeric * 100)::bigint)
      ),
      '}'
    )
  ),
  ',"other":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"total":"',
        round(t10.total, 2),
        '"}'
      ) as r0
      from (
        select t10.total, t10.total_minor, t10.issue_date, t10.id
        from billing.invoices t10
        where t10.tenant_id = ($1::uuid) and (t10.total_minor is distinct from (($12::text)::numeric * 100)::bigint and t10.total_minor >= (($13::text)::numeric * 100)::bigint)
        order by t10.issue_date desc, t10.id desc
        limit 20
      ) t10
    ) t10
  ),
  ',"amounts":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"total":"',
        round(t11.total, 2),
        '"}'
      ) as r0
      from (
        select t11.total, t11.total_minor, t11.issue_date, t11.id
        from billing.invoices t11
        where t11.tenant_id = ($1::uuid) and (t11.total_minor = any (array(
          select (each * 100)::bigint
          from unnest(($14::text)::numeric[]) each
        )))
        order by t11.issue_date desc, t11.id desc
        limit 20
      ) t11
    ) t11
  ),
  ',"since":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t12
        where t12.tenant_id = ($1::uuid) and (t12.created_at > ($15::text)::timestamptz)
      ),
      '}'
    )
  ),
  ',"until":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t13
        where t13.tenant_id = ($1::uuid) and t13.deleted_at is null and (t13.created_at <= ($16::text)::timestamptz)
      ),
      '}'
    )
  ),
  ',"then":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t14
        where t14.tenant_id = ($1::uuid) and t14.deleted_at is null and (t14.created_at = ($17::text)::timestamptz)
      ),
      '}'
    )
  ),
  ',"notThen":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t15
        where t15.tenant_id = ($1::uuid) and t15.deleted_at is null and (t15.created_at = any (($18::text)::timestamptz[]))
      ),
      '}'
    )
  ),
  '}}'
), 'UTF8')
where core.context() = ($19::text) and core.tenant_id() = ($1::uuid)
