import { passedOn } from "./passed-on.ts";
import { type Fetched, indexPage, productPage, products } from "./product-page.ts";
import { type Answer, type Asked, json, serve } from "./serve.ts";

/** Environment: SERVICES_DOMAIN, appended to the names of the services that are called. */
const { SERVICES_DOMAIN: domain = "" } = process.env;
const CALL_TIMEOUT_MS = 3000;
/** Reviews are asked for twice; with the timeout above, 6 s: less than a delay of 7 s in front of ratings. */
const REVIEWS_TRIES = 2;

async function call(service: string, path: string, headers: Readonly<Record<string, string>>): Promise<Fetched> {
  try {
    const url = `http://${service}${domain === "" ? "" : `.${domain}`}:9080/${path}`;
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
    if (answer.status === 200) return { status: 200, value: await answer.json() };
    await answer.body?.cancel();
    return { status: answer.status };
  } catch {
    return { status: 500 };
  }
}

async function reviewsOf(id: string, headers: Readonly<Record<string, string>>): Promise<Fetched> {
  let last: Fetched = { status: 500 };
  for (let i = 0; i < REVIEWS_TRIES; i++) {
    last = await call("reviews", `reviews/${id}`, headers);
    if (last.status === 200) break;
  }
  return last;
}

/** Whoever signed in; any name with any password will do, as in the walkthrough. */
function userOf({ headers }: Asked): string {
  const text = /(?:^|;\s*)session=([^;]*)/.exec(headers.cookie ?? "")?.[1] ?? "";
  return Buffer.from(text, "base64url")
    .toString("utf8")
    .replace(/[^\w.@-]/g, "");
}

const html = (body: string): Answer => ({ status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body });
const apiAnswer = (what: string, { status, value }: Fetched) =>
  json(status, value ?? { error: `Sorry, product ${what} are currently unavailable for this book.` });
const session = (value: string): Answer => ({
  status: 302,
  headers: { location: "productpage", "set-cookie": `session=${value}; HttpOnly; Path=/` },
  body: "",
});

async function productPageAnswer(asked: Asked, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const [details, reviews] = await Promise.all([call("details", "details/0", headers), reviewsOf("0", headers)]);
  return html(productPage(userOf(asked), details, reviews));
}

async function answer(asked: Asked): Promise<Answer> {
  const { method, path } = asked;
  const user = userOf(asked);
  const { "user-agent": _ours, ...headers } = passedOn(asked.headers);
  const upstream = user === "" ? headers : { ...headers, "end-user": user };
  if (path === "/login" && method === "POST") {
    const name = new URLSearchParams(asked.body).get("username") ?? "";
    return session(Buffer.from(name).toString("base64url"));
  }
  const api = /^\/api\/v1\/products\/(\d{1,9})(?:\/(reviews|ratings))?$/.exec(path);
  if (api !== null) {
    const [, id = "0", part] = api;
    if (part === "reviews") return apiAnswer("reviews", await reviewsOf(id, upstream));
    if (part === "ratings") return apiAnswer("ratings", await call("ratings", `ratings/${id}`, upstream));
    return apiAnswer("details", await call("details", `details/${id}`, upstream));
  }
  switch (path) {
    case "/":
    case "/index.html":
      return html(indexPage());
    case "/health":
      return { status: 200, headers: { "content-type": "text/html" }, body: "Product page is healthy" };
    case "/logout":
      return session("; Max-Age=0");
    case "/productpage":
      return productPageAnswer(asked, upstream);
    case "/api/v1/products":
      return json(200, products);
    default:
      return json(404, { error: `no ${path} here; open /productpage` });
  }
}

serve("productpage", answer);
