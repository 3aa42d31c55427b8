import { expect, test } from "bun:test";
import { createLogger } from "@heddle/std";
import type { DialOwner } from "../transport/dial.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import { createClusterCounters } from "../upstream/counters.ts";
import { createHost } from "../upstream/host.ts";
import { createStatsdSink, type StatsdCluster } from "./statsd-sink.ts";

test("each time that a server does not read is told, not each line that it loses", () => {
  const owners: DialOwner[] = [];
  const cluster: StatsdCluster = {
    counters: createClusterCounters(undefined),
    pick: () => createHost({ ip: "127.0.0.1", port: 1 }, 0, undefined),
    dial: (_host, _alpn, owner) => {
      owners.push(owner);
      return { cancel: () => undefined };
    },
  };
  const said: string[] = [];
  const log = createLogger({
    clock: { now: () => 0 },
    level: "warn",
    sink: ({ fields }) => void said.push(String(fields["reason"])),
  });
  const to = { kind: "tcp", cluster: "statsd" } as const;
  const sink = createStatsdSink({ kind: "statsd", to, prefix: "p", dog: false, datagramBytes: 0 }, log, () => cluster);
  const got: string[] = [];
  const server = {
    writable: true,
    bytesIn: 0,
    bytesOut: 0,
    write: (bytes: Uint8Array) => void got.push(Buffer.from(bytes).toString()),
  };
  sink.send(["a:1|c"]);
  owners[0]?.onConnected(server as unknown as StreamConnection);
  for (const writable of [true, false, false, true, false]) {
    server.writable = writable;
    sink.send(["b:1|c", "c:1|c"]);
  }
  expect(got).toEqual(["a:1|c\n", "b:1|c\nc:1|c\n", "b:1|c\nc:1|c\n"]);
  expect(said).toEqual(["the server does not read", "the server does not read"]);
});
