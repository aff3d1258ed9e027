select convert_to(concat(
  '{"data":{"trustedIssuers":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from iam.trusted_issuers t1
        where t1.tenant_id = ($1::uuid)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t1.id,
        '","name":',
        core.as_json(t1.name),
        ',"issuer":',
        core.as_json(t1.issuer),
        ',"jwksUrl":',
        coalesce(core.as_json(t1.jwks_url)::text, 'null'),
        ',"roleClaim":',
        core.as_json(t1.role_claim),
        ',"roles":',
        t1.roles,
        ',"scopeClaim":',
        coalesce(core.as_json(t1.scope_claim)::text, 'null'),
        ',"isActive":',
        case t1.is_active when true then 'true' when false then 'false' else 'null' end,
        ',"createdAt":',
        to_json(t1.created_at),
        ',"updatedAt":',
        to_json(t1.updated_at),
        ',"people":',
        (
          select concat(
            '{"totalCount":',
            (
              select count(*)
              from iam.external_people t2
              where t2.tenant_id = ($1::uuid) and t2.issuer_id = t1.id and (t2.last_seen_at >= ($2::text)::timestamptz)
            ),
            ',"nodes":[',
            string_agg(r0, ','),
            ']}'
          )
          from (
            select concat(
              '{"subject":',
              core.as_json(t2.subject),
              ',"role":',
              coalesce('"' || upper(t2.role) || '"', 'null'),
              '}'
            ) as r0
            from (
              select t2.last_seen_at, t2.subject, t2.role, t2.id
              from iam.external_people t2
              where t2.tenant_id = ($1::uuid) and t2.issuer_id = t1.id and (t2.last_seen_at >= ($2::text)::timestamptz)
              order by t2.last_seen_at desc, t2.id desc
              limit 3
            ) t2
          ) t2
        ),
        '}'
      ) as r0
      from (
        select t1.id, t1.name, t1.issuer, t1.jwks_url, t1.role_claim, t1.roles, t1.scope_claim, t1.is_active, t1.created_at, t1.updated_at
        from iam.trusted_issuers t1
        where t1.tenant_id = ($1::uuid)
        order by t1.created_at desc, t1.id desc
        limit 2
      ) t1
    ) t1
  ),
  ',"one":',
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
        '}'
      ) as r0
      from (
        select t3.issuer, t3.name, t3.created_at, t3.id
        from iam.trusted_issuers t3
        where t3.tenant_id = ($1::uuid) and (t3.issuer = ($3::text))
        order by t3.created_at asc, t3.id asc
        limit 20
      ) t3
    ) t3
  ),
  ',"externalPeople":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      '],"pageInfo":{"hasNextPage":',
      case when count(*) > 4 then 'true' else 'false' end,
      ',"endCursor":',
      coalesce('"' || max(place) filter (where n = least(m, 4)) || '"', 'null'),
      '}}'
    )
    from (
      select case when n <= 4 then concat(
        '{"id":"',
        t4.id,
        '","issuerId":"',
        t4.issuer_id,
        '","subject":',
        core.as_json(t4.subject),
        ',"name":',
        coalesce(core.as_json(t4.name)::text, 'null'),
        ',"email":',
        coalesce(core.as_json(t4.email)::text, 'null'),
        ',"role":',
        coalesce('"' || upper(t4.role) || '"', 'null'),
        ',"lastSeenAt":',
        to_json(t4.last_seen_at),
        ',"createdAt":',
        to_json(t4.created_at),
        '}'
      ) end as r0, n, m, case when n in (1, least(m, 4)) then translate(encode(convert_to(json_build_array('ExternalPerson,LAST_SEEN_AT_DESC', t4.last_seen_at, t4.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') end as place
      from (
        select t4.*, row_number() over () as n, count(*) over () as m
        from (
          select t4.issuer_id, t4.id, t4.subject, t4.name, t4.email, t4.role, t4.last_seen_at, t4.created_at
          from iam.external_people t4
          where t4.tenant_id = ($1::uuid) and (t4.issuer_id = ($4::uuid))
          order by t4.last_seen_at desc, t4.id desc
          limit 5
        ) t4
      ) t4
    ) t4
  ),
  ',"externalPerson":',
  coalesce((
    select concat(
      '{"name":',
      coalesce(core.as_json(t5.name)::text, 'null'),
      '}'
    )
    from iam.external_people t5
    where t5.tenant_id = ($1::uuid) and t5.id = ($5::uuid)
  ), 'null'),
  '}}'
), 'UTF8')
where core.context() = ($6::text) and core.tenant_id() = ($1::uuid)
