import { isKubeError, type KubeClient } from "@heddle/kube-client";
import { type NamedTapEvent, type ResourceKind, watchCalls } from "@heddle/viz";
import { UsageError } from "../context.ts";
import { METRICS_SERVICE, sentenceOf } from "./client.ts";
import { noRunningPods, type Target } from "./pods-of.ts";
import { parseResource } from "./resource.ts";

export interface DashboardServerDeps {
  readonly kube: KubeClient;
  /** Host names that a browser may have typed; any other is a page elsewhere that was pointed at this port. */
  readonly hosts: ReadonlySet<string>;
  /** The dashboard's own files. */
  page(request: Request): Response | undefined;
}

const RECENT_TIMEOUT_MS = 4000;
/** Keeps proxies between from closing a quiet stream. Units: ms. */
const COMMENT_MS = 5000;

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
    const url = new URL(request.url);
    if (!hosts.has(url.hostname))
      return problem(
        `the host name ${JSON.stringify(url.hostname)} is not one that this dashboard was opened for`,
        403,
      );
    if (request.method !== "GET" && request.method !== "HEAD") return problem("only GET is answered here", 405);
    try {
      if (url.pathname === "/api/tap") return await tapStream(kube, url.searchParams, request.signal);
      if (url.pathname === "/api/recent-failures") return await recentFailures(kube, url.searchParams);
      return page(request) ?? (await relay(kube, url));
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      return problem(sentence, error instanceof UsageError ? 400 : 502);
    }
  };
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

function targetOf(params: URLSearchParams): Target & { readonly kind: ResourceKind } {
  const name = params.get("name") ?? "";
  const namespace = params.get("namespace") ?? "";
  if (name === "" || namespace === "") throw new UsageError("namespace and name are needed");
  return { ...parseResource([`${params.get("kind") ?? "deployment"}/${name}`]), namespace };
}

async function recentFailures(kube: KubeClient, params: URLSearchParams): Promise<Response> {
  const events: NamedTapEvent[] = [];
  const target = targetOf(params);
  const options = {
    maxRps: 1000,
    recent: true,
    follow: false,
    signal: AbortSignal.timeout(RECENT_TIMEOUT_MS),
    onEvent: (event: NamedTapEvent) => events.push(event),
    onDropped: () => undefined,
  };
  const problems = await watchCalls(kube, target, options, () => noRunningPods(target));
  return Response.json({ events, problems });
}

/** Server-sent events: one per exchange, `problem` for what could not be watched. */
async function tapStream(kube: KubeClient, params: URLSearchParams, gone: AbortSignal): Promise<Response> {
  const target = targetOf(params);
  const maxRps = Math.min(1000, Math.max(1, Number(params.get("maxRps") ?? "50") || 50));
  const stop = new AbortController();
  gone.addEventListener("abort", () => stop.abort());
  const body = new ReadableStream<string>({
    start(controller) {
      const send = (text: string) => {
        if (!stop.signal.aborted) controller.enqueue(text);
      };
      send(": watching\n\n");
      const comment = setInterval(() => send(": still here\n\n"), COMMENT_MS);
      stop.signal.addEventListener("abort", () => clearInterval(comment));
      const options = {
        maxRps,
        recent: false,
        follow: true,
        signal: stop.signal,
        onEvent: (event: NamedTapEvent) => send(`data: ${JSON.stringify(event)}\n\n`),
        onDropped: () => undefined,
      };
      void watchCalls(kube, target, options, () => noRunningPods(target))
        .catch((error: unknown) => [error instanceof Error ? error.message : String(error)])
        .then((problems) => {
          for (const p of problems) send(`event: problem\ndata: ${JSON.stringify(p)}\n\n`);
        });
    },
    cancel: () => stop.abort(),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}
