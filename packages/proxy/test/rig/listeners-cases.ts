import type { ListenerName } from "./listeners-config.ts";

/** One connection to a listener, and what its client must get. */
export interface ListenerCase {
  readonly name: string;
  readonly to: ListenerName;
  /** Address of this machine that is connected to. Default: 127.0.0.1, as for `from`. */
  readonly at?: string;
  readonly from?: string;
  readonly send: string | Uint8Array;
  /** Part of what the client gets; "": the connection ends without a byte. */
  readonly gets: string;
  /** What must not come. */
  readonly not?: string;
}

const get = (headers: readonly string[], version = "1.1", path = "/"): string =>
  [
    `GET ${path} HTTP/${version}`,
    ...(version === "1.1" ? ["host: edge.test", "connection: close"] : []),
    ...headers,
    "",
    "",
  ].join("\r\n");

const v1 = (from: string, to: string): string => {
  const [sourceIp, sourcePort] = from.split(" ");
  const [ip, port] = to.split(" ");
  return `PROXY TCP4 ${sourceIp} ${ip} ${sourcePort} ${port}\r\n`;
};

/** PROXY v2 over IPv4; `command` 0 is LOCAL, 1 PROXY. */
const v2 = (from: readonly number[], sourcePort: number, command = 1): Uint8Array => {
  const head = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
  const rest = Buffer.alloc(16);
  rest[0] = 0x20 | command;
  rest[1] = 0x11;
  rest.writeUInt16BE(12, 2);
  rest.set([...from, 10, 0, 0, 1], 4);
  rest.writeUInt16BE(sourcePort, 12);
  rest.writeUInt16BE(80, 14);
  return Buffer.concat([head, rest]);
};

/** The client of a balancer. Envoy writes an address of the machine for clients on the loopback. */
const BALANCED = v1("203.0.113.50 4000", "203.0.113.80 80");

const headers: readonly ListenerCase[] = [
  { name: "underscores pass when allowed", to: "allow", send: get(["a_b: 1", "c_d: 2"]), gets: '"a_b":"1"' },
  {
    name: "underscores: DROP_HEADER takes each of them away",
    to: "drop",
    send: get(["a_b: 1", "c_d: 2", "x-keep: 3", "e_: 4"]),
    gets: '"x-keep":"3"',
    not: "_",
  },
  { name: "underscores: REJECT_REQUEST", to: "reject", send: get(["a_b: 1"]), gets: "HTTP/1.1 400 " },
  { name: "underscores: REJECT_REQUEST lets others pass", to: "reject", send: get(["a-b: 1"]), gets: '"a-b":"1"' },
  { name: "underscores in values and paths are none", to: "reject", send: get(["a: b_c"], "1.1", "/a_b"), gets: "b_c" },
  {
    name: "x-forwarded-for at the edge",
    to: "edge",
    send: BALANCED + get([]),
    gets: '"x-forwarded-for":"203.0.113.50"',
  },
  {
    name: "x-forwarded-for at the edge is added to",
    to: "edge",
    send: BALANCED + get(["x-forwarded-for: 203.0.113.7"]),
    gets: '"x-forwarded-for":"203.0.113.7,203.0.113.50"',
  },
  {
    name: "x-forwarded-for with one trusted hop",
    to: "hop",
    send: BALANCED + get(["x-forwarded-for: 198.51.100.1, 203.0.113.7", "x-forwarded-proto: https"]),
    gets: '"x-forwarded-for":"198.51.100.1, 203.0.113.7,203.0.113.50"',
  },
  {
    name: "x-forwarded-for with one trusted hop that sent none",
    to: "hop",
    send: BALANCED + get([]),
    gets: '"x-forwarded-for":"203.0.113.50"',
  },
  {
    name: "x-forwarded-for inside is left as it is",
    to: "inner",
    send: BALANCED + get(["x-forwarded-for: 198.51.100.1,203.0.113.7"]),
    gets: '"x-forwarded-for":"198.51.100.1,203.0.113.7"',
  },
  {
    name: "the client by an extension that trusts one hop",
    to: "detected",
    send: BALANCED + get(["x-forwarded-for: 198.51.100.1, 203.0.113.7"]),
    gets: '"x-client":"198.51.100.1"',
  },
  {
    name: "the client by an extension, of whom no hop told",
    to: "detected",
    send: BALANCED + get(["x-forwarded-for: 203.0.113.7"]),
    gets: '"x-client":"203.0.113.50"',
  },
  { name: "via names the proxy", to: "edge", send: BALANCED + get([]), gets: '"via":"edge"' },
  { name: "via is added to", to: "edge", send: BALANCED + get(["via: 1.1 first"]), gets: '"via":"1.1 first, edge"' },
];

