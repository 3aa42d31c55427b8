/** What passes by and is done otherwise than in Envoy, beyond single fields. */
const DIFFERENCES: readonly (readonly [what: string, ours: string, envoy: string])[] = [
  [
    "a GET that is lost with a reused connection, such as after a PING without answer",
    "goes once more, on another connection",
    "503",
  ],
  [
    "a retry that avoids hosts, where the chosen priority has no other (`previous_hosts`)",
    "goes to a host of another priority",
    "goes to the same host again, unless `previous_priorities` is there",
  ],
  [
    "informational answers, such as 103 (Early Hints)",
    "all reach the client; 100 only with `proxy_100_continue`",
    "none does; with `proxy_100_continue` the first of them",
  ],
  [
    "an HTTP/1 answer that ends with its connection, which is reset",
    "is cut for the client too (flag UC): it may be incomplete",
    "counts as complete",
  ],
  [
    "a server's connection that ends behind 103 or 100, before the answer",
    "`upstream_reset_before_response_started`",
    "`upstream_reset_after_response_started`, with the same 503",
  ],
  [
    "a tunnel over HTTP/1 (WebSocket, CONNECT) whose client ends its direction",
    "the server's bytes still reach the client",
    "ends at once; the log says the same",
  ],
  [
    "`watched_directory` of a certificate or validation context that stands in a listener or cluster",
    "refused: only what comes as a secret is read again",
    "is taken, and nothing is read again",
  ],
  [
    "a name of a cluster that nobody has (NXDOMAIN)",
    "counts as a failure: its last addresses stay, `dns_failure_refresh_rate` says when it is asked for again",
    "counts as an answer without addresses: `dns_refresh_rate` does",
  ],
  ["predictive preconnect", "looks at the idle connections of its own cluster", "at those of all clusters together"],
  ["`direct_response` (network filter) on a TLS chain", "is sent after the handshake", "mostly closes without a byte"],
  [
    "a client's certificate that no root vouches for, or that lacks a wanted name",
    "ends the connection after the handshake, without a TLS alert: the runtime tells of the chain only then; the log names the reason",
    "alert `unknown ca` or `certificate unknown`",
  ],
  [
    "/stats/prometheus?histogram_buckets=summary",
    "quantiles, sum and count of all time",
    "those of the last flush interval, `nan` where nothing came",
  ],
  ["the admin port asked in HTTP/1.0", "answers", "426"],
  ["request targets with raw bytes above ASCII", "pass unchanged (curl sends them)", "400"],
  [
    "a text of JSON logs that puts a header that is no UTF-8 beside others",
    "shows the others as text",
    "shows every byte of it as a character",
  ],
  ["`%CEL()%` in text logs, of a header that is no UTF-8", "writes its characters as UTF-8", "writes its bytes"],
];

export function behaviourSection(): string {
  return [
    "## Behaviour that differs from Envoy",
    "Where single fields do, the list above says so. What HTTP/1 messages are refused is compared in `conformance/`.",
    ["| | here | Envoy 1.40 |", "|---|---|---|", ...DIFFERENCES.map((row) => `| ${row.join(" | ")} |`)].join("\n"),
  ].join("\n\n");
}
