/** The request (or connection) to be explained. */
export interface ExplainedRequest {
  readonly scheme: "http" | "https" | "grpc" | "tcp" | "tls";
  /** Name or address, as the application dials it. */
  readonly host: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
  readonly method: string;
  /** Names in lower case; `host` changes the authority. */
  readonly headers: Readonly<Record<string, string>>;
}

const ports: Readonly<Record<string, number>> = { http: 80, https: 443, grpc: 80, tls: 443 };

/** Reads `--to`: `http://host:port/path`, `grpc://`, `https://`, `tls://`, `tcp://host:port`. Returns a sentence when it is none. */
export function readTarget(
  text: string,
  method: string | undefined,
  headers: Readonly<Record<string, string>>,
): ExplainedRequest | string {
  const match = /^(?:([a-z]+):\/\/)?(\[[0-9a-fA-F:.]+\]|[^:/?#\s]+)(?::(\d+))?([/?]\S*)?$/.exec(text);
  if (match === null) return `${text}: expected http://host:port/path, or https://, grpc://, tls://, tcp://`;
  const [, named = "http", host = "", portText, rest = ""] = match;
  const scheme = (["http", "https", "grpc", "tcp", "tls"] as const).find((known) => known === named);
  if (scheme === undefined) return `${text}: ${named}:// is not known; use http, https, grpc, tcp or tls`;
  const port = portText === undefined ? ports[scheme] : Number(portText);
  if (port === undefined) return `${text}: say which port, as in ${scheme}://${host}:1234`;
  if (port < 1 || port > 65_535) return `${text}: ${port} is no port; ports are 1 to 65535`;
  if (method !== undefined && !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method))
    return `${text}: "${method}" is no method; write GET, POST …`;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return {
    scheme,
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port,
    path,
    method: method ?? (scheme === "grpc" ? "POST" : "GET"),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  };
}

export function targetText({ scheme, host, port, path }: ExplainedRequest): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return `${scheme}://${name}:${port}${scheme === "tcp" || scheme === "tls" ? "" : path}`;
}

/** What HTTP filters and routes see: pseudo headers, and the defaults that every client sends. */
export function requestHeaders(request: ExplainedRequest): Readonly<Record<string, string>> {
  const { host: authority, ...others } = request.headers;
  const name = request.host.includes(":") ? `[${request.host}]` : request.host;
  const plain = request.port === 80 ? name : `${name}:${request.port}`;
  return {
    ...(request.scheme === "grpc" ? { "content-type": "application/grpc" } : {}),
    ...others,
    ":method": request.method,
    ":path": request.path,
    ":authority": authority ?? plain,
    ":scheme": request.scheme === "https" ? "https" : "http",
  };
}
