/** What the picture of a call between clusters shows. */
export interface CallPath {
  readonly client: { readonly cluster: string; readonly address: string };
  readonly server: { readonly cluster: string; readonly address: string };
  readonly host: string;
  readonly caller: string;
}

const WIDTH = 38;
/** The line on which both boxes meet. */
const MTLS_ROW = 5;

/** The way of a call, hop by hop, as text. Pure. */
export function pathPicture({ client, server, host, caller }: CallPath): string {
  const box = (lines: readonly string[]) => [
    `┌${"─".repeat(WIDTH)}┐`,
    ...lines.map((line) => `│ ${line.padEnd(WIDTH - 1)}│`),
    `└${"─".repeat(WIDTH)}┘`,
  ];
  const left = [
    `${client.cluster}  ${client.address}`,
    "",
    "sleep (namespace foo)",
    `  │ ${host}:8000`,
    "  ▼",
    "its sidecar ══ mTLS, end to end ═════",
    "",
    "",
    "",
    "",
  ];
  const right = [
    `${server.cluster}  ${server.address}`,
    "",
    "",
    "",
    "",
    "istio-ingressgateway, port 15443",
    "  ║ passed on unread, by server name",
    "  ▼",
    "httpbin's sidecar ends the mTLS",
    "  └▶ httpbin (namespace bar)",
  ];
  const rightBox = box(right);
  const rows = box(left).map((text, i) => `${text}${i === MTLS_ROW + 1 ? "═▶" : "  "}${rightBox[i] ?? ""}`);
  const [, label = ""] = /^([^.]+)/.exec(host) ?? [];
  return `${rows.join("\n")}\n  server name outbound_.8000_._.${host}\n  ${label} sees ${caller}\n`;
}
