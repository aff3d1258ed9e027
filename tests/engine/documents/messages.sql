select convert_to(concat(
  '{"data":{"invoiceMessages":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoice_messages t1
        where t1.tenant_id = ($1::uuid) and (t1.status = any (($2::text)::text[]) and t1.created_at >= ($3::text)::timestamptz)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t1.id,
        '","status":"',
        t1.status,
        '","recipient":',
        core.as_json(t1.recipient),
        ',"subject":',
        core.as_json(t1.subject),
        ',"text":',
        core.as_json(t1.text),
        ',"attempts":',
        t1.attempts,
        ',"nextTryAt":',
        to_json(t1.next_try_at),
        ',"sentAt":',
        coalesce(to_json(t1.sent_at)::text, 'null'),
        ',"deliveredAt":',
        coalesce(to_json(t1.delivered_at)::text, 'null'),
        ',"openedAt":',
        coalesce(to_json(t1.opened_at)::text, 'null'),
        ',"bouncedAt":',
        coalesce(to_json(t1.bounced_at)::text, 'null'),
        ',"bounceReason":',
        coalesce(core.as_json(t1.bounce_reason)::text, 'null'),
        ',"updatedAt":',
        to_json(t1.updated_at),
        ',"invoice":',
        coalesce((
          select concat(
            '{"number":',
            coalesce(core.as_json(t2.number)::text, 'null'),
            ',"emailStatus":"',
            t2.email_status,
            '","viewedAt":',
            coalesce(to_json(t2.viewed_at)::text, 'null'),
            ',"client":',
            coalesce((
              select concat(
                '{"name":',
                core.as_json(t3.name),
                ',"email":',
                coalesce(core.as_json(t3.email)::text, 'null'),
                '}'
              )
              from billing.clients t3
              where t3.tenant_id = ($1::uuid) and t3.id = t2.client_id
            ), 'null'),
            '}'
          )
          from billing.invoices t2
          where t2.tenant_id = ($1::uuid) and t2.id = t1.invoice_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t1.status, t1.created_at, t1.id, t1.recipient, t1.subject, t1.text, t1.attempts, t1.next_try_at, t1.sent_at, t1.delivered_at, t1.opened_at, t1.bounced_at, t1.bounce_reason, t1.updated_at, t1.invoice_id
        from billing.invoice_messages t1
        where t1.tenant_id = ($1::uuid) and (t1.status = any (($2::text)::text[]) and t1.created_at >= ($3::text)::timestamptz)
        order by t1.created_at asc, t1.id asc
        limit 50
      ) t1
    ) t1
  ),
  ',"invoiceMessageGroups":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t4.k0,
      '"},"count":',
      t4.members,
      '}'
    ), ',')
    from (
      select t4.status as k0, count(*) as members
      from billing.invoice_messages t4
      where t4.tenant_id = ($1::uuid)
      group by 1
      order by t4.status collate "C"
      limit 100
    ) t4
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
        t5.id,
        '","emailStatus":"',
        t5.email_status,
        '","messages":',
        (
          select concat(
            '{"totalCount":',
            (
              select count(*)
              from billing.invoice_messages t6
              where t6.tenant_id = ($1::uuid) and t6.invoice_id = t5.id
            ),
            ',"nodes":[',
            string_agg(r0, ','),
            ']}'
          )
          from (
            select concat(
              '{"status":"',
              t6.status,
              '","createdAt":',
              to_json(t6.created_at),
              '}'
            ) as r0
            from (
              select t6.status, t6.created_at, t6.id
              from billing.invoice_messages t6
              where t6.tenant_id = ($1::uuid) and t6.invoice_id = t5.id
              order by t6.created_at desc, t6.id desc
              limit 2
            ) t6
          ) t6
        ),
        '}'
      ) as r0
      from (
        select t5.status, t5.id, t5.email_status, t5.issue_date
        from billing.invoices t5
        where t5.tenant_id = ($1::uuid) and (t5.status = any (($4::text)::text[]))
        order by t5.issue_date desc, t5.id desc
        limit 5
      ) t5
    ) t5
  ),
  '}}'
), 'UTF8')
where core.context() = ($5::text) and core.tenant_id() = ($1::uuid)
