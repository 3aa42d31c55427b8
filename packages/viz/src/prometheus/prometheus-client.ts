import { listOf, recordOf } from "@heddle/std";

/** One series with its samples of a span. */
export interface RangeSeries {
  readonly labels: ReadonlyMap<string, string>;
  /** Invariant: times ascend. Units: ms since 1970. */
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** Asks a Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics). */
export interface PrometheusClient {
  readonly url: string;
  /** Samples of all series that the selector names. Errors: PrometheusError. */
  samples(selector: string, span: { readonly fromMs: number; readonly toMs: number }): Promise<readonly RangeSeries[]>;
}

/** Prometheus can't be asked: the sentence goes to whoever asked. */
export class PrometheusError extends Error {
  override readonly name = "PrometheusError";
}

/** Beyond this, samples come one a step instead of as they were scraped. Units: ms. */
const RAW_SPAN_MS = 15 * 60_000;
/** Most samples of a series beyond it. */
const STEPS = 360;
const TIMEOUT_MS = 10_000;

/** `url` may carry a path prefix and `user:password@`. Errors: PrometheusError for what is no URL. */
export function createPrometheusClient(url: string, fetchAnswer: typeof fetch = fetch): PrometheusClient {
  const base = parseUrl(url);
  const credentials = base.username === "" ? undefined : `${decode(base.username)}:${decode(base.password)}`;
  base.username = "";
  base.password = "";
  const shown = base.href.replace(/\/$/, "");

  const ask = async (path: string, params: Readonly<Record<string, string>>): Promise<unknown> => {
    let body: unknown;
    try {
      const response = await fetchAnswer(`${shown}${path}`, {
        method: "POST",
        body: new URLSearchParams(params),
        headers: credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      body = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : undefined;
      if (body === undefined) throw new Error(`HTTP ${response.status}, no JSON: is this the address of a Prometheus?`);
    } catch (error) {
      throw unreachable(shown, error instanceof Error ? error.message : String(error));
    }
    const { status, data, error } = recordOf(body);
    if (status !== "success") throw unreachable(shown, `it refused: ${String(error)}`);
    return recordOf(data)["result"];
  };

  return {
    url: shown,
    samples: async (selector, { fromMs, toMs }) => {
      const spanMs = Math.max(1000, toMs - fromMs);
      const result =
        spanMs <= RAW_SPAN_MS
          ? await ask("/api/v1/query", { query: `${selector}[${Math.ceil(spanMs)}ms]`, time: String(toMs / 1000) })
          : await ask("/api/v1/query_range", {
              query: selector,
              start: String(fromMs / 1000),
              end: String(toMs / 1000),
              step: String(Math.ceil(spanMs / STEPS / 1000)),
            });
      return listOf(result).map(rangeSeries);
    },
  };
}

function parseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "http:" || parsed?.protocol === "https:") return parsed;
  throw new PrometheusError(
    `--prometheus-url ${url.replace(/\/\/[^/@]*@/, "//")}: expected an address such as http://prometheus.monitoring:9090`,
  );
}

function unreachable(url: string, reason: string): PrometheusError {
  return new PrometheusError(
    `Prometheus at ${url} can't be asked (${reason}); check that address with --prometheus-url, or leave it out and viz keeps its own history`,
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function rangeSeries(value: unknown): RangeSeries {
  const { metric, values } = recordOf(value);
  const times: number[] = [];
  const numbers: number[] = [];
  for (const pair of listOf(values)) {
    if (!Array.isArray(pair)) continue;
    times.push(Math.round(Number(pair[0]) * 1000));
    numbers.push(Number(pair[1]));
  }
  const labels = Object.entries(recordOf(metric)).map(([name, text]): [string, string] => [name, String(text)]);
  return { labels: new Map(labels), times, values: numbers };
}
