/** One request whose answers are compared. */
export interface BreadthCase {
  readonly name: string;
  readonly host?: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What both must answer. */
  readonly status?: number;
  /** The answer sets a cookie of chance, and comes from any host. */
  readonly madeCookie?: boolean;
}

const match = (name: string, path: string, headers: Record<string, string> = {}, method = "GET"): BreadthCase => ({
  name: `match: ${name}`,
  host: "match.test",
  path,
  headers,
  method,
});
const act = (name: string, path: string, headers: Record<string, string> = {}, status?: number): BreadthCase => ({
  name,
  path,
  headers,
  ...(status === undefined ? {} : { status }),
});

const keys = ["a", "b", "c", "d", "e", "f", "user-1", "user-2", "user-3", "long key with spaces"];

export const breadthCases: readonly BreadthCase[] = [
  match("exact path", "/exact"),
  match("exact path with a query", "/exact?x=1"),
  match("more than the exact path", "/exact/x"),
  match("path without regard to case", "/case"),
  match("regular expression", "/re/abc"),
  match("regular expression must match all", "/re/abcd"),
  match("separated prefix", "/sep"),
  match("separated prefix with more", "/sep/x"),
  match("separated prefix that goes on", "/separate"),
  match("URI template", "/t/one/x/two/three?q=1"),
  match("URI template that does not fit", "/t/one/y"),
  match("header", "/h", { "x-a": "1" }),
  match("header in a range", "/h", { "x-a": "15" }),
  match("header at the end of the range", "/h", { "x-a": "20" }),
  match("header is no number", "/h", { "x-a": "1x" }),
  match("header is there", "/h", { "x-b": "" }),
  match("inverted header", "/h", { "x-c": "yes" }),
  match("inverted header that matches", "/h", { "x-c": "nothing" }),
  match("inverted header that is missing", "/h"),
  match("method", "/h", {}, "PUT"),
  match("query as it is", "/q?a=b%20c"),
  match("query prefix", "/q?x=1&a=12"),
  match("query first of two", "/q?a=2&a=1"),
  match("query present without value", "/q?p"),
  match("no query", "/q"),
  { name: "unknown host", host: "nobody.test", path: "/", status: 404 },
  { name: "wildcard in front", host: "x.act.test", path: "/plain" },
  { name: "wildcard behind", host: "act.example", path: "/plain" },
  { name: "host in capitals", host: "ACT.Test", path: "/plain" },
  { name: "TLS is required", host: "secure.test", path: "/a?b=c", status: 301 },
  act("prefix rewrite, headers of all levels", "/prefix/a?b=1", { "x-drop": "1", "x-over": "old", "x-abs": "old" }),
  act("headers that are not there", "/prefix/a"),
  act("regex rewrite", "/regex/one/two/three?q=1"),
  act("host rewrite", "/host"),
  act("host from a header", "/header-host", { "x-new-host": "from.header" }),
  act("host from the path", "/path-host/abc"),
  act("redirect to https", "/to-https/a?b=c", {}, 301),
  act("redirect to a host", "/to-host/a?b=c", {}, 302),
  act("redirect to a path", "/to-path/a?b=c", {}, 303),
  act("redirect with a prefix", "/to-prefix/a?b=c", {}, 307),
  act("redirect with a regex", "/to-regex/a/b?c=d", {}, 308),
  act("direct response", "/direct", {}, 418),
  act("cluster that does not exist", "/none/x", {}, 503),
  act("cluster that does not exist, 404", "/absent", {}, 404),
  act("redirect by a path alone", "/redirected/path302", {}, 302),
  act("cluster from a header", "/by-header", { "x-cluster": "two" }),
  act("cluster from a header that is missing", "/by-header"),
  act("timeout", "/timeout/slow", {}, 504),
  act("retries until it works", "/retry/fail2x503", {}, 200),
  act("retries that are used up", "/retry/fail9x500", {}, 500),
  act("retry by status", "/code/fail1x409", {}, 200),
  act("no retry for another status", "/code/fail1x503", {}, 503),
  act("refused connections", "/refused", {}, 503),
  act("per try timeout", "/pertry/slow", {}, 504),
  act("internal redirect", "/redirected/moved302"),
  act("internal redirect of a status that is not followed", "/redirected/moved301", {}, 301),
  act("mirrored request", "/mirror"),
  act("subset", "/subset/v2", {}, 200),
  act("subset without hosts", "/subset/v9", {}, 503),
  act("local rate limit, first", "/limited", {}, 200),
  act("local rate limit, second", "/limited", {}, 200),
  act("local rate limit, third", "/limited", {}, 429),
  act("abort", "/abort", {}, 503),
  act("abort by header", "/asked-abort", { "x-envoy-fault-abort-request": "418" }, 418),
  act("abort by header, not asked for", "/asked-abort", {}, 200),
  act("delay", "/delay", {}, 200),
  act("fault for one user", "/fault-for-b", { "x-user": "b" }, 500),
  act("fault for another user", "/fault-for-b", { "x-user": "a" }, 200),
  act("RBAC lets in", "/guarded/x", { "x-role": "reader" }, 200),
  act("RBAC by x-forwarded-for", "/guarded/x", { "x-forwarded-for": "10.1.2.3" }, 200),
  act("RBAC denies by path", "/guarded/secret?x", { "x-role": "reader" }, 403),
  act("RBAC denies by principal", "/guarded/x", { "x-role": "writer" }, 403),
  act("header mutation filter", "/mutated", { "x-key": "k", "x-role": "r" }),
  act("CORS request", "/cors", { origin: "https://a.ok" }),
  act("CORS request of a stranger", "/cors", { origin: "https://a.bad" }),
  {
    name: "CORS preflight",
    path: "/cors",
    method: "OPTIONS",
    headers: { origin: "https://a.ok", "access-control-request-method": "PUT" },
    status: 200,
  },
  {
    name: "CORS preflight of a stranger",
    path: "/cors",
    method: "OPTIONS",
    headers: { origin: "https://a.bad", "access-control-request-method": "PUT" },
  },
  act("weighted cluster", "/weighted"),
  { name: "cookie for affinity", path: "/cookie", madeCookie: true },
  act("cookie that is there", "/cookie", { cookie: 'x=1; s="abc"' }),
  ...keys.map((key) => act(`ring hash of ${key}`, "/ring", { "x-key": key })),
  ...keys.map((key) => act(`Maglev of ${key}`, `/maglev?k=${encodeURIComponent(key)}`, { "x-key": "other" })),
];
