import { describe, expect, test } from "bun:test";
import type { BalancerConfig } from "../config/load-balancing.ts";
import { createHost, type Host } from "./host.ts";
import { createHostChooser } from "./host-chooser.ts";

/** The same numbers in every run. */
function sequence(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

interface Wanted {
  readonly port: number;
  readonly priority?: number;
  readonly locality?: string;
  readonly state?: "unhealthy" | "degraded";
}

function hostsOf(list: readonly Wanted[]): Host[] {
  return list.map(({ port, priority = 0, locality = "", state }) => {
    const host = createHost({ ip: "10.0.0.1", port }, priority, undefined, locality);
    host.edsHealthy = state !== "unhealthy";
    host.degraded = state === "degraded";
    host.updateHealth();
    return host;
  });
}

/** Share of the picks by port, in whole percent of 2000. */
function shares(
  list: readonly Wanted[],
  options: { readonly panic?: number; readonly weights?: Readonly<Record<string, number>> } = {},
): Record<number, number> {
  const random = sequence();
  const chooser = createHostChooser(
    {
      loadBalancing: {
        balancer: { kind: "round-robin", slowStart: undefined },
        localityWeighted: options.weights !== undefined,
      },
      panicPercent: options.panic ?? 50,
      overprovisioning: 140,
      localityWeight: (_priority, locality) => options.weights?.[locality] ?? 0,
    },
    hostsOf(list),
    { random, nowMs: () => 0 },
  );
  const counts: Record<number, number> = {};
  for (let i = 0; i < 2000; i++) {
    const port = chooser.pick(undefined)?.address.port;
    if (port !== undefined) counts[port] = (counts[port] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).map(([port, count]) => [port, Math.round(count / 20)]));
}

const many = (from: number, count: number, rest: Omit<Wanted, "port"> = {}): Wanted[] =>
  Array.from({ length: count }, (_, i) => ({ port: from + i, ...rest }));
const total = (found: Record<number, number>, from: number, to: number) =>
  Object.entries(found).reduce(
    (sum, [port, share]) => sum + (Number(port) >= from && Number(port) < to ? share : 0),
    0,
  );

describe("priorities, health and panic", () => {
  test("all healthy: equal shares, nothing to the second priority", () => {
    expect(shares([...many(1, 2), ...many(10, 2, { priority: 1 })])).toEqual({ 1: 50, 2: 50 });
  });

  test("unhealthy hosts get nothing while enough others are there", () => {
    expect(shares([...many(1, 3), { port: 9, state: "unhealthy" }])).toEqual({ 1: 33, 2: 33, 3: 33 });
  });

  test("a priority with 60 % health passes 16 % on (140 % over-provisioning)", () => {
    const found = shares([...many(1, 6), ...many(7, 4, { state: "unhealthy" }), ...many(20, 2, { priority: 1 })]);
    expect(total(found, 1, 7)).toBeGreaterThanOrEqual(81);
    expect(total(found, 1, 7)).toBeLessThanOrEqual(87);
    expect(total(found, 7, 11)).toBe(0);
  });

  test("a dead priority passes everything on", () => {
    expect(shares([...many(1, 2, { state: "unhealthy" }), ...many(10, 1, { priority: 1 })])).toEqual({ 10: 100 });
  });

  test("under the panic threshold all hosts are used", () => {
    expect(shares([...many(1, 1), ...many(2, 3, { state: "unhealthy" })])).toEqual({ 1: 25, 2: 25, 3: 25, 4: 25 });
  });

  test("without panic nothing is used where nothing is healthy", () => {
    expect(shares(many(1, 2, { state: "unhealthy" }), { panic: 0 })).toEqual({});
  });

  test("degraded hosts take what healthy ones can't", () => {
    const found = shares([...many(1, 1), ...many(2, 1, { state: "degraded" }), ...many(3, 2, { state: "unhealthy" })]);
    expect(found[2] ?? 0).toBeGreaterThan(30);
  });
});

describe("localities", () => {
  const list = [...many(1, 2, { locality: "a" }), ...many(3, 2, { locality: "b" })];

  test("get their weights", () => {
    const found = shares(list, { weights: { a: 3, b: 1 } });
    expect(total(found, 1, 3)).toBeGreaterThanOrEqual(72);
    expect(total(found, 1, 3)).toBeLessThanOrEqual(78);
  });

  test("without weights don't count", () => {
    expect(shares(list, { weights: {} })).toEqual({ 1: 25, 2: 25, 3: 25, 4: 25 });
  });
});

describe("consistent hashing", () => {
  const balancers: readonly BalancerConfig[] = [
    { kind: "ring-hash", minSize: 1024, maxSize: 8_388_608, hash: { useHostname: false, balanceFactor: 0 } },
    { kind: "maglev", tableSize: 65_537, hash: { useHostname: false, balanceFactor: 0 } },
  ];

  test.each(
    balancers.map((balancer) => [balancer.kind, balancer] as const),
  )("%s keeps nearly all keys when a host leaves", (_name, balancer) => {
    const choose = (hosts: readonly Host[]) =>
      createHostChooser(
        {
          loadBalancing: { balancer, localityWeighted: false },
          panicPercent: 50,
          overprovisioning: 140,
          localityWeight: () => 0,
        },
        hosts,
        { random: sequence(), nowMs: () => 0 },
      );
    const hosts = hostsOf(many(1, 5));
    const before = choose(hosts);
    const after = choose(hosts.slice(0, 4));
    let moved = 0;
    let lost = 0;
    for (let i = 0; i < 1000; i++) {
      const hash = Bun.hash.xxHash64(`key-${i}`);
      const old = before.pick(hash);
      if (old === hosts[4]) lost++;
      else if (after.pick(hash) !== old) moved++;
    }
    expect(lost).toBeGreaterThan(100);
    expect(moved).toBeLessThan(150);
  });

  test("a bounded load moves on from a busy host", () => {
    const hosts = hostsOf(many(1, 3));
    const chooser = createHostChooser(
      {
        loadBalancing: {
          balancer: {
            kind: "ring-hash",
            minSize: 1024,
            maxSize: 4096,
            hash: { useHostname: false, balanceFactor: 120 },
          },
          localityWeighted: false,
        },
        panicPercent: 50,
        overprovisioning: 140,
        localityWeight: () => 0,
      },
      hosts,
      { random: sequence(), nowMs: () => 0 },
    );
    const first = chooser.pick(7n);
    if (first === undefined) throw new Error("no host");
    first.active = 10;
    expect(chooser.pick(7n)).not.toBe(first);
  });
});

test("peak EWMA prefers the faster host, slow start the older one", () => {
  const hosts = hostsOf(many(1, 2));
  const [slow, fast] = hosts;
  if (slow === undefined || fast === undefined) throw new Error("no hosts");
  slow.latencyMs = 100;
  fast.latencyMs = 1;
  const config = { panicPercent: 50, overprovisioning: 140, localityWeight: () => 0 };
  const around = { random: sequence(), nowMs: () => 1000 };
  const ewma = createHostChooser(
    { ...config, loadBalancing: { balancer: { kind: "peak-ewma", decayMs: 10_000 }, localityWeighted: false } },
    hosts,
    around,
  );
  expect(ewma.pick(undefined)).toBe(fast);
  fast.warmsSinceMs = 900;
  slow.warmsSinceMs = -100_000;
  const one = { key: "", base: 1 };
  const slowStart = { windowMs: 10_000, aggression: one, minWeight: 0.1 };
  for (const balancer of [
    { kind: "round-robin", slowStart },
    { kind: "least-request", choices: 2, bias: one, slowStart },
  ] as const) {
    const gentle = createHostChooser(
      { ...config, loadBalancing: { balancer, localityWeighted: false } },
      hosts,
      around,
    );
    let young = 0;
    for (let i = 0; i < 110; i++) if (gentle.pick(undefined) === fast) young++;
    expect(young).toBeWithin(10, 12);
  }
  slow.active = 9;
  const busy = createHostChooser(
    {
      ...config,
      loadBalancing: { balancer: { kind: "least-request", choices: 2, bias: one, slowStart }, localityWeighted: false },
    },
    hosts,
    around,
  );
  // A tenth of the weight, and a tenth of the requests under way.
  let young = 0;
  for (let i = 0; i < 100; i++) if (busy.pick(undefined) === fast) young++;
  expect(young).toBeWithin(49, 52);
});
