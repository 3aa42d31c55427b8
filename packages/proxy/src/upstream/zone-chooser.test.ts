import { describe, expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { decodeZoneAware } from "../config/zone-aware.ts";
import { ClusterCounters } from "./counters.ts";
import { createHost, type Host } from "./host.ts";
import { createHostChooser } from "./host-chooser.ts";

let port = 0;
const zone = (locality: string, count: number, healthy = true): Host[] =>
  Array.from({ length: count }, () => {
    const host = createHost({ ip: "10.0.0.1", port: ++port }, 0, undefined, locality);
    host.edsHealthy = healthy;
    host.updateHealth();
    return host;
  });

interface Plan {
  readonly fail?: boolean;
  readonly panicPercent?: number;
  readonly localityWeighted?: boolean;
}

/** Shares of the zones in 6,000 choices of a proxy in zone "a", in percent; "none": nobody was chosen. */
function shares(hosts: readonly Host[], proxies: readonly Host[], plan: Plan = {}) {
  const counters = new ClusterCounters();
  const chooser = createHostChooser(
    {
      loadBalancing: {
        balancer: { kind: "random" },
        localityWeighted: plan.localityWeighted ?? false,
        zones: decodeZoneAware({ failTrafficOnPanic: plan.fail ?? false }),
      },
      panicPercent: plan.panicPercent ?? 50,
      overprovisioning: 140,
      localityWeight: (_priority, locality) => (locality === "b" ? 1 : 0),
      zone: { local: { locality: "a", hosts: proxies }, counters },
    },
    hosts,
    { random: seededRandom(3), nowMs: () => 0 },
  );
  const counts: Record<string, number> = {};
  for (let i = 0; i < 6000; i++) {
    const name = chooser.pick(undefined)?.locality ?? "none";
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return {
    counters,
    percent: Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Math.round(count / 60)])),
  };
}

describe("zones", () => {
  test("Envoy's own example: zones with room take what the others can't", () => {
    // Proxies 40, 40, 20 %, servers 25, 50, 25 %: 62.5 % stay, the others have room for 10 and 5.
    const proxies = [...zone("a", 2), ...zone("b", 2), ...zone("c", 1)];
    const { percent, counters } = shares([...zone("a", 2), ...zone("b", 4), ...zone("c", 2)], proxies);
    expect(percent["a"]).toBeWithin(60, 66);
    expect(percent["b"]).toBeWithin(22, 29);
    expect(percent["c"]).toBeWithin(10, 16);
    expect(counters.zoneSampled + counters.zoneCross).toBe(6000);
  });

  test("what is sick is no server of its zone", () => {
    const proxies = [...zone("a", 1), ...zone("b", 1)];
    const { percent } = shares([...zone("a", 2), ...zone("a", 2, false), ...zone("b", 6)], proxies);
    // A quarter of the servers for half of the requests.
    expect(percent["a"]).toBeWithin(46, 54);
  });

  test.each<[what: string, proxies: readonly Host[], plan: Plan, percent: Record<string, number>, notOk: number]>([
    ["all proxies are in one zone", zone("a", 2), {}, { a: 50, b: 50 }, 0],
    ["this proxy's zone has none", [...zone("b", 1), ...zone("c", 1)], {}, { a: 50, b: 50 }, 1],
    ["localities have weights", [...zone("a", 1), ...zone("b", 1)], { localityWeighted: true }, { b: 100 }, 0],
    ["most proxies are sick", [...zone("a", 1), ...zone("b", 2, false)], {}, { a: 50, b: 50 }, 6000],
    [
      "most are sick, and that is to fail",
      [...zone("a", 1), ...zone("b", 2, false)],
      { fail: true },
      { none: 100 },
      6000,
    ],
  ])("%s", (_what, proxies, plan, wanted, notOk) => {
    const { percent, counters } = shares([...zone("a", 4), ...zone("b", 4)], proxies, plan);
    for (const [name, share] of Object.entries(wanted)) expect(percent[name]).toBeWithin(share - 3, share + 4);
    expect(Object.keys(percent).sort()).toEqual(Object.keys(wanted).sort());
    expect(counters.localNotOk).toBe(notOk);
  });

  test("fail_traffic_on_panic: nobody where too few servers are healthy", () => {
    const servers = [...zone("a", 1), ...zone("b", 7, false)];
    expect(shares(servers, [], { fail: true }).percent).toEqual({ none: 100 });
    expect(Object.keys(shares(servers, []).percent).sort()).toEqual(["a", "b"]);
  });
});
