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
  '],"myInvites":[',
  (
    select string_agg(concat(
      '{"id":"',
      t5.id,
      '","organisationSlug":',
      core.as_json(t5.organisation_slug),
      ',"organisationName":',
      core.as_json(t5.organisation_name),
      ',"role":"',
      upper(t5.role),
      '","invitedBy":',
      core.as_json(t5.invited_by),
      ',"address":',
      core.as_json(t5.address),
      ',"createdAt":',
      to_json(t5.created_at),
      ',"expiresAt":',
      to_json(t5.expires_at),
      '}'
    ), ',' order by t5.line)
    from iam.my_invites() t5
    where t5.tenant_id = ($1::uuid)
  ),
  '],"myJoinRequests":[',
  (
    select string_agg(concat(
      '{"id":"',
      t6.id,
      '","organisationSlug":',
      core.as_json(t6.organisation_slug),
      ',"message":',
      coalesce(core.as_json(t6.message)::text, 'null'),
      ',"status":"',
      t6.status,
      '","createdAt":',
      to_json(t6.created_at),
      ',"answeredAt":',
      coalesce(to_json(t6.answered_at)::text, 'null'),
      '}'
    ), ',' order by t6.line)
    from iam.my_join_requests() t6
    where t6.tenant_id = ($1::uuid)
  ),
  '],"account":',
  coalesce((
    select concat(
      '{"id":"',
      t7.id,
      '","name":',
      core.as_json(t7.name),
      ',"email":',
      coalesce(core.as_json(t7.email)::text, 'null'),
      ',"emailVerifiedAt":',
      coalesce(to_json(t7.email_verified_at)::text, 'null'),
      ',"phone":',
      coalesce(core.as_json(t7.phone)::text, 'null'),
      ',"image":',
      coalesce(core.as_json(t7.image)::text, 'null'),
      ',"settings":',
      t7.settings,
      ',"hasPassword":',
      case t7.has_password when true then 'true' when false then 'false' else 'null' end,
      ',"createdAt":',
      to_json(t7.created_at),
      '}'
    )
    from iam.my_account() t7
    where t7.tenant_id = ($1::uuid) and true
  ), 'null'),
  ',"again":[',
  (
    select string_agg(concat(
      '{"__typename":"Session","userAgent":',
      coalesce(core.as_json(t8.user_agent)::text, 'null'),
      '}'
    ), ',' order by t8.line)
    from iam.my_sessions() t8
    where t8.tenant_id = ($1::uuid)
  ),
  ']}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
