import type { UpgradeRequest } from "../../contract/index.ts";
import { webSocketAnswer } from "./websocket/handshake.ts";

export type Negotiation =
  | { readonly kind: "websocket"; readonly protocol: string; readonly answer: string }
  | { readonly kind: "spdy"; readonly protocol: string; readonly answer: string }
  | { readonly kind: "refused"; readonly status: number; readonly message: string };

const offered = (header: string | undefined): readonly string[] =>
  (header ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter(Boolean);

/** Chooses transport and protocol: the first of the client's that is known. Pure. */
export function negotiate(
  headers: UpgradeRequest["headers"],
  known: { readonly websocket: readonly string[]; readonly spdy: readonly string[] },
): Negotiation {
  const upgrade = (headers["upgrade"] ?? "").toLowerCase();
  if (upgrade === "websocket") {
    const wanted = offered(headers["sec-websocket-protocol"]);
    const protocol = wanted.find((entry) => known.websocket.includes(entry)) ?? (wanted.length === 0 ? "" : undefined);
    const key = headers["sec-websocket-key"];
    if (protocol === undefined) return refused(400, wanted, known.websocket);
    if (key === undefined) return { kind: "refused", status: 400, message: "Sec-WebSocket-Key is missing" };
    return { kind: "websocket", protocol, answer: webSocketAnswer(key, protocol) };
  }
  if (upgrade === "spdy/3.1") {
    const wanted = offered(headers["x-stream-protocol-version"]);
    const protocol =
      wanted.find((entry) => known.spdy.includes(entry)) ?? (wanted.length === 0 ? known.spdy.at(-1) : undefined);
    if (protocol === undefined) return refused(403, wanted, known.spdy);
    const answer = [
      "HTTP/1.1 101 Switching Protocols",
      "Connection: Upgrade",
      "Upgrade: SPDY/3.1",
      ...(wanted.length > 0 ? [`X-Stream-Protocol-Version: ${protocol}`] : []),
      "\r\n",
    ].join("\r\n");
    return { kind: "spdy", protocol, answer };
  }
  return { kind: "refused", status: 400, message: "Upgrade request required: SPDY/3.1 or websocket" };
}

const refused = (status: number, wanted: readonly string[], known: readonly string[]): Negotiation => ({
  kind: "refused",
  status,
  message: `unable to upgrade: none of the protocols ${wanted.join(", ")} is known; this server has ${known.join(", ")}`,
});
