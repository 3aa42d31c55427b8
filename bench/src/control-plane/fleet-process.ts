/**
 * Many simulated proxies in one process: fleet-process.ts PORT delta|sotw. Reads one command a line from stdin
 * ({"do":"join","from":0,"count":500} | {"do":"expect","marker":"text"} | {"do":"seen","quietMs":500} | {"do":"leave"})
 * and answers each with one JSON line.
 */
import type { Dialect } from "./discovery-messages.ts";
import type { FleetAnswer, FleetCommand } from "./fleet.ts";
import { createSimulatedProxy, type SimulatedProxy } from "./simulated-proxy.ts";

const [portText = "", dialectText = "delta"] = process.argv.slice(2);
const dialect: Dialect = dialectText === "sotw" ? "sotw" : "delta";
const port = Number(portText);
const now = (): number => performance.timeOrigin + performance.now();
let proxies: SimulatedProxy[] = [];
let failure: string | undefined;
const onFailure = (reason: string): void => {
  failure ??= reason;
};
const target = { port, dialect, now, onFailure };

const totals = (): Pick<FleetAnswer, "bytes" | "responses"> => ({
  bytes: proxies.reduce((sum, proxy) => sum + proxy.bytes, 0),
  responses: proxies.reduce((sum, proxy) => sum + proxy.responses, 0),
});

/** Waits until `times` has one for each proxy. */
async function all(
  of: readonly SimulatedProxy[],
  time: (proxy: SimulatedProxy) => number | undefined,
  limitMs: number,
) {
  const end = now() + limitMs;
  for (;;) {
    const times = of.map(time).filter((at): at is number => at !== undefined);
    if (times.length === of.length) return times;
    if (failure !== undefined) throw new Error(failure);
    if (now() > end)
      throw new Error(`${of.length - times.length} of ${of.length} proxies are not served after ${limitMs} ms`);
    await Bun.sleep(2);
  }
}

async function quiet(ms: number): Promise<void> {
  while (now() - Math.max(0, ...proxies.map((proxy) => proxy.lastAt)) < ms) await Bun.sleep(20);
}

async function run(command: FleetCommand): Promise<FleetAnswer> {
  const before = totals();
  const startedAt = now();
  const done = (times: readonly number[]): FleetAnswer => {
    const after = totals();
    return { times, startedAt, bytes: after.bytes - before.bytes, responses: after.responses - before.responses };
  };
  switch (command.do) {
    case "join": {
      const joined = Array.from({ length: command.count }, (_, i) => createSimulatedProxy(target, command.from + i));
      proxies = [...proxies, ...joined];
      await Promise.all(joined.map((proxy) => proxy.connect()));
      return done(await all(joined, (proxy) => proxy.completeAt, command.limitMs));
    }
    case "expect":
      for (const proxy of proxies) proxy.expect(command.marker);
      return done([]);
    case "seen": {
      const times = await all(proxies, (proxy) => proxy.seenAt, command.limitMs);
      await quiet(command.quietMs);
      return done(times);
    }
    case "quiet":
      await quiet(command.quietMs);
      return done([]);
    case "leave": {
      const kept = proxies.slice(0, command.keep);
      for (const proxy of proxies.slice(command.keep)) proxy.close();
      proxies = kept;
      return { times: [], startedAt, bytes: 0, responses: 0 };
    }
  }
}

for await (const line of console) {
  try {
    console.log(JSON.stringify(await run(JSON.parse(line) as FleetCommand)));
  } catch (error) {
    console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
  }
}
