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
    "Others are refused with their place. `STREAM_ID` of a TCP connection is `-`; `UPSTREAM_TRANSPORT_FAILURE_REASON` has the system's own words.",
  ].join("\n\n");
}
