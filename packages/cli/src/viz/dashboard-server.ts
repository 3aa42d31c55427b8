import { isKubeError, type KubeClient } from "@heddle/kube-client";
import { requestUrl } from "@heddle/std/request-url";
import { UsageError } from "../context.ts";
import { METRICS_SERVICE, sentenceOf } from "./client.ts";
import { liveCalls } from "./live-calls.ts";

export interface DashboardServerDeps {
  readonly kube: KubeClient;
  /** Host names that a browser may have typed; any other is a page elsewhere that was pointed at this port. */
  readonly hosts: ReadonlySet<string>;
  /** The dashboard's own files. */
  page(request: Request): Response | undefined;
}

/**
 * The dashboard on this machine: figures come from the metrics service through the API server; calls (`/api/tap`,
 * `/api/recent-failures`) from the proxies with the rights of whoever started it, so that the service in the cluster needs none.
 */
export function createDashboardServer({
  kube,
  hosts,
  page,
}: DashboardServerDeps): (request: Request) => Promise<Response> {
  return async (request) => {
    const url = requestUrl(request.url);
    if (!hosts.has(url.hostname))
      return problem(
        `the host name ${JSON.stringify(url.hostname)} is not one that this dashboard was opened for`,
        403,
      );
    if (request.method !== "GET" && request.method !== "HEAD") return problem("only GET is answered here", 405);
    try {
      return (await liveCalls(kube, request)) ?? page(request) ?? (await relay(kube, url));
    } catch (error) {
      return refusal(error);
    }
  };
}

/** What went wrong, as an answer. */
export function refusal(error: unknown): Response {
  const sentence = error instanceof Error ? error.message : String(error);
  return problem(sentence, error instanceof UsageError ? 400 : 502);
}

function problem(error: string, status: number): Response {
  return Response.json({ error }, { status });
}

/** Figures, as the metrics service gives them. */
async function relay(kube: KubeClient, url: URL): Promise<Response> {
  try {
    const answer = await kube.proxyRequest(METRICS_SERVICE, "GET", `${url.pathname}${url.search}`);
    return new Response(await answer.arrayBuffer(), {
      status: answer.status,
      headers: {
        "content-type": answer.headers.get("content-type") ?? "application/json",
        "cache-control": "no-store",
      },
    });
  } catch (error) {
    // A refusal by the service is its answer; everything else is told as our own failure.
    if (isKubeError(error) && error.code >= 400 && error.code < 500)
      return problem(sentenceOf(error.message), error.code);
    throw error;
  }
}
