import { describe, expect, test } from "bun:test";
import { createMetricsRegistry } from "@heddle/std";
import { createScope } from "../config/scope.ts";
import { decodeIstioStats } from "../config/stats-plugin.ts";
import { httpSeries, type Parties, registerIstioFamilies } from "./istio-families.ts";
import { createCustomTags, expressionsOf } from "./metric-shape.ts";
import { UNKNOWN_WORKLOAD } from "./workload.ts";

const parties: Parties = {
  reporter: "source",
  source: UNKNOWN_WORKLOAD,
  sourcePrincipal: "",
  destination: UNKNOWN_WORKLOAD,
  destinationPrincipal: "",
  service: "web",
  serviceName: "web",
  serviceNamespace: "ns",
  protocol: "http",
  security: "unknown",
};
const answer = { status: 200, grpcStatus: -1, flags: "-" };

function decoded(metrics: readonly object[]) {
  const scope = createScope();
  const config = decodeIstioStats({ metrics: JSON.parse(JSON.stringify(metrics)) }, scope);
  return { ...config, problems: scope.problems.map(({ path, reason }) => `${path}: ${reason}`) };
}

describe("labels of metrics", () => {
  test("added, replaced, removed; others stay", () => {
    const { rules } = decoded([
      {
        name: "requests_total",
        dimensions: { "my.host": "request.host", reporter: "'me'" },
        tags_to_remove: ["source_app"],
      },
      { name: "", dimensions: { everywhere: "'x'" } },
    ]);
    const registry = createMetricsRegistry();
    const families = registerIstioFamilies({ registry }, rules);
    const values = families.custom.values({ read: () => "a.b" });
    httpSeries(families, parties, answer, values).requests.value++;
    const text = registry.expose();
    const requests = text.split("\n").find((line) => line.startsWith("istio_requests_total{")) ?? "";
    for (const label of ['my_host="a.b"', 'reporter="me"', 'everywhere="x"', 'source_version="unknown"'])
      expect(requests).toContain(label);
    expect(requests).not.toContain("source_app");
    const bytes = text.split("\n").find((line) => line.startsWith("istio_request_bytes_count{")) ?? "";
    expect(bytes).toContain('source_app="unknown"');
    expect(bytes).toContain('everywhere="x"');
    expect(bytes).not.toContain("my_host");
  });

  test("what is dropped is not there; everything dropped is known", () => {
    const registry = createMetricsRegistry();
    const families = registerIstioFamilies({ registry }, decoded([{ name: "requests_total", drop: true }]).rules);
    httpSeries(families, parties, answer, []).requests.value++;
    expect(registry.expose()).not.toContain("istio_requests_total");
    expect(registry.expose()).toContain("istio_request_bytes_count");
    expect(families.any).toBe(true);
    expect(registerIstioFamilies({ registry }, decoded([{ drop: true }]).rules).any).toBe(false);
  });

  test("clients cannot make series at will", () => {
    const [expression] = expressionsOf(decoded([{ dimensions: { path: "request.path" } }]).rules);
    const tags = createCustomTags(expression === undefined ? [] : [expression], 3);
    const of = (path: string | undefined) => tags.values({ read: () => path })[0];
    expect(["/a", "/b", "/c", "/d", "/a", undefined].map(of)).toEqual(["/a", "/b", "/c", "unknown", "/a", "unknown"]);
    expect(of("/".repeat(300))).toBe("unknown");
  });

  test("what cannot be done is said with its place", () => {
    expect(decoded([{ dimensions: { a: "request.hots", b: 3 } }]).problems).toEqual([
      expect.stringContaining("metrics[0].dimensions[a]: cannot be read at character 8: request.hots is no attribute"),
      "metrics[0].dimensions[b]: must be text: an expression",
    ]);
    const scope = createScope();
    decodeIstioStats({ definitions: [{ name: "mine" }], tcpReportingDuration: "1ms" }, scope);
    expect(scope.problems.map(({ path }) => path)).toEqual(["definitions", "tcp_reporting_duration"]);
  });
});
