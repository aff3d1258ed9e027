select convert_to(concat(
  '{"data":{"invoices":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t1
        where t1.tenant_id = ($1::uuid) and ((t1.due_date < core.today() and t1.status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and t1.balance_minor > 0) and exists (
          select
          from billing.clients t2
          where t2.tenant_id = ($1::uuid) and t2.id = t1.client_id and (t2.status = ($2::text))
        ))
      ),
      ',"pageInfo":{"hasNextPage":',
      case when count(*) > 20 then 'true' else 'false' end,
      ',"endCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 20)) || '"', 'null'),
      '},"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select case when n <= 20 then concat(
        '{"id":"',
        t1.id,
        '","number":',
        coalesce(core.as_json(t1.number)::text, 'null'),
        ',"dueDate":"',
        t1.due_date,
        '","balance":"',
        round(t1.balance, 2),
        '","currency":',
        core.as_json(t1.currency),
        ',"client":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t3.name),
            '}'
          )
          from billing.clients t3
          where t3.tenant_id = ($1::uuid) and t3.id = t1.client_id
        ), 'null'),
        ',"lines":[',
        (
          select string_agg(concat(
            '{"description":',
            core.as_json(t4.description),
            ',"amount":"',
            round(t4.amount, 2),
            '"}'
          ), ',' order by t4.position)
          from billing.invoice_lines t4
          where t4.tenant_id = ($1::uuid) and t4.invoice_id = t1.id
        ),
        ']}'
      ) end as r0, n, m, case when n in (1, least(m, 20)) then translate(encode(convert_to(json_build_array('Invoice,DUE_DATE_ASC', t1.due_date, t1.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t1.*, row_number() over () as n, count(*) over () as m
        from (
          select t1.due_date, t1.status, t1.balance_minor, t1.client_id, t1.id, t1.number, t1.balance, t1.currency
          from billing.invoices t1
          where t1.tenant_id = ($1::uuid) and ((t1.due_date < core.today() and t1.status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and t1.balance_minor > 0) and exists (
            select
            from billing.clients t2
            where t2.tenant_id = ($1::uuid) and t2.id = t1.client_id and (t2.status = ($2::text))
          ))
          order by t1.due_date asc, t1.id asc
          limit 21
        ) t1
      ) t1
    ) t1
  ),
  ',"invoiceGroups":[',
  (
    select string_agg(concat(
      '{"key":{"issueDateMonth":"',
      t5.k0,
      '","status":"',
      t5.k1,
      '"},"count":',
      t5.members,
      ',"total":{"sum":"',
      round(t5.a0, 2),
      '","avg":"',
      round(t5.a1, 2),
      '"},"balance":{"sum":"',
      round(t5.a2, 2),
      '"}}'
    ), ',')
    from (
      select date_trunc('month', t5.issue_date::timestamp)::date as k0, t5.status as k1, t5.currency as k2, sum(t5.total_minor) * 0.01 as a0, round(avg(t5.total), 2) as a1, sum(t5.balance_minor) * 0.01 as a2, count(*) as members
      from billing.invoices t5
      where t5.tenant_id = ($1::uuid) and (t5.issue_date >= ($3::text)::date)
      group by 1, 2, 3
      order by k0 asc, k0, t5.status collate "C", t5.currency collate "C"
      limit 100
    ) t5
  ),
  ']}}'
), 'UTF8')
where core.context() = ($4::text) and core.tenant_id() = ($1::uuid)
