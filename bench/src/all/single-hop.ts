import { type LoadPlan, type LoadTarget, measureLoad, sendLoad } from "../compare/load.ts";
import { runRounds } from "../compare/rounds.ts";
import type { WorkloadFiles } from "../pair/certificates.ts";
import { issuePair, placement, startApp } from "../pair/compare-pairs.ts";
import { startHop } from "../pair/variant.ts";
import { type FoundPeer, startPeer } from "./peers.ts";
import { type Row, type RowSurroundings, scaled } from "./row.ts";

/** Our proxy and Envoy, and the peers that stand alone. `role`: `server` takes mTLS from its clients. */
async function startHops(
  around: RowSurroundings,
  role: "client" | "server",
  peers: readonly FoundPeer[],
): Promise<{ readonly hops: readonly LoadTarget[]; readonly client: WorkloadFiles }> {
  const appPort = await startApp(around, 1024);
  const cpus = placement().proxies;
  const files = await issuePair(around.folder);
  const hops: LoadTarget[] = [];
  const add = (hop: LoadTarget) => {
    around.children.push(...hop.proxies);
    hops.push(hop);
  };
  const shared = { folder: around.folder, appPort, cpus };
  for (const plan of around.plans) add(await startHop(plan, role, { ...shared, protocol: "http", ...files }));
  for (const peer of peers)
    add(await startPeer(peer, { ...shared, tls: role === "server" ? files.server : undefined }));
  return { hops, client: files.client };
}

async function compareHops(around: RowSurroundings, hops: readonly LoadTarget[], load: LoadPlan) {
  for (const hop of hops) await sendLoad(hop, { ...load, rate: 0, requests: scaled(around, 100_000, 500) });
  return runRounds(
    hops.map((hop) => ({ name: hop.name, measure: () => measureLoad(hop, load) })),
    around.rounds,
    around.progress,
  );
}

export const singleHop: Row = {
  name: "hop",
  about: "one proxy, plain HTTP/1.1, 32 connections, 1 KB",
  targets: [{ text: "CPU ≤ 1.3 of nginx", against: "nginx", figure: "cpuUsPerRequest", atMost: 1.3 }],
  run: async (around) =>
    compareHops(around, (await startHops(around, "client", around.peers)).hops, {
      protocol: "http1",
      requests: scaled(around, 60_000, 500),
      concurrency: 32,
      cpus: placement().load,
    }),
};

export const tlsHop: Row = {
  name: "tls",
  about: "one proxy, HTTP/1.1 over mTLS from its clients, 32 connections, 1 KB",
  targets: [{ text: "CPU ≤ Envoy", against: "envoy", figure: "cpuUsPerRequest", atMost: 1 }],
  run: async (around) => {
    const { hops, client } = await startHops(around, "server", around.peers);
    return compareHops(around, hops, {
      protocol: "http1",
      requests: scaled(around, 60_000, 500),
      concurrency: 32,
      cpus: placement().load,
      tls: client,
    });
  },
};

export const fixedRate: Row = {
  name: "rate",
  about: "one proxy, plain HTTP/1.1, 1,000 requests a second",
  targets: [
    { text: "p50 ≤ Envoy", against: "envoy", figure: "p50Ms", atMost: 1 },
    { text: "p99 ≤ Envoy", against: "envoy", figure: "p99Ms", atMost: 1 },
  ],
  run: async (around) =>
    compareHops(around, (await startHops(around, "client", [])).hops, {
      protocol: "http1",
      requests: scaled(around, 5000, 200),
      concurrency: 32,
      rate: 1000,
      cpus: placement().load,
    }),
};
