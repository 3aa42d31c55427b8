import { comparePairs } from "../pair/compare-pairs.ts";
import { readPairOptions } from "../pair/options.ts";
import { type Row, scaled } from "./row.ts";

function pair(name: string, about: string, protocol: "http1" | "grpc", targets: Row["targets"]): Row {
  return {
    name,
    about,
    targets,
    run: (around) => {
      const options = readPairOptions([
        `--protocol=${protocol}`,
        `--rounds=${around.rounds}`,
        `--requests=${scaled(around, 60_000, 500)}`,
        `--warmup=${scaled(around, 100_000, 500)}`,
      ]);
      if (typeof options === "string") throw new Error(options);
      return comparePairs(options, around);
    },
  };
}

export const http1Pair = pair("pair", "sidecar pair, mTLS, HTTP/1.1, 32 connections, 1 KB", "http1", [
  { text: "CPU ≤ 0.30 of Envoy", against: "envoy", figure: "cpuUsPerRequest", atMost: 0.3 },
  { text: "p99 ≤ 0.6 of Envoy", against: "envoy", figure: "p99Ms", atMost: 0.6 },
  { text: "RSS ≤ Envoy", against: "envoy", figure: "rssMiB", atMost: 1 },
]);

export const grpcPair = pair("grpc", "sidecar pair, mTLS, gRPC unary, 64 streams, 1 KB", "grpc", [
  { text: "CPU ≤ 0.35 of Envoy", against: "envoy", figure: "cpuUsPerRequest", atMost: 0.35 },
]);
