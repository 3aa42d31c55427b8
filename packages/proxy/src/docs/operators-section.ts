import { FORMAT_OPERATORS } from "@heddle/std";
import { ABSENT_OPERATORS } from "../config/format-operators.ts";

const HEAD = `## Command operators

In formats of access logs, headers that are added, local replies, tunnels and filter state. One test has every operator written by Envoy and by this proxy, for HTTP,
gRPC and TCP over mutual TLS and for failures, and compares them.`;

/** Which operators give values, and which never do. */
export function operatorsSection(): string {
  const absent = new Set(ABSENT_OPERATORS.flatMap(([names]) => names));
  const real = [...FORMAT_OPERATORS].filter((name) => !absent.has(name));
  const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(" ");
  return [
    HEAD,
    `Give what Envoy gives: ${code(real)}.`,
    [
      "| give `-` always | because |",
      "|---|---|",
      ...ABSENT_OPERATORS.map(([names, reason]) => `| ${code(names)} | ${reason} |`),
    ].join("\n"),
    "Others are refused with their place. `STREAM_ID` of a TCP connection is `-`.",
    `Why connections end (\`*_CLOSE_REASON\`, \`*_CLOSE_TYPE\`, \`*_FAILURE_REASON\`, \`CONNECTION_TERMINATION_DETAILS\`) is told, as in Envoy, by logs of listeners and of TCP proxies, also where a network
filter or the handshake ended them; another test compares the causes. Differences: certificates that are not trusted have our own sentence; an
answer before the end of its request closes at once (Envoy: a second later where the client does not, \`triggered_delayed_close_timeout\`); an HTTP/2 head that is late closes the connection (Envoy: 408 on its stream).`,
  ].join("\n\n");
}
