import { createLogger, createSystemClock, type LogRecord } from "@heddle/std";
import { type Discovery, type DiscoveryOptions, readOptions, startDiscovery } from "../src/index.ts";

export interface Started {
  readonly discovery: Discovery;
  readonly records: readonly LogRecord[];
  url(path: string): string;
  get(path: string): Promise<string>;
}

/** Starts a control plane on free loopback ports. */
export async function start(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Started> {
  const ports = ["grpcAddr", "secureGRPCAddr", "httpAddr", "httpsAddr", "monitoringAddr"].map(
    (flag) => `--${flag}=127.0.0.1:0`,
  );
  const read = readOptions([...ports, ...flags], { HEDDLE_DRAIN: "200ms", PILOT_DEBOUNCE_AFTER: "20ms", ...env });
  if (!read.ok) throw new Error(read.error.join("; "));
  const options: DiscoveryOptions = read.value;
  const clock = createSystemClock();
  const records: LogRecord[] = [];
  const log = createLogger({ clock, level: "debug", sink: (record) => void records.push(record) });
  const discovery = await startDiscovery(options, { clock, random: Math.random, log, env, version: "test" });
  const url = (path: string): string => `http://127.0.0.1:${discovery.ports.monitoring}${path}`;
  return { discovery, records, url, get: async (path) => (await fetch(url(path))).text() };
}
