/** Statistics: the same bootstrap and the same requests in real Envoy and here, names and values compared. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseExposition } from "@heddle/std";
import { freePorts } from "@heddle/std/free-ports";
import { whyAbsent } from "../src/telemetry/stats/absent.ts";
import { withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import type { Origin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { driveStats, type StatsPorts, startStatsOrigin, statsBootstrap } from "./rig/stats-plan.ts";
import { issueWorkloads } from "./rig/workloads.ts";

setDefaultTimeout(60_000);
const skip = withoutEnvoy();

/** Values that depend on time, on memory, on how often a runtime is read, on who was first, or on headers that each proxy writes in its own words. */
const OWN_VALUE =
  /_bytes_total$|days_until|destroy_(local|remote)|^server\.(memory|uptime|timers|total_connections)|^tls_inspector\.|\.ssl\.versions\.|cx_active$|cx_http1_active$|cx_ssl_active$|downstream_cx_destroy|^runtime\.(load_success|override_dir)/;
/** Of our own. */
const OURS = /^server\.(timers|worker_restarts)$|\.ssl\.versions\.TLSv1\.3$/;

/** Changes as time passes, or when a test looks; and histograms, which forget. */
const LOOKED_AT = /admin|^server\.|_ms$|_time$|_per_cx$/;
/** Connections whose ends Envoy delays are gone after a second. Units: ms. */
const SETTLED_MS = 1200;

interface Run {
  readonly proxy: ProxyProcess;
  readonly statuses: readonly number[];
  /** By name, with the ports' roles in it. */
  stats(query?: string): Promise<ReadonlyMap<string, string>>;
  text(path: string): Promise<string>;
}

