type Field = readonly [string, string];

/** One HTTP/2 request that an HTTP/1 application must never see as two, or as another. */
export interface InjectionCase {
  readonly name: string;
  readonly fields: readonly Field[];
  /** Bytes of DATA; undefined: none, the stream ends with its fields. */
  readonly body?: string;
  readonly trailers?: readonly Field[];
}

const PSEUDO: readonly Field[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":authority", "a"],
  [":path", "/c#"],
];
const base = (...more: Field[]): readonly Field[] => [...PSEUDO, ...more];
const changed = (name: string, value: string): readonly Field[] =>
  PSEUDO.map(([key, before]) => (key === name ? [key, value] : [key, before]));
const without = (name: string): readonly Field[] => PSEUDO.filter(([key]) => key !== name);
const posted = (...more: Field[]): readonly Field[] => [...changed(":method", "POST"), ...more];
const SMUGGLED = "GET /smuggled# HTTP/1.1\r\nhost: a\r\n\r\n";

export const INJECTION_CASES: readonly InjectionCase[] = [
  { name: "a plain request", fields: base() },
  { name: "a value with CRLF", fields: base(["x", `1\r\n\r\n${SMUGGLED}`]) },
  { name: "a value with LF", fields: base(["x", `1\nhost: evil`]) },
  { name: "a value with CR", fields: base(["x", "1\rhost: evil"]) },
  { name: "a value with NUL", fields: base(["x", "1\x00"]) },
  { name: "a value that begins with a space", fields: base(["x", " 1"]) },
  { name: "a value that ends with a tab", fields: base(["x", "1\t"]) },
  { name: "a value above ASCII", fields: base(["x", "\xe9"]) },
  { name: "a name with a colon", fields: base(["transfer-encoding: chunked\r\nx", "1"]) },
  { name: "a name with CRLF", fields: base(["x\r\ny", "1"]) },
  { name: "a name with a space", fields: base(["content-length ", "1"]) },
  { name: "an empty name", fields: base(["", "1"]) },
  { name: "a name in capitals", fields: base(["X-Y", "1"]) },
  { name: "transfer-encoding", fields: posted(["transfer-encoding", "chunked"]), body: `0\r\n\r\n${SMUGGLED}` },
  { name: "connection", fields: base(["connection", "x"]) },
  { name: "proxy-connection", fields: base(["proxy-connection", "keep-alive"]) },
  { name: "keep-alive", fields: base(["keep-alive", "timeout=5"]) },
  { name: "upgrade", fields: base(["upgrade", "websocket"]) },
  { name: "te: gzip", fields: base(["te", "gzip"]) },
  { name: "te: trailers", fields: base(["te", "trailers"]) },
  { name: "content-length 0 with a body", fields: posted(["content-length", "0"]), body: SMUGGLED },
  { name: "content-length shorter than the body", fields: posted(["content-length", "3"]), body: `abc${SMUGGLED}` },
  { name: "content-length longer than the body", fields: posted(["content-length", "1000"]), body: "abc" },
  {
    name: "content-length twice, different",
    fields: posted(["content-length", "3"], ["content-length", "4"]),
    body: "abc",
  },
  { name: "content-length with a plus", fields: posted(["content-length", "+3"]), body: "abc" },
  { name: "content-length with CRLF", fields: posted(["content-length", "3\r\nx: 1"]), body: "abc" },
  {
    name: "a method with a request line in it",
    fields: changed(":method", "GET /smuggled# HTTP/1.1\r\nhost: a\r\n\r\nGET"),
  },
  { name: "a method with a space", fields: changed(":method", "GET /x") },
  { name: "an empty method", fields: changed(":method", "") },
  {
    name: "a path with a request line in it",
    fields: changed(":path", "/c# HTTP/1.1\r\nhost: a\r\n\r\nGET /smuggled#"),
  },
  { name: "a path with a space", fields: changed(":path", "/c# HTTP/1.1") },
  { name: "a path with a control byte", fields: changed(":path", "/c#\x01") },
  { name: "a path that is not one", fields: changed(":path", "c#") },
  { name: "an empty path", fields: changed(":path", "") },
  { name: "an absolute path", fields: changed(":path", "http://evil/c#") },
  { name: "an authority with CRLF", fields: changed(":authority", "a\r\nx: 1") },
  { name: "an authority with a space", fields: changed(":authority", "a b") },
  { name: "an authority with a path", fields: changed(":authority", "a/b") },
  { name: "no authority and no host", fields: without(":authority") },
  { name: "host in place of an authority", fields: [...without(":authority"), ["host", "a"]] },
  { name: "host that differs from the authority", fields: base(["host", "evil"]) },
  { name: "a scheme with CRLF", fields: changed(":scheme", "http\r\nx: 1") },
  { name: "an unknown scheme", fields: changed(":scheme", "gopher") },
  { name: "no method", fields: without(":method") },
  { name: "no path", fields: without(":path") },
  { name: "no scheme", fields: without(":scheme") },
  { name: "the path twice", fields: [...PSEUDO, [":path", "/x"]] },
  { name: "a pseudo field behind a field", fields: [...without(":path"), ["x", "1"], [":path", "/c#"]] },
  { name: "an unknown pseudo field", fields: [...PSEUDO, [":x", "1"]] },
  { name: "a response's pseudo field", fields: [...PSEUDO, [":status", "200"]] },
  { name: "cookies in crumbs", fields: base(["cookie", "a=1"], ["cookie", "b=2"]) },
  { name: "a pseudo field in trailers", fields: posted(), body: "abc", trailers: [[":path", "/x"]] },
  {
    name: "transfer-encoding in trailers",
    fields: posted(),
    body: "abc",
    trailers: [["transfer-encoding", "chunked"]],
  },
  { name: "CRLF in trailers", fields: posted(), body: "abc", trailers: [["x", `1\r\n\r\n${SMUGGLED}`]] },
  { name: "CONNECT with a path", fields: changed(":method", "CONNECT") },
];
