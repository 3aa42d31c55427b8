import type { CounterFamily } from "@heddle/std";
import type { Backends } from "./backends.ts";
import { pageHtml } from "./page/html.ts";
import { pageScript } from "./page/script.ts";
import { pageStyle } from "./page/style.ts";

const FAVICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><text y=".9em" font-size="90">🗳️</text></svg>`;

const asset = (body: string, type: string) => () =>
  new Response(body, { headers: { "content-type": `${type}; charset=utf-8` } });
const failure = (code: number, error: string) => Response.json({ error }, { status: code });
const reason = (error: unknown) => (error instanceof Error ? error.message : "failed");

/** The web front: page, script and the JSON API. Every answer is counted by path and status in `requests`. */
export function createWebApp(
  backends: Backends,
  message: string,
  requests: CounterFamily,
): (request: Request) => Promise<Response> {
  const page = asset(pageHtml(message), "text/html");
  const routes: Readonly<Record<string, (url: URL) => Response | Promise<Response>>> = {
    "/": page,
    "/leaderboard": page,
    "/js": asset(pageScript, "text/javascript"),
    "/css": asset(pageStyle, "text/css"),
    "/img/favicon.ico": asset(FAVICON, "image/svg+xml"),
    "/api/list": async () =>
      Response.json((await backends.listAll()).map(({ shortcode, unicode }) => ({ shortcode, unicode }))),
    "/api/vote": (url) => vote(backends, url.searchParams.get("choice") ?? ""),
    "/api/leaderboard": () => leaderboard(backends),
  };
  return async (request) => {
    const url = new URL(request.url);
    const path = url.pathname.startsWith("/dist/") ? "/js" : url.pathname;
    const route = routes[path];
    const response = route ? await answer(route, url) : failure(404, `no ${url.pathname} here`);
    requests.with(route ? path : "other", String(response.status)).value++;
    return response;
  };
}

async function answer(route: (url: URL) => Response | Promise<Response>, url: URL): Promise<Response> {
  try {
    return await route(url);
  } catch (error) {
    return failure(500, reason(error));
  }
}

async function vote(backends: Backends, choice: string): Promise<Response> {
  if (choice === "") return failure(400, "Emoji choice is mandatory; call /api/vote?choice=:doughnut:");
  const emoji = await backends.find(choice);
  if (!emoji) return failure(400, `Chosen emoji shortcode ${choice} does not exist`);
  await backends.vote(emoji.shortcode);
  return new Response(null, { status: 200 });
}

async function leaderboard(backends: Backends): Promise<Response> {
  const results = await backends.results();
  const rows = await Promise.all(
    results.map(async ({ shortcode, votes }) => ({
      shortcode,
      votes,
      unicode: (await backends.find(shortcode))?.unicode ?? "",
    })),
  );
  return Response.json(rows);
}
