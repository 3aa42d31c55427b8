import type { KubeClient } from "@heddle/kube-client";
import { requestUrl } from "@heddle/std/request-url";
import { type NamedTapEvent, type ResourceKind, watchCalls } from "@heddle/viz";
import { UsageError } from "../context.ts";
import { noRunningPods, type Target } from "./pods-of.ts";
import { parseResource } from "./resource.ts";

const RECENT_TIMEOUT_MS = 4000;
/** Keeps proxies between from closing a quiet stream. Units: ms. */
const COMMENT_MS = 5000;
/** Events that wait for a browser that does not read; later ones are left out until it does. */
const BACKLOG = 1000;

/** Calls as proxies tell them, for the dashboard's pages. Undefined: another path. Errors: UsageError, KubeError. */
export function liveCalls(kube: KubeClient, { url, signal }: Request): Promise<Response> | undefined {
  const { pathname, searchParams } = requestUrl(url);
  if (pathname.endsWith("/api/tap")) return tapStream(kube, searchParams, signal);
  return pathname.endsWith("/api/recent-failures") ? recentFailures(kube, searchParams) : undefined;
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
        onEvent: (event: NamedTapEvent) => {
          if ((controller.desiredSize ?? 0) > -BACKLOG) send(`data: ${JSON.stringify(event)}\n\n`);
        },
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
