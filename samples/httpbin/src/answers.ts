import { STATUS_CODES } from "node:http";

/** A request as the answers need it. */
export interface Asked {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly origin: string;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Units: ms. */
  readonly delayMs: number;
}

export interface AnswerDeps {
  readonly hostname: string;
  readonly newId: () => string;
}

const MAX_DELAY_SECONDS = 10;
const MAX_BYTES = 100 * 1024;
const ECHOED_METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];

const json = (value: unknown, status = 200): Answer => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8" },
  body: `${JSON.stringify(value, null, 2)}\n`,
  delayMs: 0,
});
const problem = (status: number, detail: string): Answer =>
  json({ status_code: status, error: STATUS_CODES[status] ?? "", detail }, status);

/** The answer to a request. Pure but for `newId`. Source: go-httpbin's documented endpoints. */
export function answer(asked: Asked, deps: AnswerDeps): Answer {
  const url = new URL(asked.url, "http://httpbin");
  const [, word = "", argument = ""] = url.pathname.split("/");
  if (ECHOED_METHODS.includes(word) && argument === "") {
    const wanted = word.toUpperCase();
    const method = asked.method === "HEAD" && wanted === "GET" ? "GET" : asked.method;
    return method === wanted ? json(echo(asked, url)) : problem(405, `${asked.method} is not allowed here`);
  }
  switch (word) {
    case "":
      return { ...json({}), headers: { "content-type": "text/html; charset=utf-8" }, body: "<title>httpbin</title>\n" };
    case "headers":
      return json({ headers: asked.headers });
    case "anything":
      return json(echo(asked, url));
    case "ip":
      return json({ origin: asked.origin });
    case "user-agent":
      return json({ "user-agent": asked.headers["User-Agent"]?.[0] ?? "" });
    case "uuid":
      return json({ uuid: deps.newId() });
    case "hostname":
      return json({ hostname: deps.hostname });
    case "response-headers":
      return { ...json(query(url)), headers: { ...json({}).headers, ...safeHeaders(url) } };
    case "status": {
      const code = Number(argument);
      if (!Number.isInteger(code) || code < 200 || code > 599) return problem(400, `"${argument}" is no status code`);
      return { status: code, headers: {}, body: "", delayMs: 0 };
    }
    case "delay": {
      const seconds = Number(argument);
      if (!(seconds >= 0 && seconds <= MAX_DELAY_SECONDS))
        return problem(400, `"${argument}" is no time of 0 to ${MAX_DELAY_SECONDS} seconds`);
      return { ...json(echo(asked, url)), delayMs: seconds * 1000 };
    }
    case "bytes": {
      const count = Number(argument);
      if (!(Number.isInteger(count) && count >= 0 && count <= MAX_BYTES))
        return problem(400, `"${argument}" is no number of bytes up to ${MAX_BYTES}`);
      const body = new Uint8Array(count).map((_, i) => i % 256);
      return { status: 200, headers: { "content-type": "application/octet-stream" }, body, delayMs: 0 };
    }
    default:
      return problem(404, `${url.pathname} is no endpoint of this sample`);
  }
}

function query(url: URL): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)]));
}

function safeHeaders(url: URL): Readonly<Record<string, string>> {
  const valid = [...url.searchParams].filter(
    ([key, value]) => /^[A-Za-z0-9-]+$/.test(key) && /^[\x20-\x7e]*$/.test(value),
  );
  return Object.fromEntries(valid);
}

function echo(asked: Asked, url: URL) {
  const { method, headers, origin, body } = asked;
  const host = headers["Host"]?.[0] ?? "httpbin";
  const parsed = parseJson(body);
  return {
    args: query(url),
    headers,
    method,
    origin,
    url: `http://${host}${asked.url}`,
    ...(body === "" ? {} : { data: body, ...(parsed === undefined ? {} : { json: parsed }) }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
