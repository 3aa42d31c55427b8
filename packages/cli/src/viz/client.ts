import { isKubeError, type KubeClient } from "@heddle/kube-client";
import type { EdgesAnswer, RoutesAnswer, StatAnswer, StatKind } from "@heddle/viz";
import { UsageError } from "../context.ts";

const NAMESPACE = "linkerd-viz";

/** The metrics service, as the API server reaches it. */
export const METRICS_SERVICE = { kind: "services", namespace: NAMESPACE, name: "metrics-api", port: 8085 } as const;

/** Asks the metrics service in the cluster through the API server. Errors: UsageError with its sentence, or the next step when it isn't there. */
export async function askViz<T extends StatAnswer<StatKind> | EdgesAnswer | RoutesAnswer>(
  kube: KubeClient,
  path: "/api/stat" | "/api/edges" | "/api/routes",
  query: Readonly<Record<string, string | undefined>>,
  prometheusUrl?: string,
): Promise<T> {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) params.set(key, value);
  if (prometheusUrl !== undefined) return (await askHere(kube, `${path}?${params}`, prometheusUrl)) as T;
  let response: Response;
  try {
    response = await kube.proxyRequest(METRICS_SERVICE, "GET", `${path}?${params}`);
  } catch (error) {
    const reason = error instanceof Error ? sentenceOf(error.message) : String(error);
    if (isKubeError(error, 400)) throw new UsageError(reason);
    throw new UsageError(
      `the metrics service ${NAMESPACE}/metrics-api can't be reached (${reason}); install it with: heddle viz install | kubectl apply -f -`,
    );
  }
  return (await response.json()) as T;
}

/** The same questions without the service: the inventory read once, the samples from a Prometheus. */
async function askHere(kube: KubeClient, path: string, prometheusUrl: string): Promise<unknown> {
  const { createPrometheusApi, readInventory } = await import("@heddle/viz");
  let answer: Response;
  try {
    const api = createPrometheusApi(prometheusUrl, await readInventory(kube), () => Date.now());
    answer = await api(new Request(`http://localhost${path}`));
  } catch (error) {
    if (error instanceof Error && error.name === "PrometheusError") throw new UsageError(error.message);
    throw error;
  }
  if (!answer.ok) throw new UsageError(sentenceOf(await answer.text()));
  return await answer.json();
}

/** The sentence inside the service's `{"error": …}`, or the text as it is. */
export function sentenceOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "error" in value ? String(value.error) : text;
  } catch {
    return text;
  }
}
