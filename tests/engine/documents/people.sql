select convert_to(concat(
  '{"data":{"me":',
  coalesce((
    select concat(
      '{"userName":',
      core.as_json(t1.user_name),
      ',"userEmail":',
      coalesce(core.as_json(t1.user_email)::text, 'null'),
      ',"userPhone":',
      coalesce(core.as_json(t1.user_phone)::text, 'null'),
      ',"role":"',
      upper(t1.role),
      '","isActive":',
      case t1.is_active when true then 'true' when false then 'false' else 'null' end,
      '}'
    )
    from iam.memberships t1
    where t1.tenant_id = ($1::uuid) and t1.user_id = core.user_id()
  ), 'null'),
  ',"memberships":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"userName":',
        core.as_json(t2.user_name),
        ',"userPhone":',
        coalesce(core.as_json(t2.user_phone)::text, 'null'),
        ',"role":"',
        upper(t2.role),
        '"}'
      ) as r0
      from (
        select t2.user_name, t2.user_phone, t2.role, t2.created_at, t2.id
        from iam.memberships t2
        where t2.tenant_id = ($1::uuid)
        order by t2.created_at asc, t2.id asc
        limit 20
      ) t2
    ) t2
  ),
  ',"mySessions":[',
  (
    select string_agg(concat(
      '{"id":"',
      t3.id,
      '","ipAddress":',
      coalesce(core.as_json(t3.ip_address)::text, 'null'),
      ',"userAgent":',
      coalesce(core.as_json(t3.user_agent)::text, 'null'),
      ',"signedInAt":',
      to_json(t3.signed_in_at),
      ',"lastUsedAt":',
      to_json(t3.last_used_at),
      ',"expiresAt":',
      to_json(t3.expires_at),
      '}'
    ), ',' order by t3.line)
    from iam.my_sessions() t3
    where t3.tenant_id = ($1::uuid)
  ),
  '],"myTotpDevices":[',
  (
    select string_agg(concat(
      '{"id":"',
      t4.id,
      '","name":',
      core.as_json(t4.name),
      ',"confirmedAt":',
      coalesce(to_json(t4.confirmed_at)::text, 'null'),
      ',"createdAt":',
      to_json(t4.created_at),
      '}'
    ), ',' order by t4.line)
    from iam.my_totp_devices() t4
    where t4.tenant_id = ($1::uuid)
  ),
  '],"again":[',
  (
    select string_agg(concat(
      '{"__typename":"Session","userAgent":',
      coalesce(core.as_json(t5.user_agent)::text, 'null'),
      '}'
    ), ',' order by t5.line)
    from iam.my_sessions() t5
    where t5.tenant_id = ($1::uuid)
  ),
  ']}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
