select convert_to(concat(
  '{"data":{"countOnly":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null and (t1.status = ($2::text))
      ),
      '}'
    )
  ),
  ',"infoOnly":',
  (
    select concat(
      '{"pageInfo":{"hasNextPage":',
      case when count(*) > 2 then 'true' else 'false' end,
      ',"hasPreviousPage":',
      'false',
      ',"startCursor":',
      coalesce('"' || max(place) filter (where n = 1) || '"', 'null'),
      ',"endCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 2)) || '"', 'null'),
      '}}'
    )
    from (
      select n, m, case when n in (1, least(m, 2)) then translate(encode(convert_to(json_build_array('Client,NAME_ASC', t2.name_key, t2.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t2.*, row_number() over () as n, count(*) over () as m
        from (
          select t2.name_key, t2.id
          from billing.clients t2
          where t2.tenant_id = ($1::uuid) and t2.deleted_at is null
          order by t2.name_key asc, t2.id asc
          limit 3
        ) t2
      ) t2
    ) t2
  ),
  ',"nextOnly":',
  (
    select concat(
      '{"pageInfo":{"hasNextPage":',
      'false',
      '}}'
    )
  ),
  ',"previousOnly":',
  (
    select concat(
      '{"pageInfo":{"hasPreviousPage":',
      case when count(*) > 3 then 'true' else 'false' end,
      '}}'
    )
    from (
      select n, m
      from (
        select t4.*, row_number() over () as n, count(*) over () as m
        from (
          select t4.issue_date, t4.id
          from billing.invoices t4
          where t4.tenant_id = ($1::uuid)
          order by t4.issue_date asc, t4.id asc
          limit 4
        ) t4
      ) t4
      order by n desc
    ) t4
  ),
  ',"typeOnly":',
  (
    select concat(
      '{"__typename":"ClientConnection"}'
    )
  ),
  ',"cursorOnly":',
  (
    select concat(
      '{"edges":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"cursor":"',
        translate(encode(convert_to(json_build_array('Client,NAME_DESC', t6.name_key, t6.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_'),
        '"}'
      ) as r0
      from (
        select t6.name_key, t6.id
        from billing.clients t6
        where t6.tenant_id = ($1::uuid) and t6.deleted_at is null
        order by t6.name_key desc, t6.id desc
        limit 3
      ) t6
    ) t6
  ),
  ',"nodeOnly":',
  (
    select concat(
      '{"edges":[',
      string_agg(r0, ','),
      '],"pageInfo":{"endCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 3)) || '"', 'null'),
      '}}'
    )
    from (
      select concat(
        '{"node":{"id":"',
        t7.id,
        '"},"cursor":"',
        translate(encode(convert_to(json_build_array('Invoice,DUE_DATE_ASC,TOTAL_DESC,NUMBER_ASC', t7.due_date, t7.total_minor, t7.number_key, t7.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_'),
        '"}'
      ) as r0, n, m, case when n in (1, least(m, 3)) then translate(encode(convert_to(json_build_array('Invoice,DUE_DATE_ASC,TOTAL_DESC,NUMBER_ASC', t7.due_date, t7.total_minor, t7.number_key, t7.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t7.*, row_number() over () as n, count(*) over () as m
        from (
          select t7.id, t7.due_date, t7.total_minor, t7.number_key
          from billing.invoices t7
          where t7.tenant_id = ($1::uuid)
          order by t7.due_date asc, t7.total_minor desc, t7.number_key asc, t7.id asc
          limit 3
        ) t7
      ) t7
    ) t7
  ),
  ',"empty":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t8
        where t8.tenant_id = ($1::uuid) and t8.deleted_at is null and ((t8.name_key = lower(($3::text)) and t8.name = ($3::text)))
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      '],"edges":[',
      string_agg(r1, ','),
      '],"pageInfo":{"hasNextPage":',
      case when count(*) > 20 then 'true' else 'false' end,
      ',"hasPreviousPage":',
      'false',
      ',"startCursor":',
      coalesce('"' || max(place) filter (where n = 1) || '"', 'null'),
      ',"endCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 20)) || '"', 'null'),
      '}}'
    )
    from (
      select case when n <= 20 then concat(
        '{"id":"',
        t8.id,
        '"}'
      ) end as r0, case when n <= 20 then concat(
        '{"cursor":"',
        translate(encode(convert_to(json_build_array('Client,NAME_ASC', t8.name_key, t8.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_'),
        '"}'
      ) end as r1, n, m, case when n in (1, least(m, 20)) then translate(encode(convert_to(json_build_array('Client,NAME_ASC', t8.name_key, t8.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t8.*, row_number() over () as n, count(*) over () as m
        from (
          select t8.name, t8.name_key, t8.id
          from billing.clients t8
          where t8.tenant_id = ($1::uuid) and t8.deleted_at is null and ((t8.name_key = lower(($3::text)) and t8.name = ($3::text)))
          order by t8.name_key asc, t8.id asc
          limit 21
        ) t8
      ) t8
    ) t8
  ),
  ',"emptyEnd":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      '],"pageInfo":{"hasNextPage":',
      'false',
      ',"hasPreviousPage":',
      case when count(*) > 2 then 'true' else 'false' end,
      ',"startCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 2)) || '"', 'null'),
      ',"endCursor":',
      coalesce('"' || max(place) filter (where n = 1) || '"', 'null'),
      '}}'
    )
    from (
      select case when n <= 2 then concat(
        '{"id":"',
        t9.id,
        '"}'
      ) end as r0, n, m, case when n in (1, least(m, 2)) then translate(encode(convert_to(json_build_array('Client,NAME_ASC', t9.name_key, t9.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t9.*, row_number() over () as n, count(*) over () as m
        from (
          select t9.name, t9.name_key, t9.id
          from billing.clients t9
          where t9.tenant_id = ($1::uuid) and t9.deleted_at is null and ((t9.name_key = lower(($4::text)) and t9.name = ($4::text)))
          order by t9.name_key desc, t9.id desc
          limit 3
        ) t9
      ) t9
      order by n desc
    ) t9
  ),
  ',"whole":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t10
        where t10.tenant_id = ($1::uuid)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      '],"pageInfo":{"hasNextPage":',
      case when count(*) > 100 then 'true' else 'false' end,
      ',"endCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 100)) || '"', 'null'),
      '}}'
    )
    from (
      select case when n <= 100 then concat(
        '{"id":"',
        t10.id,
        '"}'
      ) end as r0, n, m, case when n in (1, least(m, 100)) then translate(encode(convert_to(json_build_array('Invoice,ISSUE_DATE_DESC', t10.issue_date, t10.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t10.*, row_number() over () as n, count(*) over () as m
        from (
          select t10.id, t10.issue_date
          from billing.invoices t10
          where t10.tenant_id = ($1::uuid)
          order by t10.issue_date desc, t10.id desc
          limit 101
        ) t10
      ) t10
    ) t10
  ),
  ',"twice":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      '],"again":[',
      string_agg(r1, ','),
      '],"edges":[',
      string_agg(r2, ','),
      '],"pageInfo":{"hasNextPage":',
      case when count(*) > 2 then 'true' else 'false' end,
      '},"info":{"endCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 2)) || '"', 'null'),
      '}}'
    )
    from (
      select case when n <= 2 then concat(
        '{"id":"',
        t11.id,
        '"}'
      ) end as r0, case when n <= 2 then concat(
        '{"name":',
        core.as_json(t11.name),
        '}'
      ) end as r1, case when n <= 2 then concat(
        '{"node":{"city":',
        coalesce(core.as_json(t11.city)::text, 'null'),
        '}}'
      ) end as r2, n, m, case when n in (1, least(m, 2)) then translate(encode(convert_to(json_build_array('Client,NAME_ASC', t11.name_key, t11.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t11.*, row_number() over () as n, count(*) over () as m
        from (
          select t11.id, t11.name, t11.city, t11.name_key
          from billing.clients t11
          where t11.tenant_id = ($1::uuid) and t11.deleted_at is null
          order by t11.name_key asc, t11.id asc
          limit 3
        ) t11
      ) t11
    ) t11
  ),
  '}}'
), 'UTF8')
where core.context() = ($5::text) and core.tenant_id() = ($1::uuid)