const straight = (name: string, path: string, gets: string, fields: readonly string[] = []): ListenerCase => ({
  name,
  to: "straight",
  send: get(fields, "1.1", path),
  gets,
});
const redirects: readonly ListenerCase[] = [
  straight("UNESCAPE_AND_REDIRECT", "/a%2fb?q=%2f", "location: /a/b?q=%2f"),
  straight("UNESCAPE_AND_REDIRECT comes after the other rules", "/a%5C..%2Fb/./c", "location: /b/c"),
  straight("UNESCAPE_AND_REDIRECT lets others pass", "/a/./b?q=%2F", '"url":"/a/b?q=%2F"'),
  straight("UNESCAPE_AND_REDIRECT refuses gRPC", "/a%2Fb", "grpc-status: ", ["content-type: application/grpc"]),
  straight("x-forwarded-for of a client on the loopback", "/", '"x-forwarded-for":"'),
];

const asked = (to: ListenerName, name: string, path: string, gets: string): ListenerCase => ({
  name: `${to}: ${name}`,
  to,
  send: get([], "1.1", path),
  gets,
});
const paths: readonly ListenerCase[] = [
  asked("merged", "slashes are merged", "//a///b//?q=//", '"url":"/a/b/?q=//"'),
  asked("merged", "escaped slashes are slashes", "/a%2Fb%2f%5Cc/../d", '"url":"/a/b/d"'),
  asked("reject2f", "an escaped slash is refused", "/a%2Fb", "HTTP/1.1 400 "),
  asked("reject2f", "an escaped backslash too", "/a%5cb", "HTTP/1.1 400 "),
  asked("reject2f", "in a query it is none", "/a?b=%2F", '"url":"/a?b=%2F"'),
  asked("keep2f", "escaped slashes stay, and so do double ones", "/a%2Fb//c/./d", '"url":"/a%2Fb//c/d"'),
  asked("keep2f", "unreserved characters are unescaped", "/%61%2D%7E/%20", '"url":"/a-~/%20"'),
];
const limits: readonly ListenerCase[] = [
  { name: "headers within their limits", to: "small", send: get(["x-a: 1"]), gets: "HTTP/1.1 200 " },
  {
    name: "headers above max_request_headers_kb",
    to: "small",
    send: get([`x-a: ${"y".repeat(1100)}`]),
    gets: "HTTP/1.1 431 ",
  },
  {
    name: "headers above max_headers_count",
    to: "small",
    send: get(Array.from({ length: 9 }, (_, i) => `x-${i}: 1`)),
    gets: "HTTP/1.1 431 ",
  },
];

const old: readonly ListenerCase[] = [
  { name: "HTTP/1.0 is refused by default", to: "allow", send: get([], "1.0"), gets: " 426 " },
  { name: "HTTP/1.0 with accept_http_10 ends after one answer", to: "old", send: get([], "1.0"), gets: "old.test" },
  { name: "HTTP/1.0 without any Host", to: "straight", send: get([], "1.0"), gets: "HTTP/1.0 400 " },
  {
    name: "HTTP/1.0 with a Host of its own",
    to: "old",
    send: get(["host: mine.test"], "1.0"),
    gets: "mine.test",
  },
  {
    name: "HTTP/1.0 gets no chunks",
    to: "old",
    send: get([], "1.0", "/pieces"),
    gets: "/pieces",
    not: "transfer-encoding",
  },
  {
    name: "HTTP/1.0 with keep-alive: the second request's answer comes too",
    to: "old",
    send: get(["connection: keep-alive"], "1.0", "/first") + get([], "1.0", "/second"),
    gets: "/second",
  },
  {
    name: "HTTP/1.0 without keep-alive: a second request is not answered",
    to: "old",
    send: get([], "1.0", "/first") + get([], "1.0", "/second"),
    gets: "/first",
    not: "/second",
  },
];

