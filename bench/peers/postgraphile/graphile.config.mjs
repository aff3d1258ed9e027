// PostGraphile as its guide sets it up for production: the amber preset, no GraphiQL, no explain, persisted operations
// (which the guide recommends to the vast majority of its users), a role and settings per request from a verified token.
// Where the settings say tuned, it has what we know to make it faster besides.

import { fileURLToPath } from "node:url";

import jsonwebtoken from "jsonwebtoken";
import { PersistedPlugin } from "@grafserv/persisted";
import { PgAggregatesPreset } from "@graphile/pg-aggregates";
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { jsonPgSmartTags } from "postgraphile/utils";
import { PostGraphileConnectionFilterPreset } from "postgraphile-plugin-connection-filter";

const settings = JSON.parse(process.env.BENCH_SETTINGS);

// The guide leaves it to the user's framework to verify the token of each request, and does so itself, in its preset for
// tokens, by this library.
function claimsOf(authorization) {
  return jsonwebtoken.verify(authorization?.split(" ")[1] ?? "", settings.secret, { algorithms: ["HS256"] });
}

// Tuned beyond the guide: a token is verified once, as our own server does, for a client sends it with every request.
const verified = new Map();
const VERIFIED_AT_MOST = 4096;

function rememberedClaimsOf(authorization) {
  let claims = verified.get(authorization);
  if (claims === undefined) {
    claims = claimsOf(authorization);
    if (verified.size >= VERIFIED_AT_MOST) {
      verified.delete(verified.keys().next().value);
    }
    verified.set(authorization, claims);
  }
  if (claims.exp * 1000 <= Date.now()) {
    throw new Error("This token has expired.");
  }
  return claims;
}

// The two ways in which the guide of pg-aggregates has its users go on: a derivative to group by, and an aggregate.
const reportSpecs = {
  name: "CountinghouseReportSpecsPlugin",
  version: "1.0.0",
  after: ["PgAggregatesSpecsPlugin"],
  schema: {
    hooks: {
      build(build) {
        const { TYPES } = build.dataplanPg;
        const { sql } = build;
        build.pgAggregateGroupBySpecs.push({
          id: "truncated-to-month",
          isSuitableType: (codec) => codec === TYPES.date,
          sqlWrap: (date) => sql`date_trunc('month', ${date}::timestamp)::date`,
          sqlWrapCodec: () => TYPES.date,
        });
        build.pgAggregateSpecs.push({
          id: "count",
          humanLabel: "count",
          HumanLabel: "Count",
          isSuitableType: (codec) => codec === TYPES.uuid,
          sqlAggregateWrap: (value) => sql`count(${value})`,
          pgTypeCodecModifier: () => TYPES.bigint,
        });
        return build;
      },
    },
  },
};

// PostGraphile shows a relation only where an index holds all columns of its foreign key. That of the lines has the
// client in it, which no index needs: told of the shorter key, it has the relation, and joins by an index.
const billing = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      "billing.invoice_lines": {
        tags: {
          foreignKey:
            "(tenant_id, invoice_id) references billing.invoices (tenant_id, id)|@fieldName invoice|@foreignFieldName lines",
        },
      },
    },
    constraint: {
      "billing.invoices.invoices_tenant_id_client_id_fkey": {
        tags: { fieldName: "client", foreignFieldName: "invoices" },
      },
    },
  },
});

// The same for trade: its foreign keys carry more columns than their indexes, and orders reach both parties by their line.
const relation = (columns, table, field, back) =>
  `(tenant_id, ${columns}) references trade.${table} (tenant_id, id)|@fieldName ${field}|@foreignFieldName ${back}`;
const hidden = { tags: { behavior: "-*" } };
const trade = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      // Nobody asks for these here, and some relations between them would need names.
      "trade.credit_entries": hidden,
      "trade.retailer_payments": hidden,
      "trade.retailer_payment_allocations": hidden,
      "trade.orders": {
        tags: {
          foreignKey: [
            relation("vendor_id", "vendors", "vendor", "ordersOfVendor"),
            relation("retailer_id", "retailers", "retailer", "ordersOfRetailer"),
          ],
        },
      },
      "trade.order_items": { tags: { foreignKey: relation("current_order_id", "orders", "order", "items") } },
      "trade.credit_lines": {
        tags: {
          foreignKey: [
            relation("vendor_id", "vendors", "vendor", "linesOfVendor"),
            relation("retailer_id", "retailers", "retailer", "linesOfRetailer"),
          ],
        },
      },
      "trade.vendor_products": {
        tags: {
          foreignKey: [
            relation("vendor_id", "vendors", "vendor", "productsOfVendor"),
            relation("product_id", "products", "product", "offersOfProduct"),
          ],
        },
      },
    },
  },
});

export default {
  extends: [
    PostGraphileAmberPreset,
    PostGraphileConnectionFilterPreset,
    ...(settings.schema === "billing" ? [PgAggregatesPreset] : []),
  ],
  plugins: [PersistedPlugin, ...(settings.schema === "billing" ? [billing, reportSpecs] : [trade])],
  pgServices: [
    makePgService({
      connectionString: settings.databaseUrl,
      schemas: [settings.schema],
      // As many as its driver opens unless told otherwise: 10, which serve it better here than 16 or 5. They are kept,
      // with the statements prepared on them, while other peers have their rounds.
      poolConfig: { idleTimeoutMillis: 0 },
    }),
  ],
  grafserv: {
    graphiql: false,
    watch: false,
    outputDataAsString: settings.tuned, // not in the guide; a few per cent faster than objects
    persistedOperationsDirectory: fileURLToPath(new URL("operations", import.meta.url)),
    hashFromPayload: (request) => request?.documentId,
    allowUnpersistedOperation: false,
  },
  grafast: {
    explain: false,
    context(requestContext) {
      const claims = (settings.tuned ? rememberedClaimsOf : claimsOf)(requestContext.node?.req.headers.authorization);
      return {
        pgSettings: {
          role: claims.role,
          "app.user_id": claims.sub,
          "app.role": claims.app_role,
          "app.scope_ids": claims.scope_ids,
          "app.time_zone": claims.time_zone,
          "app.fiscal_year_start": claims.fiscal_year_start,
          "app.context": claims.context,
        },
      };
    },
  },
};
