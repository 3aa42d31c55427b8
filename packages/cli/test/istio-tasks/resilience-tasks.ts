import { expect } from "bun:test";
import { settles } from "../settles.ts";
import { versions } from "../traffic/call.ts";
import { LOCALITIES } from "./programs.ts";
import type { Task, TasksCluster } from "./tasks-cluster.ts";

const HTTPBIN = "outbound|8000||httpbin.default.svc.cluster.local";

async function counter(cluster: TasksCluster, name: string): Promise<number> {
  const text = await cluster.ask(await cluster.pod("caller"), 15000, "/stats");
  const line = text.split("\n").find((one) => one.startsWith(`cluster.${HTTPBIN}.${name}: `));
  return Number(line?.split(": ")[1] ?? 0);
}

/** Waits for something that is so only while a request runs. */
async function until(running: Promise<unknown>, look: () => Promise<boolean>): Promise<void> {
  let over = false;
  void running.finally(() => {
    over = true;
  });
  while (!over) if (await look()) return;
}

const locality = (policy: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: helloworld}
spec:
  host: helloworld.default.svc.cluster.local
  trafficPolicy:
    connectionPool: {http: {maxRequestsPerConnection: 1}}
    loadBalancer:
      simple: ROUND_ROBIN
      localityLbSetting: ${policy}
    outlierDetection: {consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 1m}
`;

export const resilienceTasks: readonly Task[] = [
  {
    name: "circuit breaking: one connection and one request that waits; the others overflow, flagged UO and counted",
    async run(cluster) {
      await cluster.apply(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: httpbin}
spec:
  host: httpbin
  trafficPolicy:
    connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1, maxRequestsPerConnection: 1}}
    outlierDetection: {consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 3m, maxEjectionPercent: 100}
`);
      const caller = await cluster.pod("caller");
      const flagged = () => cluster.requests(caller, { response_flags: "UO" });
      await settles(async () => {
        const limits = await cluster.ask(caller, 15000, "/clusters");
        expect(limits).toContain(`${HTTPBIN}::default_priority::max_connections::1\n`);
      });
      await settles(async () => {
        const [before, flags] = [await counter(cluster, "upstream_rq_pending_overflow"), await flagged()];
        const first = cluster.call({ url: "http://httpbin:8000/delay/2" });
        try {
          // A connection that is not there yet has its request waiting, too.
          await until(first, async () => (await counter(cluster, "upstream_rq_active")) === 1);
          const answers = await cluster.call({ url: "http://httpbin:8000/get" }, 4, true);
          expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 503, 503, 503]);
          const refused = answers.find(({ status }) => status === 503);
          expect(refused?.headers["x-envoy-overloaded"]).toBe("true");
          expect(refused?.text).toContain("overflow");
        } finally {
          expect((await first)[0]?.status).toBe(200);
        }
        expect((await counter(cluster, "upstream_rq_pending_overflow")) - before).toBe(3);
        expect((await flagged()) - flags).toBe(3);
      });
      expect((await cluster.call({ url: "http://httpbin:8000/get" }, 5)).map(({ status }) => status)).toEqual(
        Array.from({ length: 5 }, () => 200),
      );
    },
  },
  {
    name: "mirroring: v1 answers, v2 gets a copy of each request, under a shadow name",
    async run(cluster) {
      await cluster.apply(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: counter}
spec: {host: counter, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: counter}
spec:
  hosts: [counter]
  http: [{route: [{destination: {host: counter, subset: v1}, weight: 100}], mirror: {host: counter, subset: v2}, mirrorPercentage: {value: 100}}]
`);
      const shadows = await cluster.pod("counter", "v2");
      await settles(async () => {
        const key = `mirror-${performance.now()}`;
        const answers = await cluster.call({ url: "http://counter:8000/", headers: { "x-count": key } }, 30);
        expect(versions(answers)).toEqual({ v1: 30 });
        await settles(async () => {
          const counts = JSON.parse(await cluster.ask(shadows, 8080, "/counts")) as Record<string, number>;
          expect(counts[key]).toBe(30);
        });
      });
    },
  },
  {
    name: "locality load balancing: the caller's own zone, shares by weight, and failover zone by zone when pods are drained",
    async run(cluster) {
      const answered = async (times: number) =>
        versions(await cluster.call({ url: "http://helloworld:5000/hello" }, times));
      await cluster.apply(
        locality(
          '{enabled: true, distribute: [{from: region1/zone1/*, to: {"region1/zone1/*": 70, "region1/zone2/*": 20, "region2/zone3/*": 10}}]}',
        ),
      );
      await settles(async () => {
        const found = await answered(200);
        LOCALITIES.forEach((name, index) => {
          const share = [0.7, 0.2, 0.1][index] ?? 0;
          const away = 4 * Math.sqrt(200 * share * (1 - share));
          expect(Math.abs((found[name] ?? 0) - 200 * share)).toBeLessThan(away);
        });
      });
      await cluster.apply(locality("{enabled: true, failover: [{from: region1, to: region2}]}"));
      for (const [index, name] of LOCALITIES.entries()) {
        await settles(async () => expect(await answered(20)).toEqual({ [name]: 20 }));
        if (index === LOCALITIES.length - 1) break;
        await cluster.ask(await cluster.pod("helloworld", name), 15000, "/drain_listeners", "POST");
      }
    },
  },
];