const places: readonly ListenerCase[] = [
  { name: "prefix_ranges: the longest wins", to: "places", at: "127.0.0.2", send: "", gets: "to-two" },
  { name: "prefix_ranges: a wider one", to: "places", send: "", gets: "wide" },
  {
    name: "prefix_ranges and source_prefix_ranges",
    to: "places",
    at: "127.0.0.3",
    from: "127.0.0.5",
    send: "",
    gets: "to-three-from-five",
  },
  {
    name: "prefix_ranges chosen, its source not: no way back to the wider range",
    to: "places",
    at: "127.0.0.3",
    send: "",
    gets: "",
  },
  { name: "source_prefix_ranges", to: "places", from: "127.0.0.6", send: "", gets: "from-six" },
  { name: "direct_source_prefix_ranges", to: "places", from: "127.0.0.7", send: "", gets: "from-direct-seven" },
];

const proxied: readonly ListenerCase[] = [
  {
    name: "PROXY v1: EXTERNAL is every address of the loopback but 127.0.0.1",
    to: "proxied",
    send: v1("127.0.0.9 5", "10.8.1.1 80"),
    gets: "external",
  },
  {
    name: "PROXY v1: SAME_IP_OR_LOOPBACK",
    to: "proxied",
    send: v1("127.0.0.1 5", "10.8.1.1 80"),
    gets: "local",
  },
  { name: "PROXY v1: source_ports", to: "proxied", send: v1("10.3.2.3 4242", "10.8.1.1 80"), gets: "port-4242" },
  {
    name: "PROXY v1: source_prefix_ranges and destination",
    to: "proxied",
    send: v1("10.1.2.3 999", "10.9.1.1 80"),
    gets: "to-ten-nine",
  },
  { name: "PROXY v1: destination_port", to: "proxied", send: v1("10.3.2.3 999", "10.8.1.1 443"), gets: "to-443" },
  { name: "PROXY v1: EXTERNAL", to: "proxied", send: v1("10.3.2.3 999", "10.8.1.1 80"), gets: "external" },
  {
    name: "PROXY v1: EXTERNAL with a source range",
    to: "proxied",
    send: v1("10.2.2.3 999", "10.8.1.1 80"),
    gets: "external-ten-two",
  },
  {
    name: "PROXY v1: the type goes before the range",
    to: "proxied",
    send: v1("10.1.2.3 999", "10.8.1.1 80"),
    gets: "external",
  },
  { name: "PROXY v1: SAME_IP_OR_LOOPBACK", to: "proxied", send: v1("10.8.1.1 9", "10.8.1.1 80"), gets: "local" },
  { name: "PROXY v1: UNKNOWN", to: "proxied", send: "PROXY UNKNOWN\r\n", gets: "local" },
  {
    name: "PROXY v1: the direct source stays the peer's",
    to: "proxied",
    from: "127.0.0.9",
    send: v1("10.1.2.3 999", "10.8.1.1 80"),
    gets: "direct",
  },
  { name: "PROXY v2: an address outside", to: "proxied", send: v2([10, 3, 2, 3], 999), gets: "external" },
  { name: "PROXY v2: LOCAL", to: "proxied", send: v2([10, 3, 2, 3], 999, 0), gets: "local" },
  { name: "PROXY: no header", to: "proxied", send: get([]), gets: "" },
  { name: "PROXY v1: no address", to: "proxied", send: "PROXY TCP4 a b 1 2\r\n", gets: "" },
  { name: "PROXY v1: a port above 65535", to: "proxied", send: v1("10.1.2.3 70000", "10.8.1.1 80"), gets: "" },
  { name: "PROXY v2: an unknown command", to: "proxied", send: v2([10, 3, 2, 3], 999, 7), gets: "" },
  { name: "PROXY optional: no header", to: "optional", send: get([]), gets: "served" },
  { name: "PROXY optional: with one", to: "optional", send: v1("10.1.2.3 9", "10.8.1.1 80"), gets: "served" },
  { name: "PROXY disallowed_versions V2: v1", to: "v1only", send: v1("10.1.2.3 9", "10.8.1.1 80"), gets: "served" },
  { name: "PROXY disallowed_versions V2: v2", to: "v1only", send: v2([10, 3, 2, 3], 999), gets: "" },
  { name: "PROXY disallowed_versions V1: v2", to: "v2only", send: v2([10, 3, 2, 3], 999), gets: "served" },
  { name: "PROXY disallowed_versions V1: v1", to: "v2only", send: v1("10.1.2.3 9", "10.8.1.1 80"), gets: "" },
];

export const listenerCases: readonly ListenerCase[] = [
  ...headers,
  ...redirects,
  ...paths,
  ...limits,
  ...old,
  ...places,
  ...proxied,
];
