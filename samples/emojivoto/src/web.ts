import { createMetricsRegistry } from "@heddle/std";
import { connectBackends } from "./backends.ts";
import { numberFrom, required } from "./environment.ts";
import { createWebApp } from "./web-app.ts";

const port = numberFrom("WEB_PORT", 8080);
const registry = createMetricsRegistry();
const requests = registry.counter({
  name: "emojivoto_web_requests_total",
  help: "Requests answered.",
  labels: ["path", "code"],
});
const app = createWebApp(
  connectBackends(required("EMOJISVC_HOST"), required("VOTINGSVC_HOST")),
  process.env["MESSAGE_OF_THE_DAY"] ?? "",
  requests,
);
// Only for whoever is inside the pod: what this program counted, itself not counted.
const counters = Bun.serve({
  port: numberFrom("WEB_COUNTERS_PORT", 8802),
  hostname: "127.0.0.1",
  fetch: () => new Response(registry.expose()),
});
const server = Bun.serve({ port, hostname: "0.0.0.0", development: false, idleTimeout: 120, fetch: app });
process.once("SIGTERM", () => void server.stop().then(() => process.exit(0)));
console.log(`web serves HTTP on ${port}, its counters on 127.0.0.1:${counters.port}`);
