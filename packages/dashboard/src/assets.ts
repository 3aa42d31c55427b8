import { createHash } from "node:crypto";
import { join } from "node:path";
import { requestUrl } from "@heddle/std/request-url";

/** The dashboard's files, ready to be sent. */
export interface Dashboard {
  /** Undefined where there is no file of that name. */
  page(request: Request): Response | undefined;
  /** Sizes as sent, compressed. Units: bytes. */
  readonly sizes: Readonly<Record<string, number>>;
}

interface Asset {
  readonly type: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly packed: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

/** Nothing from elsewhere, nothing inline, in nobody's frame: a hostile name in the data has nothing to run as. */
const SECURITY = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Heddle</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="style.css">
<script type="module" src="main.js"></script>
</head>
<body><div id="app"><p class="loading">Loading the mesh…</p></div></body>
</html>
`;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2557c7"/><path d="M8 6v20M24 6v20M8 12c8 0 8 8 16 8M8 20c8 0 8-8 16-8" stroke="#fff" stroke-width="2.6" fill="none" stroke-linecap="round"/></svg>`;

/** Bundles the browser's part once, in memory; an image carries it ready made. Errors: throws with the bundler's messages. */
export async function loadDashboard(): Promise<Dashboard> {
  const browser = join(import.meta.dir, "browser");
  const made = Bun.file(join(browser, "main.js"));
  const script = (await made.exists()) ? await made.text() : await bundle(browser);
  const style = await Bun.file(join(browser, "style.css")).text();
  const assets: Readonly<Record<string, Asset>> = {
    "/": asset("text/html; charset=utf-8", PAGE),
    "/main.js": asset("text/javascript; charset=utf-8", script),
    "/style.css": asset("text/css; charset=utf-8", style),
    "/icon.svg": asset("image/svg+xml", ICON),
  };
  return {
    sizes: Object.fromEntries(Object.entries(assets).map(([path, a]) => [path, a.packed.byteLength])),
    page: (request) => {
      const { pathname } = requestUrl(request.url);
      // An Ingress may send its own prefix along; the page's paths are relative, so only the last part counts.
      const name = pathname.slice(pathname.lastIndexOf("/"));
      if (pathname.includes("/api/")) return undefined;
      const found = Object.hasOwn(assets, name) ? assets[name] : undefined;
      if (found) return send(request, found);
      const forReader = (request.headers.get("accept") ?? "").includes("text/html") && !name.includes(".");
      return forReader ? new Response(null, { status: 308, headers: { location: `.${name}/` } }) : undefined;
    },
  };
}

async function bundle(browser: string): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(browser, "main.tsx")],
    target: "browser",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const [script] = built.outputs;
  if (!built.success || !script) throw new Error(`the dashboard can't be bundled: ${built.logs.join("\n")}`);
  return script.text();
}

function asset(type: string, text: string): Asset {
  const plain = new Uint8Array(Buffer.from(text));
  const etag = `"${createHash("sha256").update(plain).digest("hex").slice(0, 20)}"`;
  return { type, plain, packed: Bun.gzipSync(plain), etag };
}

function send(request: Request, { type, plain, packed, etag }: Asset): Response {
  const headers = { "content-type": type, etag, "cache-control": "no-cache", vary: "accept-encoding", ...SECURITY };
  if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers });
  if (!/\bgzip\b/.test(request.headers.get("accept-encoding") ?? "")) return new Response(plain, { headers });
  return new Response(packed, { headers: { ...headers, "content-encoding": "gzip" } });
}
