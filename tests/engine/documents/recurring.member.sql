select convert_to(concat(
  '{"data":{"recurringInvoices":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.recurring_invoices t1
        where t1.tenant_id = ($1::uuid) and t1.client_id = any (($2::text)::uuid[]) and (((t1.next_date <= ($3::text)::date) or (t1.status = any (($4::text)::text[]))))
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t1.id,
        '","enabled":',
        case t1.enabled when true then 'true' when false then 'false' else 'null' end,
        ',"status":"',
        t1.status,
        '","frequency":"',
        t1.frequency,
        '","nextDate":',
        coalesce('"' || t1.next_date || '"', 'null'),
        ',"endDate":',
        coalesce('"' || t1.end_date || '"', 'null'),
        ',"pauseReason":',
        coalesce(core.as_json(t1.pause_reason)::text, 'null'),
        ',"client":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t2.name),
            '}'
          )
          from billing.clients t2
          where t2.tenant_id = ($1::uuid) and t2.id = any (($2::text)::uuid[]) and t2.id = t1.client_id
        ), 'null'),
        ',"invoice":',
        coalesce((
          select concat(
            '{"number":',
            coalesce(core.as_json(t3.number)::text, 'null'),
            ',"total":"',
            round(t3.total, 2),
            '","recurring":',
            coalesce((
              select concat(
                '{"id":"',
                t4.id,
                '"}'
              )
              from billing.recurring_invoices t4
              where t4.tenant_id = ($1::uuid) and t4.client_id = any (($2::text)::uuid[]) and t4.id = t3.id
            ), 'null'),
            '}'
          )
          from billing.invoices t3
          where t3.tenant_id = ($1::uuid) and t3.client_id = any (($2::text)::uuid[]) and t3.id = t1.id
        ), 'null'),
        ',"periods":',
        (
          select concat(
            '{"totalCount":',
            (
              select count(*)
              from billing.recurring_invoice_periods t5
              where t5.tenant_id = ($1::uuid) and t5.client_id = any (($2::text)::uuid[]) and t5.recurring_invoice_id = t1.id
            ),
            ',"nodes":[',
            string_agg(r0, ','),
            ']}'
          )
          from (
            select concat(
              '{"periodDate":"',
              t5.period_date,
              '","invoice":',
              coalesce((
                select concat(
                  '{"id":"',
                  t6.id,
                  '","issueDate":"',
                  t6.issue_date,
                  '"}'
                )
                from billing.invoices t6
                where t6.tenant_id = ($1::uuid) and t6.client_id = any (($2::text)::uuid[]) and t6.id = t5.id
              ), 'null'),
              ',"recurringInvoice":',
              coalesce((
                select concat(
                  '{"id":"',
                  t7.id,
                  '"}'
                )
                from billing.recurring_invoices t7
                where t7.tenant_id = ($1::uuid) and t7.client_id = any (($2::text)::uuid[]) and t7.id = t5.recurring_invoice_id
              ), 'null'),
              '}'
            ) as r0
            from (
              select t5.period_date, t5.id, t5.recurring_invoice_id
              from billing.recurring_invoice_periods t5
              where t5.tenant_id = ($1::uuid) and t5.client_id = any (($2::text)::uuid[]) and t5.recurring_invoice_id = t1.id
              order by t5.period_date asc, t5.id asc
              limit 3
            ) t5
          ) t5
        ),
        '}'
      ) as r0
      from (
        select t1.next_date, t1.status, t1.id, t1.enabled, t1.frequency, t1.end_date, t1.pause_reason, t1.client_id, t1.created_at
        from billing.recurring_invoices t1
        where t1.tenant_id = ($1::uuid) and t1.client_id = any (($2::text)::uuid[]) and (((t1.next_date <= ($3::text)::date) or (t1.status = any (($4::text)::text[]))))
        order by t1.created_at desc, t1.id desc
        limit 50
      ) t1
    ) t1
  ),
  ',"recurringInvoiceGroups":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t8.k0,
      '"},"count":',
      t8.members,
      '}'
    ), ',')
    from (
      select t8.status as k0, count(*) as members
      from billing.recurring_invoices t8
      where t8.tenant_id = ($1::uuid) and t8.client_id = any (($2::text)::uuid[])
      group by 1
      order by t8.status collate "C"
      limit 100
    ) t8
  ),
  '],"invoices":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t9.id,
        '","recurring":',
        coalesce((
          select concat(
            '{"nextDate":',
            coalesce('"' || t11.next_date || '"', 'null'),
            '}'
          )
          from billing.recurring_invoices t11
          where t11.tenant_id = ($1::uuid) and t11.client_id = any (($2::text)::uuid[]) and t11.id = t9.id
        ), 'null'),
        ',"recurringPeriod":',
        coalesce((
          select concat(
            '{"periodDate":"',
            t12.period_date,
            '","recurringInvoice":',
            coalesce((
              select concat(
                '{"frequency":"',
                t13.frequency,
                '"}'
              )
              from billing.recurring_invoices t13
              where t13.tenant_id = ($1::uuid) and t13.client_id = any (($2::text)::uuid[]) and t13.id = t12.recurring_invoice_id
            ), 'null'),
            '}'
          )
          from billing.recurring_invoice_periods t12
          where t12.tenant_id = ($1::uuid) and t12.client_id = any (($2::text)::uuid[]) and t12.id = t9.id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t9.id, t9.issue_date
        from billing.invoices t9
        where t9.tenant_id = ($1::uuid) and t9.client_id = any (($2::text)::uuid[]) and (exists (
          select
          from billing.recurring_invoices t10
          where t10.tenant_id = ($1::uuid) and t10.client_id = any (($2::text)::uuid[]) and t10.id = t9.id and (t10.status = ($5::text))
        ))
        order by t9.issue_date desc, t9.id desc
        limit 5
      ) t9
    ) t9
  ),
  '}}'
), 'UTF8')
where core.context() = ($6::text) and core.tenant_id() = ($1::uuid)
