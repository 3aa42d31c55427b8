import { type LoadPlan, type LoadTarget, measureLoad, sendLoad } from "../compare/load.ts";
import { runRounds } from "../compare/rounds.ts";
import { issuePair, placement, startApp } from "../pair/compare-pairs.ts";
import { startHop } from "../pair/variant.ts";
import { findNginx, NO_NGINX, startNginx } from "./nginx.ts";
import { type Row, type RowSurroundings, scaled } from "./row.ts";

async function startHops(around: RowSurroundings, nginx: boolean): Promise<LoadTarget[]> {
  const appPort = await startApp(around, 1024);
  const cpus = placement().proxies;
  const files = await issuePair(around.folder);
  const hops: LoadTarget[] = [];
  const add = (hop: LoadTarget) => {
    around.children.push(...hop.proxies);
    hops.push(hop);
  };
  for (const plan of around.plans)
    add(await startHop(plan, "client", { folder: around.folder, appPort, protocol: "http", cpus, ...files }));
  if (!nginx) return hops;
  const found = findNginx();
  if (found === undefined) around.progress(NO_NGINX);
  else add(await startNginx(found.path, around.folder, appPort, cpus));
  return hops;
}

async function compareHops(around: RowSurroundings, hops: readonly LoadTarget[], load: LoadPlan) {
  for (const hop of hops) await sendLoad(hop, { ...load, rate: 0, requests: scaled(around, 40_000, 500) });
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
    compareHops(around, await startHops(around, true), {
      protocol: "http1",
      requests: scaled(around, 30_000, 500),
      concurrency: 32,
      cpus: placement().load,
    }),
};

export const fixedRate: Row = {
  name: "rate",
  about: "one proxy, plain HTTP/1.1, 1,000 requests a second",
  targets: [
    { text: "p50 ≤ Envoy", against: "envoy", figure: "p50Ms", atMost: 1 },
    { text: "p99 ≤ Envoy", against: "envoy", figure: "p99Ms", atMost: 1 },
  ],
  run: async (around) =>
    compareHops(around, await startHops(around, false), {
      protocol: "http1",
      requests: scaled(around, 5000, 200),
      concurrency: 32,
      rate: 1000,
      cpus: placement().load,
    }),
};
