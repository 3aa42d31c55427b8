import { describe, expect, test } from "bun:test";
import { BoundedLoad } from "./bounded-load.ts";
import { createHost, type Host } from "./host.ts";
import { MersenneTwister } from "./mersenne-twister.ts";

test("the numbers are those of the C++ standard's mt19937", () => {
  const random = new MersenneTwister(5489);
  let last = 0;
  for (let i = 0; i < 10_000; i++) last = random.next();
  // ISO/IEC 14882, [rand.predef]: the 10,000th number of a default-constructed engine.
  expect(last).toBe(4_123_659_995);
});

describe("bounded load", () => {
  const hostsWith = (active: readonly number[]): Host[] =>
    active.map((count, i) => {
      const host = createHost({ ip: "10.0.0.1", port: i + 1 }, 0, undefined);
      host.active = count;
      return host;
    });
  const first = (hosts: readonly Host[]) => ({ pick: () => hosts[0] });
  const choose = (hosts: readonly Host[], factor: number, hash = 7n, weight = (_: Host) => 1) =>
    hosts.indexOf(new BoundedLoad(first(hosts), hosts, weight, factor, () => 7n).pick(hash) as Host);

  test("a host keeps its requests until it has more than its share", () => {
    // 10 under way, 11 with this one: 150 % of 11 ÷ 3 are 6.
    expect(choose(hostsWith([6, 2, 2]), 150)).toBe(0);
    // 12 with this one: still 6.
    expect(choose(hostsWith([7, 2, 2]), 150)).not.toBe(0);
  });

  test("shares follow weights", () => {
    const heavy = (host: Host) => (host.address.port === 1 ? 8 : 1);
    expect(choose(hostsWith([9, 1, 1]), 110, 7n, heavy)).toBe(0);
    expect(choose(hostsWith([9, 1, 1]), 110)).not.toBe(0);
  });

  test("the way on follows from the hash alone", () => {
    const hosts = hostsWith([50, ...Array.from({ length: 9 }, () => 0)]);
    for (let hash = 0n; hash < 20n; hash++) expect(choose(hosts, 120, hash)).toBe(choose(hosts, 120, hash));
    const ways = new Set(Array.from({ length: 60 }, (_, i) => choose(hosts, 120, BigInt(i * 977))));
    expect(ways.size).toBeGreaterThan(6);
    expect(ways.has(0)).toBe(false);
  });

  test("where all have too much, the one with the least over its share", () => {
    expect(choose(hostsWith([9, 5, 7]), 50)).toBe(1);
  });

  test("nobody", () => {
    expect(
      new BoundedLoad(
        { pick: () => undefined },
        [],
        () => 1,
        120,
        () => 1n,
      ).pick(undefined),
    ).toBeUndefined();
  });
});
