// Serves on a free port of 127.0.0.1 and writes the port, on a line of its own, when it can answer.

import { createServer } from "node:http";

import { postgraphile } from "postgraphile";
import { grafserv } from "postgraphile/grafserv/node";

import preset from "./graphile.config.mjs";

const instance = postgraphile(preset);
const server = createServer();
server.on("error", (error) => {
  throw error;
});
// Clients keep their connections while other peers have their rounds.
server.keepAliveTimeout = 600_000;
await instance.createServ(grafserv).addTo(server);
await instance.getSchema();
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));

process.on("SIGTERM", () => process.exit(0));
