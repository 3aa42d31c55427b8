/** Measured times of a fixed number of requests, and the line that a load client ends with. */
export interface Latencies {
  add(ms: number): void;
  /** Prints the figures as one JSON line. `beganMs` on the monotonic clock. */
  print(beganMs: number, errors: number): void;
}

/** What a load client prints last. */
export interface LoadReport {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export function createLatencies(requests: number): Latencies {
  const all = new Float64Array(requests);
  let count = 0;
  return {
    add: (ms) => {
      all[count++] = ms;
    },
    print: (beganMs, errors) => {
      const seconds = (performance.now() - beganMs) / 1000;
      const sorted = all.subarray(0, count).sort();
      const at = (q: number) => sorted[Math.min(count - 1, Math.floor(q * count))] ?? 0;
      const report: LoadReport = {
        requests,
        errors,
        seconds,
        p50Ms: at(0.5),
        p90Ms: at(0.9),
        p99Ms: at(0.99),
        maxMs: at(1),
      };
      console.log(JSON.stringify(report));
    },
  };
}

/** The last line of a load client's output. Errors: throws when it is not a report. */
export function readLoadReport(output: string): LoadReport {
  return JSON.parse(output.trim().split("\n").at(-1) ?? "") as LoadReport;
}
