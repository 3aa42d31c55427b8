import type { TapEvent } from "@heddle/std/tap-event";
import type { TapFeed } from "../telemetry/tap-feed.ts";

/** Annotations of a pod that does not want to be watched. Source: Linkerd; the second one until 2.9. */
const OPT_OUT = ["viz.linkerd.io/disable-tap", "config.linkerd.io/disable-tap"];
/** Keeps the connection known to be alive while nothing happens. Units: ms. */
const HEARTBEAT_MS = 5000;
const MAX_RPS = 1000;
const TYPE = { "content-type": "application/x-ndjson" };

/** Whether the pod's owner forbade it. */
export function tapForbidden(metadata: Readonly<Record<string, unknown>>): boolean {
  const annotations = metadata["ANNOTATIONS"];
  return (
    typeof annotations === "object" &&
    annotations !== null &&
    Object.entries(annotations).some(([key, value]) => OPT_OUT.includes(key) && value === "true")
  );
}

/**
 * `/tap?max_rps=N`: one JSON object a line for each exchange until the reader goes; `&recent` gives the last failures first, `&follow=false`
 * ends after them. What goes over the limit is counted in a line `{"dropped":n}`. Reachable on the loopback interface only: the API server
 * decides who may forward a port to it.
 */
export function tapPage(tap: TapFeed, url: URL, forbidden: boolean, now: () => number): Response {
  if (forbidden) return new Response(`this pod opted out of tap with the annotation ${OPT_OUT[0]}\n`, { status: 403 });
  const maxRps = Number(url.searchParams.get("max_rps") ?? "100");
  if (!(maxRps > 0 && maxRps <= MAX_RPS))
    return new Response(`max_rps must be above 0 and at most ${MAX_RPS}\n`, { status: 400 });
  const recent = url.searchParams.has("recent") ? tap.failures() : [];
  if (url.searchParams.get("follow") === "false") return new Response(recent.map(line).join(""), { headers: TYPE });
  let stop: () => void = () => undefined;
  const body = new ReadableStream<string>({
    start(controller) {
      controller.enqueue(recent.map(line).join("") || "\n");
      let second = -1;
      let sent = 0;
      let dropped = 0;
      const unwatch = tap.watch((event) => {
        const present = Math.trunc(now() / 1000);
        if (present !== second) {
          if (dropped > 0) controller.enqueue(`{"dropped":${dropped}}\n`);
          second = present;
          sent = 0;
          dropped = 0;
        }
        // A reader that is too slow loses events rather than filling the proxy's memory.
        if (sent >= maxRps || (controller.desiredSize ?? 0) < -1000) dropped++;
        else {
          sent++;
          controller.enqueue(line(event));
        }
      });
      const beat = setInterval(() => controller.enqueue("\n"), HEARTBEAT_MS);
      stop = () => {
        unwatch();
        clearInterval(beat);
      };
    },
    cancel: () => stop(),
  });
  return new Response(body, { headers: TYPE });
}

function line(event: TapEvent): string {
  return `${JSON.stringify(event)}\n`;
}
