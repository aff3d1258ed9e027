select convert_to(concat(
  '{"data":{"ledgerAccounts":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from ledger.accounts t1
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
        '","code":',
        core.as_json(t1.code),
        ',"name":',
        core.as_json(t1.name),
        ',"kind":"',
        t1.kind,
        '","currency":',
        core.as_json(t1.currency),
        ',"normalSide":"',
        t1.normal_side,
        '","balance":"',
        round(t1.balance, 2),
        '","then":"',
        round((ledger.balance(t1.id, ($2::text)::date)), 2),
        '","opened":"',
        round((ledger.balance(t1.id, ($3::text)::date)), 2),
        '","heldUp":"',
        round(t1.held_up, 2),
        '","heldDown":"',
        round(t1.held_down, 2),
        '","floor":',
        coalesce('"' || round(t1.floor, 2) || '"', 'null'),
        ',"ceiling":',
        coalesce('"' || round(t1.ceiling, 2) || '"', 'null'),
        ',"version":',
        t1.version,
        ',"ownerNoun":',
        coalesce(core.as_json(t1.owner_noun)::text, 'null'),
        ',"ownerId":',
        coalesce('"' || t1.owner_id || '"', 'null'),
        ',"createdAt":',
        to_json(t1.created_at),
        ',"updatedAt":',
        to_json(t1.updated_at),
        ',"entries":',
        (
          select concat(
            '{"totalCount":',
            (
              select count(*)
              from ledger.entries t2
              where t2.tenant_id = ($1::uuid) and t2.account_id = t1.id
            ),
            ',"nodes":[',
            string_agg(r0, ','),
            ']}'
          )
          from (
            select concat(
              '{"id":"',
              t2.id,
              '","seq":',
              t2.seq,
              ',"position":',
              t2.position,
              ',"amount":"',
              round(t2.amount, 2),
              '","balanceBefore":"',
              round(t2.balance_before, 2),
              '","balanceAfter":"',
              round(t2.balance_after, 2),
              '","currency":',
              core.as_json(t2.currency),
              ',"effectiveDate":"',
              t2.effective_date,
              '","createdAt":',
              to_json(t2.created_at),
              ',"accountId":"',
              t2.account_id,
              '","transferId":"',
              t2.transfer_id,
              '","transfer":',
              coalesce((
                select concat(
                  '{"kind":',
                  core.as_json(t3.kind),
                  '}'
                )
                from ledger.transfers t3
                where t3.tenant_id = ($1::uuid) and t3.id = t2.transfer_id
              ), 'null'),
              '}'
            ) as r0
            from (
              select t2.id, t2.seq, t2.position, t2.amount, t2.balance_before, t2.balance_after, t2.currency, t2.effective_date, t2.created_at, t2.account_id, t2.transfer_id
              from ledger.entries t2
              where t2.tenant_id = ($1::uuid) and t2.account_id = t1.id
              order by t2.created_at desc, t2.id desc
              limit 3
            ) t2
          ) t2
        ),
        ',"early":[',
        (
          select string_agg(concat(
            '{"seq":',
            t4.seq,
            ',"amount":"',
            round(t4.amount, 2),
            '","balance":"',
            round(t4.balance, 2),
            '"}'
          ), ',' order by t4.line)
          from ledger.statement(t1.id, ($4::text)::date, ($5::text)::date) t4
          where t4.tenant_id = ($1::uuid)
        ),
        ']}'
      ) as r0
      from (
        select t1.id, t1.code, t1.name, t1.kind, t1.currency, t1.normal_side, t1.balance, t1.held_up, t1.held_down, t1.floor, t1.ceiling, t1.version, t1.owner_noun, t1.owner_id, t1.created_at, t1.updated_at, t1.balance_minor, t1.code_key
        from ledger.accounts t1
        where t1.tenant_id = ($1::uuid)
        order by t1.balance_minor desc, t1.code_key asc, t1.id asc
        limit 5
      ) t1
    ) t1
  ),
  ',"held":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"code":',
        core.as_json(t5.code),
        ',"balance":"',
        round(t5.balance, 2),
        '"}'
      ) as r0
      from (
        select t5.kind, t5.balance, t5.balance_minor, t5.currency, t5.code, t5.code_key, t5.id
        from ledger.accounts t5
        where t5.tenant_id = ($1::uuid) and (t5.kind = ($6::text) and t5.balance_minor > (($7::text)::numeric * 100)::bigint and t5.currency = any (($8::text)::text[]))
        order by t5.code_key asc, t5.id asc
        limit 20
      ) t5
    ) t5
  ),
  ',"theirs":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"code":',
        core.as_json(t6.code),
        '}'
      ) as r0
      from (
        select t6.owner_id, t6.code, t6.code_key, t6.id
        from ledger.accounts t6
        where t6.tenant_id = ($1::uuid) and (t6.owner_id = ($9::uuid))
        order by t6.code_key asc, t6.id asc
        limit 20
      ) t6
    ) t6
  ),
  ',"ledgerAccountGroups":[',
  (
    select string_agg(concat(
      '{"key":{"kind":"',
      t7.k0,
      '","currency":',
      core.as_json(t7.k1),
      '},"count":',
      t7.members,
      ',"balance":{"sum":"',
      round(t7.a0, 2),
      '"}}'
    ), ',')
    from (
      select t7.kind as k0, t7.currency as k1, sum(t7.balance_minor) * 0.01 as a0, count(*) as members
      from ledger.accounts t7
      where t7.tenant_id = ($1::uuid)
      group by 1, 2
      order by t7.kind collate "C", t7.currency collate "C"
      limit 100
    ) t7
  ),
  '],"ledgerTransfers":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t8.id,
        '","kind":',
        core.as_json(t8.kind),
        ',"description":',
        coalesce(core.as_json(t8.description)::text, 'null'),
        ',"effectiveDate":"',
        t8.effective_date,
        '","postedAt":',
        to_json(t8.posted_at),
        ',"createdAt":',
        to_json(t8.created_at),
        ',"sourceNoun":',
        coalesce(core.as_json(t8.source_noun)::text, 'null'),
        ',"sourceId":',
        coalesce('"' || t8.source_id || '"', 'null'),
        ',"requestId":',
        coalesce(core.as_json(t8.request_id)::text, 'null'),
        ',"metadata":',
        t8.metadata,
        ',"reversesId":',
        coalesce('"' || t8.reverses_id || '"', 'null'),
        ',"refundsId":',
        coalesce('"' || t8.refunds_id || '"', 'null'),
        ',"reverses":',
        coalesce((
          select concat(
            '{"kind":',
            core.as_json(t9.kind),
            ',"effectiveDate":"',
            t9.effective_date,
            '"}'
          )
          from ledger.transfers t9
          where t9.tenant_id = ($1::uuid) and t9.id = t8.reverses_id
        ), 'null'),
        ',"refunds":',
        coalesce((
          select concat(
            '{"id":"',
            t10.id,
            '","entries":[',
            (
              select string_agg(concat(
                '{"amount":"',
                round(t11.amount, 2),
                '"}'
              ), ',' order by t11.position)
              from ledger.entries t11
              where t11.tenant_id = ($1::uuid) and t11.transfer_id = t10.id
            ),
            ']}'
          )
          from ledger.transfers t10
          where t10.tenant_id = ($1::uuid) and t10.id = t8.refunds_id
        ), 'null'),
        ',"entries":[',
        (
          select string_agg(concat(
            '{"amount":"',
            round(t12.amount, 2),
            '","account":',
            coalesce((
              select concat(
                '{"code":',
                core.as_json(t13.code),
                ',"balance":"',
                round(t13.balance, 2),
                '"}'
              )
              from ledger.accounts t13
              where t13.tenant_id = ($1::uuid) and t13.id = t12.account_id
            ), 'null'),
            '}'
          ), ',' order by t12.position)
          from ledger.entries t12
          where t12.tenant_id = ($1::uuid) and t12.transfer_id = t8.id
        ),
        ']}'
      ) as r0
      from (
        select t8.kind, t8.id, t8.description, t8.effective_date, t8.posted_at, t8.created_at, t8.source_noun, t8.source_id, t8.request_id, t8.metadata, t8.reverses_id, t8.refunds_id
        from ledger.transfers t8
        where t8.tenant_id = ($1::uuid) and (t8.kind is distinct from ($10::text))
        order by t8.effective_date desc, t8.id desc
        limit 20
      ) t8
    ) t8
  ),
  ',"ledgerTransfer":',
  coalesce((
    select concat(
      '{"kind":',
      core.as_json(t14.kind),
      ',"metadata":',
      t14.metadata,
      '}'
    )
    from ledger.transfers t14
    where t14.tenant_id = ($1::uuid) and t14.id = ($11::uuid)
  ), 'null'),
  '}}'
), 'UTF8')
where core.context() = ($12::text) and core.tenant_id() = ($1::uuid)
