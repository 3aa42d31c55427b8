/** Where the application serves metrics of its own. */
export interface AppMetricsTarget {
  readonly path: string;
  readonly port: number;
}

/** Longest body of the application's metrics that is passed on. Source: Istio's agent. Units: bytes. */
const MAX_APP_BYTES = 10 * 1024 * 1024;
const TIMEOUT_MS = 3000;

/** Reads `ISTIO_PROMETHEUS_ANNOTATIONS`; undefined when the application is not scraped. */
export function parseAppMetrics(json: string): AppMetricsTarget | undefined {
  if (json === "") return undefined;
  try {
    const { scrape, path, port }: { scrape?: string; path?: string; port?: string } = JSON.parse(json);
    const number = Number(port);
    return scrape === "true" && Number.isInteger(number) && number > 0
      ? { path: path ?? "/metrics", port: number }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The proxy's and the agent's metrics with the application's behind them; an application that doesn't answer costs only its own part. */
export async function mergedMetrics(
  own: string,
  app: AppMetricsTarget | undefined,
  onFailure: () => void,
): Promise<string> {
  if (!app) return own;
  try {
    const response = await fetch(`http://127.0.0.1:${app.port}${app.path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = response.ok ? await textOf(response) : undefined;
    if (text !== undefined) return `${own}${own.endsWith("\n") ? "" : "\n"}${text}`;
    onFailure();
    return own;
  } catch {
    onFailure();
    return own;
  }
}

/** Undefined: too long; what is too long is not read to its end, which may never come. */
async function textOf(response: Response): Promise<string | undefined> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_APP_BYTES) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}
