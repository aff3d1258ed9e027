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
        ',"summary":',
        coalesce(core.as_json(t1.summary)::text, 'null'),
        ',"notes":',
        (
          select concat(
            '{"totalCount":',
            (
              select count(*)
              from billing.client_notes t2
              where t2.tenant_id = ($1::uuid) and t2.client_id = t1.id
            ),
            ',"edges":[',
            string_agg(r0, ','),
            '],"pageInfo":{"hasNextPage":',
            case when count(*) > 2 then 'true' else 'false' end,
            ',"endCursor":',
            coalesce('"' || max(place) filter (where n = least(m, 2)) || '"', 'null'),
            '}}'
          )
          from (
            select case when n <= 2 then concat(
              '{"cursor":"',
              translate(encode(convert_to(json_build_array('ClientNote,CREATED_AT_ASC', t2.created_at, t2.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_'),
              '","node":{"id":"',
              t2.id,
              '","content":',
              core.as_json(t2.content),
              ',"type":"',
              t2.type,
              '","createdAt":',
              to_json(t2.created_at),
              ',"updatedAt":',
              to_json(t2.updated_at),
              ',"client":',
              coalesce((
                select concat(
                  '{"name":',
                  core.as_json(t3.name),
                  '}'
                )
                from billing.clients t3
                where t3.tenant_id = ($1::uuid) and t3.id = t2.client_id
              ), 'null'),
              '}}'
            ) end as r0, n, m, case when n in (1, least(m, 2)) then translate(encode(convert_to(json_build_array('ClientNote,CREATED_AT_ASC', t2.created_at, t2.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
            from (
              select t2.*, row_number() over () as n, count(*) over () as m
              from (
                select t2.created_at, t2.id, t2.content, t2.type, t2.updated_at, t2.client_id
                from billing.client_notes t2
                where t2.tenant_id = ($1::uuid) and t2.client_id = t1.id
                order by t2.created_at asc, t2.id asc
                limit 3
              ) t2
            ) t2
          ) t2
        ),
        '}'
      ) as r0
      from (
        select t1.name, t1.summary, t1.id, t1.name_key
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
        order by t1.name_key asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"payments":',
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
        '","method":',
        coalesce((
          select concat(
            '{"methodName":',
            core.as_json(t5.method_name),
            ',"displayName":',
            core.as_json(t5.display_name),
            ',"category":"',
            t5.category,
            '"}'
          )
          from billing.payment_methods t5
          where t5.tenant_id = ($1::uuid) and t5.id = t4.method_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t4.id, t4.method_id, t4.created_at
        from billing.payments t4
        where t4.tenant_id = ($1::uuid)
        order by t4.created_at asc, t4.id asc
        limit 20
      ) t4
    ) t4
  ),
  '}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
