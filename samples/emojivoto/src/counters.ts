import { createMetricsRegistry, type MetricsRegistry } from "@heddle/std";

/** What a program counted, in Prometheus' text format under `/metrics` of its own port. */
export function serveCounters(port: number): MetricsRegistry {
  const registry = createMetricsRegistry();
  Bun.serve({
    port,
    hostname: "0.0.0.0",
    development: false,
    fetch: () => new Response(registry.expose(), { headers: { "content-type": "text/plain; version=0.0.4" } }),
  });
  return registry;
}
