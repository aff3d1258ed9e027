select convert_to(concat(
  '{"data":{"apps":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      '],"edges":[',
      string_agg(r1, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t1.name),
        ',"scopes":',
        to_json(t1.scopes),
        ',"isActive":',
        case (t1.revoked_at is null) when true then 'true' when false then 'false' else 'null' end,
        '}'
      ) as r0, concat(
        '{"cursor":"',
        translate(encode(convert_to(json_build_array('App,NAME_DESC', t1.name_key, t1.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_'),
        '"}'
      ) as r1, n, m
      from (
        select t1.*, row_number() over () as n, count(*) over () as m
        from (
          select t1.name, t1.scopes, t1.revoked_at, t1.name_key, t1.id
          from iam.apps t1
          where t1.tenant_id = ($1::uuid)
          order by t1.name_key asc, t1.id asc
          limit 4
        ) t1
      ) t1
      order by n desc
    ) t1
  ),
  '}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
