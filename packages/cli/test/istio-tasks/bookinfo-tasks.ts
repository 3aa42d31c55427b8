import { expect } from "bun:test";
import { settles } from "../settles.ts";
import type { Task, TasksCluster } from "./tasks-cluster.ts";

const net = (name: string) => `bookinfo/networking/${name}.yaml`;

/** The product page as a user sees it. */
async function page(cluster: TasksCluster, user = ""): Promise<{ readonly text: string; readonly ms: number }> {
  const started = performance.now();
  const headers = user === "" ? {} : { cookie: `session=${Buffer.from(user).toString("base64url")}` };
  const url = `http://127.0.0.1:${cluster.ingress("http2")}/productpage`;
  const answer = await fetch(url, { headers, signal: AbortSignal.timeout(15_000) });
  const text = await answer.text();
  expect(answer.status).toBe(200);
  return { text, ms: performance.now() - started };
}

/** Which version of reviews made the page: by the colour of its stars. */
function versionIn(text: string): string {
  if (text.includes("Error fetching product reviews")) return "error";
  if (!text.includes("glyphicon-star")) return text.includes("Ratings service is currently unavailable") ? "v?" : "v1";
  return text.includes('class="red"') ? "v3" : "v2";
}

async function versionsOf(cluster: TasksCluster, times: number, user = ""): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  const one = async () => {
    const version = versionIn((await page(cluster, user)).text);
    found[version] = (found[version] ?? 0) + 1;
  };
  for (let i = 0; i < times; i += 10) await Promise.all(Array.from({ length: Math.min(10, times - i) }, one));
  return found;
}

/** Four standard deviations around the expected share. */
function expectShare(count: number, share: number, times: number): void {
  const away = 4 * Math.sqrt(times * share * (1 - share));
  expect(count).toBeGreaterThanOrEqual(Math.floor(share * times - away));
  expect(count).toBeLessThanOrEqual(Math.ceil(share * times + away));
}

export const bookinfoTasks: readonly Task[] = [
  {
    name: "the application behind the gateway: three versions take turns; a path without a route is answered 404",
    async run(cluster) {
      await settles(async () => {
        expect((await page(cluster)).text).toContain("<title>Simple Bookstore App</title>");
        const other = await fetch(`http://127.0.0.1:${cluster.ingress("http2")}/nowhere`);
        expect(other.status).toBe(404);
        expect(Object.keys(await versionsOf(cluster, 30)).toSorted()).toEqual(["v1", "v2", "v3"]);
      });
    },
  },
  {
    name: "request routing: all to v1; then jason to v2 by his header",
    async run(cluster) {
      await cluster.apply(net("virtual-service-all-v1"));
      await settles(async () => expect(await versionsOf(cluster, 20)).toEqual({ v1: 20 }));
      await cluster.apply(net("virtual-service-reviews-test-v2"));
      await settles(async () => {
        expect(await versionsOf(cluster, 10, "jason")).toEqual({ v2: 10 });
        expect(await versionsOf(cluster, 10)).toEqual({ v1: 10 });
      });
    },
  },
  {
    name: "fault injection: a delay of 7 s in front of ratings breaks the page for jason after 6 s, an abort takes his stars",
    async run(cluster) {
      await cluster.apply(net("virtual-service-all-v1"), net("virtual-service-reviews-test-v2"));
      await cluster.apply(net("virtual-service-ratings-test-abort"));
      await settles(async () => {
        expect((await page(cluster, "jason")).text).toContain("Ratings service is currently unavailable");
        expect(await versionsOf(cluster, 5)).toEqual({ v1: 5 });
      });
      await cluster.apply(net("virtual-service-ratings-test-delay"));
      await settles(async () => {
        const { text, ms } = await page(cluster, "jason");
        expect(text).toContain("Error fetching product reviews!");
        expect(ms).toBeGreaterThan(5900);
      });
      expect(await versionsOf(cluster, 5)).toEqual({ v1: 5 });
      // What the page's reader is told to do: shorter delays are all right.
      await cluster.apply(net("virtual-service-ratings-test-abort"), net("fault-injection-details-v1"));
      await settles(async () => expect((await page(cluster)).text).toContain("Error fetching product details!"));
    },
  },
  {
    name: "traffic shifting: a fifth, a half and all of the requests to another version",
    async run(cluster) {
      for (const [file, version, share] of [
        ["virtual-service-reviews-80-20", "v2", 0.2],
        ["virtual-service-reviews-50-v3", "v3", 0.5],
        ["virtual-service-reviews-v3", "v3", 1],
      ] as const) {
        await cluster.apply(net(file));
        await settles(async () => {
          const found = await versionsOf(cluster, 100);
          expectShare(found[version] ?? 0, share, 100);
          expect((found["v1"] ?? 0) + (found[version] ?? 0)).toBe(100);
        });
      }
    },
  },
  {
    name: "request timeouts: half a second for reviews, whose ratings take two",
    async run(cluster) {
      await cluster.apply(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ratings}
spec:
  hosts: [ratings]
  http: [{fault: {delay: {percentage: {value: 100}, fixedDelay: 2s}}, route: [{destination: {host: ratings, subset: v1}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http: [{route: [{destination: {host: reviews, subset: v2}}]}]
`);
      await settles(async () => {
        const { text, ms } = await page(cluster);
        expect(versionIn(text)).toBe("v2");
        expect(ms).toBeGreaterThan(1950);
      });
      await cluster.apply(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http: [{timeout: 0.5s, route: [{destination: {host: reviews, subset: v2}}]}]
`);
      await settles(async () => {
        const { text, ms } = await page(cluster);
        expect(versionIn(text)).toBe("error");
        // Two tries of half a second.
        expect(ms).toBeGreaterThan(950);
      });
    },
  },
  {
    name: "TCP traffic shifting: connections through the gateway's TCP port, a fifth to v2",
    async run(cluster) {
      await cluster.apply("tcp-echo/tcp-echo-all-v1.yaml");
      await settles(async () => expect(await echoed(cluster, 20)).toEqual({ one: 20 }));
      await cluster.apply("tcp-echo/tcp-echo-20-v2.yaml");
      await settles(async () => {
        const found = await echoed(cluster, 100);
        expectShare(found["two"] ?? 0, 0.2, 100);
        expect((found["one"] ?? 0) + (found["two"] ?? 0)).toBe(100);
      });
    },
  },
];

/** How many connections to the gateway's TCP port were answered by each word. */
async function echoed(cluster: TasksCluster, times: number): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  for (let i = 0; i < times; i++) {
    const word = await new Promise<string>((resolve) => {
      Bun.connect({
        hostname: "127.0.0.1",
        port: cluster.ingress("tcp"),
        socket: {
          open: (socket) => void socket.write("hello\n"),
          data(socket, bytes) {
            resolve(bytes.toString().replace(" hello\n", ""));
            socket.end();
          },
          close: () => resolve("closed"),
          error: (_socket, error) => resolve(String(error)),
        },
      }).catch((error: unknown) => resolve(String(error)));
    });
    found[word] = (found[word] ?? 0) + 1;
  }
  return found;
}
