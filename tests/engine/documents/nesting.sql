select convert_to(concat(
  '{"data":{"clients":',
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
        ',"open":',
        (
          select concat(
            '{"totalCount":',
            (
              select count(*)
              from billing.invoices t2
              where t2.tenant_id = ($1::uuid) and t2.client_id = t1.id and (t2.balance_minor > (($2::text)::numeric * 100)::bigint)
            ),
            ',"nodes":[',
            string_agg(r0, ','),
            '],"pageInfo":{"hasNextPage":',
            case when count(*) > 2 then 'true' else 'false' end,
            '}}'
          )
          from (
            select case when n <= 2 then concat(
              '{"number":',
              coalesce(core.as_json(t2.number)::text, 'null'),
              ',"balance":"',
              round(t2.balance, 2),
              '","lines":[',
              (
                select string_agg(concat(
                  '{"amount":"',
                  round(t3.amount, 2),
                  '"}'
                ), ',' order by t3.position)
                from billing.invoice_lines t3
                where t3.tenant_id = ($1::uuid) and t3.invoice_id = t2.id
              ),
              '],"client":',
              coalesce((
                select concat(
                  '{"name":',
                  core.as_json(t4.name),
                  ',"invoices":',
                  (
                    select concat(
                      '{"nodes":[',
                      string_agg(r0, ','),
                      '],"pageInfo":{"hasPreviousPage":',
                      case when count(*) > 1 then 'true' else 'false' end,
                      '}}'
                    )
                    from (
                      select case when n <= 1 then concat(
                        '{"id":"',
                        t5.id,
                        '"}'
                      ) end as r0, n, m
                      from (
                        select t5.*, row_number() over () as n, count(*) over () as m
                        from (
                          select t5.id, t5.issue_date
                          from billing.invoices t5
                          where t5.tenant_id = ($1::uuid) and t5.client_id = t4.id
                          order by t5.issue_date asc, t5.id asc
                          limit 2
                        ) t5
                      ) t5
                      order by n desc
                    ) t5
                  ),
                  '}'
                )
                from billing.clients t4
                where t4.tenant_id = ($1::uuid) and t4.id = t2.client_id
              ), 'null'),
              '}'
            ) end as r0, n, m
            from (
              select t2.*, row_number() over () as n, count(*) over () as m
              from (
                select t2.balance, t2.balance_minor, t2.number, t2.id, t2.client_id, t2.due_date
                from billing.invoices t2
                where t2.tenant_id = ($1::uuid) and t2.client_id = t1.id and (t2.balance_minor > (($2::text)::numeric * 100)::bigint)
                order by t2.due_date asc, t2.id asc
                limit 3
              ) t2
            ) t2
          ) t2
        ),
        ',"drafts":',
        (
          select concat(
            '{"nodes":[',
            string_agg(r0, ','),
            '],"pageInfo":{"hasPreviousPage":',
            case when count(*) > 1 then 'true' else 'false' end,
            ',"startCursor":',
            coalesce('"' || max(place) filter (where n = least(m, 1)) || '"', 'null'),
            '}}'
          )
          from (
            select case when n <= 1 then concat(
              '{"id":"',
              t6.id,
              '"}'
            ) end as r0, n, m, case when n in (1, least(m, 1)) then translate(encode(convert_to(json_build_array('Invoice,ISSUE_DATE_DESC', t6.issue_date, t6.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
            from (
              select t6.*, row_number() over () as n, count(*) over () as m
              from (
                select t6.status, t6.id, t6.issue_date
                from billing.invoices t6
                where t6.tenant_id = ($1::uuid) and t6.client_id = t1.id and (t6.status = ($3::text))
                order by t6.issue_date asc, t6.id asc
                limit 2
              ) t6
            ) t6
            order by n desc
          ) t6
        ),
        ',"invoiceGroups":[',
        (
          select string_agg(concat(
            '{"key":{"status":"',
            t7.k0,
            '","currency":',
            core.as_json(t7.k1),
            ',"client":null},"count":',
            t7.members,
            ',"total":{"sum":"',
            round(t7.a0, 2),
            '","max":"',
            round(t7.a1, 2),
            '"}}'
          ), ',')
          from (
            select t7.status as k0, t7.currency as k1, sum(t7.total_minor) * 0.01 as a0, max(t7.total_minor) * 0.01 as a1, count(*) as members
            from billing.invoices t7
            where t7.tenant_id = ($1::uuid) and t7.client_id = t1.id
            group by 1, 2
            order by members desc, t7.status collate "C", t7.currency collate "C"
            limit 100
          ) t7
        ),
        '],"contacts":[',
        (
          select string_agg(concat(
            '{"name":',
            core.as_json(t8.name),
            ',"client":',
            coalesce((
              select concat(
                '{"contacts":[',
                (
                  select string_agg(concat(
                    '{"name":',
                    core.as_json(t10.name),
                    '}'
                  ), ',')
                  from (
                    select t10.name, t10.created_at, t10.id
                    from billing.client_contacts t10
                    where t10.tenant_id = ($1::uuid) and t10.client_id = t9.id
                    order by t10.created_at, t10.id
                    limit 1000
                  ) t10
                ),
                ']}'
              )
              from billing.clients t9
              where t9.tenant_id = ($1::uuid) and t9.id = t8.client_id
            ), 'null'),
            '}'
          ), ',')
          from (
            select t8.name, t8.client_id, t8.created_at, t8.id
            from billing.client_contacts t8
            where t8.tenant_id = ($1::uuid) and t8.client_id = t1.id
            order by t8.created_at, t8.id
            limit 1000
          ) t8
        ),
        ']}'
      ) as r0
      from (
        select t1.name, t1.id, t1.name_key
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
        order by t1.name_key desc, t1.id desc
        limit 4
      ) t1
    ) t1
  ),
  '}}'
), 'UTF8')
where core.context() = ($4::text) and core.tenant_id() = ($1::uuid)
