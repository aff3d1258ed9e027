select convert_to(concat(
  '{"data":{"__typename":"Query","root":"Query","organisation":',
  coalesce((
    select concat(
      '{"__typename":"Organisation"}'
    )
    from iam.organisation() t1
    where t1.tenant_id = ($1::uuid) and true
  ), 'null'),
  ',"me":',
  coalesce((
    select concat(
      '{"__typename":"Membership","role":"',
      upper(t2.role),
      '"}'
    )
    from iam.memberships t2
    where t2.tenant_id = ($1::uuid) and t2.user_id = core.user_id()
  ), 'null'),
  ',"clients":',
  (
    select concat(
      '{"__typename":"ClientConnection","edges":[',
      string_agg(r0, ','),
      '],"pageInfo":{"__typename":"PageInfo"},"nodes":[',
      string_agg(r1, ','),
      ']}'
    )
    from (
      select concat(
        '{"__typename":"ClientEdge","node":{"__typename":"Client","contacts":[',
        (
          select string_agg(concat(
            '{"__typename":"ClientContact"}'
          ), ',')
          from (
            select t4.created_at, t4.id
            from billing.client_contacts t4
            where t4.tenant_id = ($1::uuid) and t4.client_id = t3.id
            order by t4.created_at, t4.id
            limit 1000
          ) t4
        ),
        '],"notes":',
        (
          select concat(
            '{"__typename":"ClientNoteConnection","totalCount":',
            (
              select count(*)
              from billing.client_notes t5
              where t5.tenant_id = ($1::uuid) and t5.client_id = t3.id
            ),
            '}'
          )
        ),
        '}}'
      ) as r0, concat(
        '{"t":"Client"}'
      ) as r1
      from (
        select t3.id, t3.name_key
        from billing.clients t3
        where t3.tenant_id = ($1::uuid) and t3.deleted_at is null
        order by t3.name_key asc, t3.id asc
        limit 2
      ) t3
    ) t3
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
        '{"__typename":"Invoice","lines":[',
        (
          select string_agg(concat(
            '{"__typename":"InvoiceLine"}'
          ), ',' order by t7.position)
          from billing.invoice_lines t7
          where t7.tenant_id = ($1::uuid) and t7.invoice_id = t6.id
        ),
        '],"client":',
        coalesce((
          select concat(
            '{"__typename":"Client"}'
          )
          from billing.clients t8
          where t8.tenant_id = ($1::uuid) and t8.id = t6.client_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t6.id, t6.client_id, t6.issue_date
        from billing.invoices t6
        where t6.tenant_id = ($1::uuid)
        order by t6.issue_date desc, t6.id desc
        limit 2
      ) t6
    ) t6
  ),
  ',"invoiceGroups":[',
  (
    select string_agg(concat(
      '{"__typename":"InvoiceGroup","key":{"__typename":"InvoiceGroupKey","client":',
      coalesce((
        select concat(
          '{"__typename":"Client"}'
        )
        from billing.clients t10
        where t10.tenant_id = ($1::uuid) and t10.id = t9.k0
      ), 'null'),
      '},"total":{"__typename":"MoneyAggregate"},"count":',
      t9.members,
      '}'
    ), ',')
    from (
      select t9.client_id as k0, t9.currency as k1, count(*) as members
      from billing.invoices t9
      where t9.tenant_id = ($1::uuid)
      group by 1, 2
      order by k0, t9.currency collate "C"
      limit 3
    ) t9
  ),
  '],"node":',
  coalesce((
    select concat(
      '{"__typename":"Invoice"}'
    )
    from billing.invoices t11
    where t11.tenant_id = ($1::uuid) and t11.id = ($2::uuid)
  ), 'null'),
  '}}'
), 'UTF8')
where core.context() = ($3::text) and core.tenant_id() = ($1::uuid)