describe.skipIf(skip)("statistics as real Envoy has them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-stats-"));
  let origin: Origin;
  let runs: { readonly envoy: Run; readonly heddle: Run };

  const start = async (engine: "envoy" | "heddle", files: Awaited<ReturnType<typeof issueWorkloads>>): Promise<Run> => {
    const [web = 0, secure = 0, raw = 0, dead = 0, adminPort = 0] = freePorts(5);
    const ports: StatsPorts = { web, secure, raw };
    const { client, server } = files;
    if (client === undefined || server === undefined) throw new Error("certificates are missing");
    const bootstrap = {
      ...statsBootstrap(ports, { app: origin.port, dead }, { client, server }, undefined),
      // Envoy's histograms are shown from the first flush on.
      stats_flush_interval: "0.1s",
    };
    const proxy = await startProxy({ engine, adminPort, bootstrap });
    const statuses = await driveStats(ports);
    const text = async (path: string) => {
      let answer = await (await proxy.admin(path)).text();
      for (const [role, port] of Object.entries(ports)) answer = answer.replaceAll(`_${port}`, `_${role}`);
      return answer;
    };
    const stats = async (query = "") => {
      const lines = (await text(`/stats${query}`)).trimEnd().split("\n");
      return new Map(
        lines.map((line): [string, string] => {
          const at = line.indexOf(": ");
          return [line.slice(0, at), line.slice(at + 2)];
        }),
      );
    };
    // What the last connections counted comes when they are gone; then nothing that is compared changes any more.
    let last = "";
    await eventually("all is over", async () => {
      const found = await stats();
      const compared = JSON.stringify([...found].filter(([name]) => !OWN_VALUE.test(name) && !LOOKED_AT.test(name)));
      const settled = compared === last;
      last = compared;
      if (!settled) await Bun.sleep(SETTLED_MS);
      return (
        settled &&
        found.get("http.web.downstream_cx_active") === "0" &&
        found.get("cluster.app.upstream_rq_active") === "0" &&
        found.get("cluster.checked.health_check.success") === "1" &&
        found.get("listener.127.0.0.1_secure.ssl.connection_error") === "1"
      );
    });
    return { proxy, statuses, stats, text };
  };

  beforeAll(async () => {
    origin = await startStatsOrigin();
    const files = await issueWorkloads(folder, ["client", "server"]);
    runs = { envoy: await start("envoy", files), heddle: await start("heddle", files) };
  });
  afterAll(async () => {
    await Promise.all([runs?.envoy.proxy.stop(), runs?.heddle.proxy.stop()]);
    origin?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("the answers are the same", () => {
    expect(runs.heddle.statuses).toEqual(runs.envoy.statuses);
  });

  test("every name of Envoy's is here or is said to be absent, and no name is invented", async () => {
    const [theirs, ours] = [await runs.envoy.stats(), await runs.heddle.stats()];
    expect(
      [...theirs.keys()].filter((name) => !ours.has(name) && !OWN_VALUE.test(name) && whyAbsent(name) === undefined),
    ).toEqual([]);
    expect([...ours.keys()].filter((name) => !theirs.has(name) && !OURS.test(name))).toEqual([]);
    // What is here must not be said to be absent.
    expect([...ours.keys()].filter((name) => theirs.has(name) && whyAbsent(name) !== undefined)).toEqual([]);
  });

  test("values are equal", async () => {
    const [theirs, ours] = [await runs.envoy.stats(), await runs.heddle.stats()];
    const numbers = [...ours].filter(
      ([name, value]) => theirs.has(name) && !OWN_VALUE.test(name) && /^\d+$/.test(value),
    );
    expect(numbers.length).toBeGreaterThan(500);
    expect(
      numbers.flatMap(([name, value]) =>
        theirs.get(name) === value ? [] : `${name}: ${theirs.get(name)}, here ${value}`,
      ),
    ).toEqual([]);
  });

  test("histograms have values where Envoy's have", async () => {
    const [theirs, ours] = [await runs.envoy.stats("?type=Histograms"), await runs.heddle.stats("?type=Histograms")];
    for (const name of [
      "cluster.app.upstream_rq_time",
      "http.web.downstream_rq_time",
      "cluster.app.upstream_rq_per_cx",
    ]) {
      expect(ours.get(name)).toStartWith("P0(");
      expect(theirs.has(name)).toBe(true);
    }
    expect(ours.get("cluster.full.upstream_cx_connect_ms")).toBe("No recorded values");
  });

  test.each(["summary", "detailed", "cumulative", "disjoint"])("histogram_buckets=%s", async (mode) => {
    // Values are times, so their digits are no matter.
    const form = async ({ text }: Run, format: string) =>
      (await text(`/stats?filter=^cluster.app.upstream_rq_(time|per_cx)$&histogram_buckets=${mode}&format=${format}`))
        .replaceAll(/(\d+(\.\d+)?),(\d+(\.\d+)?):\d+(, )?/g, "bin ")
        .replaceAll(/(bin )+/g, "bins")
        .replaceAll(/\((nan|\d+),[\d.]+\)/g, "()");
    expect(await form(runs.heddle, "text")).toBe(await form(runs.envoy, "text"));
    const shape = (value: unknown): unknown =>
      Array.isArray(value)
        ? [...new Set(value.map((one) => JSON.stringify(shape(one))))].sort()
        : typeof value === "object" && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .map(([key, one]) => [key, key === "name" ? one : shape(one)])
                .sort(),
            )
          : typeof value;
    const json = async (run: Run) => shape(JSON.parse(await form(run, "json")));
    expect(await json(runs.heddle)).toEqual(await json(runs.envoy));
  });

  test("usedonly: the same names, gauges that are zero again too", async () => {
    const [theirs, ours] = [await runs.envoy.stats("?usedonly"), await runs.heddle.stats("?usedonly")];
    const missing = [...theirs.keys()].filter((name) => !ours.has(name) && whyAbsent(name) === undefined);
    expect(missing.filter((name) => !OWN_VALUE.test(name) && !/_ms$|_time$|_per_cx$/.test(name))).toEqual([]);
    const more = [...ours.keys()].filter((name) => !theirs.has(name) && !OURS.test(name) && !OWN_VALUE.test(name));
    expect(more).toEqual([]);
    expect(ours.get("cluster.app.upstream_rq_active")).toBe("0");
  });

  test("Prometheus: the same metrics with the same labels", async () => {
    const series = async (run: Run) =>
      new Set(
        parseExposition(await run.text("/stats/prometheus"))
          .samples.filter(({ name }) =>
            /^envoy_(cluster_upstream_rq|http_downstream_rq|http_rbac|vhost|tcp|http_local)/.test(name),
          )
          .map(({ name, labels }) => `${name} ${[...labels].sort().join(" ")}`),
      );
    const [theirs, ours] = [await series(runs.envoy), await series(runs.heddle)];
    expect([...ours].filter((one) => !theirs.has(one))).toEqual([]);
    expect(ours).toContain("envoy_cluster_upstream_rq envoy_cluster_name,app envoy_response_code,200");
    expect(ours).toContain(
      "envoy_http_downstream_rq_xx envoy_http_conn_manager_prefix,web envoy_response_code_class,5",
    );
  });

  test.each([
    "?type=nope",
    "?type=counters",
    "?type=TextReadouts",
    "/prometheus?histogram_buckets=disjoint",
    "/prometheus?histogram_buckets=detailed",
    "/prometheus?filter=^cluster.app.upstream_rq_total$",
    "/prometheus?usedonly&type=Gauges&filter=^cluster.app.upstream_rq_total$",
    "?format=json&filter=^cluster.app.(upstream_rq_total|membership_total)$",
    "?usedonly&filter=^cluster.full.upstream_cx_connect_ms$",
    "?format=json&filter=^cluster.full.upstream_cx_connect_ms$",
    "?filter=^cluster.app.(upstream_rq_total|membership_total)$&invert_filter&type=nope",
    "?histogram_buckets=detailed&filter=^cluster.full.upstream_cx_connect_ms$",
  ])("/stats%s", async (query) => {
    const pages = [runs.heddle, runs.envoy].map(async ({ proxy }) => {
      const answer = await proxy.admin(`/stats${query}`);
      return [answer.status, await answer.text()];
    });
    const [ours, theirs] = await Promise.all(pages);
    expect(ours).toEqual(theirs ?? []);
  });

  test("/reset_counters begins at zero again, but for gauges", async () => {
    for (const { proxy, stats } of [runs.envoy, runs.heddle]) {
      expect((await proxy.admin("/reset_counters")).status).toBe(405);
      expect(await (await proxy.admin("/reset_counters", { method: "POST" })).text()).toBe("OK\n");
      const found = await stats("?filter=^cluster.app.(upstream_rq_200|membership_total|upstream_rq_retry)$");
      expect(found.get("cluster.app.membership_total")).toBe("1");
      expect(found.get("cluster.app.upstream_rq_retry")).toBe("0");
      expect(found.get("cluster.app.upstream_rq_200") ?? "0").toBe("0");
    }
  });
});
