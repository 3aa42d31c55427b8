/** What a connection manager makes of a path: one table for who does it (the proxy) and who explains it. Source: Envoy's HttpConnectionManager, RFC 3986 6. */
export interface PathCase {
  /** Fields of an HttpConnectionManager, as in `/config_dump`. */
  readonly manager: Readonly<Record<string, boolean | string>>;
  readonly sent: string;
  /** Undefined: answered 400. */
  readonly seen: string | undefined;
}

const off = {};
/** MeshConfig pathNormalization DEFAULT and BASE. */
const base = { normalize_path: true };
const merge = { normalize_path: true, merge_slashes: true };
const decode = { ...merge, path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD" };
const reject = { normalize_path: true, path_with_escaped_slashes_action: "REJECT_REQUEST" };

export const pathCases: readonly PathCase[] = [
  { manager: off, sent: "/x/../status/201", seen: "/x/../status/201" },
  { manager: base, sent: "/x/../status/201", seen: "/status/201" },
  { manager: base, sent: "/x/../status/201?to=/a/../b", seen: "/status/201?to=/a/../b" },
  { manager: base, sent: "/x/./y/..", seen: "/x/" },
  { manager: base, sent: "/x/%2e%2e/status/201", seen: "/status/201" },
  { manager: base, sent: "/x/%2E./status/201", seen: "/status/201" },
  { manager: base, sent: "/%73tatus/%7euser", seen: "/status/~user" },
  { manager: base, sent: "\\status\\201", seen: "\\status\\201" },
  { manager: base, sent: "/x\\..\\status/201", seen: "/status/201" },
  { manager: base, sent: "/../status", seen: undefined },
  { manager: base, sent: "/a%00b", seen: undefined },
  { manager: base, sent: "/a%2fb", seen: "/a%2Fb" },
  { manager: base, sent: "/x/..%2Fstatus", seen: "/x/..%2Fstatus" },
  { manager: base, sent: "//status//201", seen: "//status//201" },
  { manager: merge, sent: "//status//201", seen: "/status/201" },
  { manager: merge, sent: "/x/..//status/201", seen: "/status/201" },
  { manager: { merge_slashes: true }, sent: "//x/../y", seen: "/x/../y" },
  { manager: decode, sent: "/x%2f..%2Fstatus", seen: "/status" },
  { manager: decode, sent: "/a%5Cb%2F%2Fc", seen: "/a/b/c" },
  { manager: decode, sent: "/%2e%2e%2fadmin", seen: undefined },
  { manager: reject, sent: "/a%2fb", seen: undefined },
  { manager: reject, sent: "/a/../b?c=%2f", seen: "/b?c=%2f" },
];
