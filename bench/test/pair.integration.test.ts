/** The benchmark itself: that it measures what it says. No speed is asserted: machines differ, and this one may be busy. */
import { expect, test } from "bun:test";
import { join } from "node:path";

const envoy = process.env["HEDDLE_ENVOY"] ?? Bun.which("envoy") ?? undefined;
if (envoy === undefined) console.log("without Envoy: only our own pair is run; set HEDDLE_ENVOY or put envoy on PATH");
const MAIN = join(import.meta.dir, "../src/main.ts");

async function bench(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  const child = Bun.spawn([process.execPath, MAIN, ...args], {
    env: { ...process.env, ...(envoy === undefined ? {} : { HEDDLE_ENVOY: envoy }) },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, errors };
}

const SPREAD = { median: expect.any(Number), min: expect.any(Number), max: expect.any(Number) };
const LATENCY = { p50Ms: SPREAD, p99Ms: SPREAD, requestsPerSecond: SPREAD };
const PROXIED = { cpuUsPerRequest: SPREAD, ...LATENCY, rssMiB: SPREAD };

for (const protocol of ["http1", "grpc"]) {
  test(`pair over ${protocol}: every figure, real mTLS, every request counted`, async () => {
    const { code, out, errors } = await bench(
      "pair",
      ...["--protocol", protocol, "--rounds", "2", "--requests", "200", "--warmup", "100", "--json"],
    );
    expect(code === 0 ? "" : errors).toBe("");
    const report = JSON.parse(out.trim().split("\n").at(-1) ?? "");
    // What was sent to each pair: warm-up, two rounds, and for HTTP/1.1 the question who the application sees.
    const sent = 500 + (protocol === "http1" ? 1 : 0);
    const secured = protocol === "http1";
    const proof = { clientIdentitySeen: secured, plainTextRefused: secured, counted: [sent, sent] };
    expect(report.variants.heddle).toEqual(PROXIED);
    expect(report.variants.direct).toEqual(LATENCY);
    expect(report.proofs.heddle).toEqual({ ...proof, standardCounted: [sent, sent] });
    expect(report.settings).toMatchObject({ protocol, rounds: 2, requests: 200, bodyBytes: 1024 });
    expect(report.startMs.heddle).toBeGreaterThan(0);
    if (envoy === undefined) return;
    expect(report.variants.envoy).toEqual(PROXIED);
    expect(report.proofs.envoy).toEqual(proof);
    expect(report.ratios["heddle/envoy"]).toEqual(PROXIED);
    expect(report.versions.envoy).toMatch(/^\d+\.\d+\.\d+$/);
  }, 60_000);
}

test("a wrong option is a sentence", async () => {
  const { code, errors } = await bench("pair", "--rounds", "none");
  expect(code).toBe(2);
  expect(errors).toContain('--rounds must be a whole number above 0, not "none"');
});
