select convert_to(concat(
  '{"data":{"clients":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
      ),
      ',"pageInfo":{"hasNextPage":',
      case when count(*) > 3 then 'true' else 'false' end,
      ',"startCursor":',
      coalesce('"' || max(place) filter (where n = 1) || '"', 'null'),
      ',"endCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 3)) || '"', 'null'),
      '},"edges":[',
      string_agg(r0, ','),
      '],"nodes":[',
      string_agg(r1, ','),
      ']}'
    )
    from (
      select case when n <= 3 then concat(
        '{"cursor":"',
        translate(encode(convert_to(json_build_array('Client,NAME_ASC', t1.name_key, t1.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_'),
        '","node":{"name":',
        core.as_json(t1.name),
        ',"email":',
        coalesce(core.as_json(t1.email)::text, 'null'),
        ',"contacts":[',
        (
          select string_agg(concat(
            '{"name":',
            core.as_json(t2.name),
            ',"email":',
            coalesce(core.as_json(t2.email)::text, 'null'),
            ',"id":"',
            t2.id,
            '","__typename":"ClientContact"}'
          ), ',')
          from (
            select t2.name, t2.email, t2.id, t2.created_at
            from billing.client_contacts t2
            where t2.tenant_id = ($1::uuid) and t2.client_id = t1.id
            order by t2.created_at, t2.id
            limit 1000
          ) t2
        ),
        ']}}'
      ) end as r0, case when n <= 3 then concat(
        '{"name":',
        core.as_json(t1.name),
        ',"email":',
        coalesce(core.as_json(t1.email)::text, 'null'),
        ',"contacts":[',
        (
          select string_agg(concat(
            '{"name":',
            core.as_json(t3.name),
            ',"email":',
            coalesce(core.as_json(t3.email)::text, 'null'),
            ',"id":"',
            t3.id,
            '","__typename":"ClientContact"}'
          ), ',')
          from (
            select t3.name, t3.email, t3.id, t3.created_at
            from billing.client_contacts t3
            where t3.tenant_id = ($1::uuid) and t3.client_id = t1.id
            order by t3.created_at, t3.id
            limit 1000
          ) t3
        ),
        '],"id":"',
        t1.id,
        '","city":',
        coalesce(core.as_json(t1.city)::text, 'null'),
        ',"status":"',
        t1.status,
        '"}'
      ) end as r1, n, m, case when n in (1, least(m, 3)) then translate(encode(convert_to(json_build_array('Client,NAME_ASC', t1.name_key, t1.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t1.*, row_number() over () as n, count(*) over () as m
        from (
          select t1.name_key, t1.id, t1.name, t1.email, t1.city, t1.status
          from billing.clients t1
          where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
          order by t1.name_key asc, t1.id asc
          limit 4
        ) t1
      ) t1
    ) t1
  ),
  ',"invoices":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"number":',
        coalesce(core.as_json(t4.number)::text, 'null'),
        ',"lines":[',
        (
          select string_agg(concat(
            '{"position":',
            t5.position,
            ',"amount":"',
            round(t5.amount, 2),
            '"}'
          ), ',' order by t5.position)
          from billing.invoice_lines t5
          where t5.tenant_id = ($1::uuid) and t5.invoice_id = t4.id
        ),
        '],"client":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t6.name),
            ',"email":',
            coalesce(core.as_json(t6.email)::text, 'null'),
            ',"contacts":[',
            (
              select string_agg(concat(
                '{"name":',
                core.as_json(t7.name),
                ',"email":',
                coalesce(core.as_json(t7.email)::text, 'null'),
                ',"id":"',
                t7.id,
                '","__typename":"ClientContact"}'
              ), ',')
              from (
                select t7.name, t7.email, t7.id, t7.created_at
                from billing.client_contacts t7
                where t7.tenant_id = ($1::uuid) and t7.client_id = t6.id
                order by t7.created_at, t7.id
                limit 1000
              ) t7
            ),
            ']}'
          )
          from billing.clients t6
          where t6.tenant_id = ($1::uuid) and t6.id = t4.client_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t4.number, t4.id, t4.client_id, t4.total_minor
        from billing.invoices t4
        where t4.tenant_id = ($1::uuid)
        order by t4.total_minor desc, t4.id desc
        limit 2
      ) t4
    ) t4
  ),
  '}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
