import { connect } from "node:net";
import type { WorkloadFiles } from "./certificates.ts";
import type { Variant } from "./variant.ts";

/** What was checked of a pair, beside its speed. */
export interface PairProof {
  /** x-forwarded-client-cert names the client's identity, so both proxies passed the request on, over mTLS. */
  readonly clientIdentitySeen: boolean;
  /** A plain-text request to the server's sidecar got no answer. */
  readonly plainTextRefused: boolean;
  /** HTTP requests that client and server sidecar counted. */
  readonly counted: readonly number[];
  /** The same by Istio's standard metric, where the proxy has it; secured ones only for the server. */
  readonly standardCounted: readonly number[] | undefined;
}

/** Asks the application what it sees, and the server's sidecar for service without a certificate. Errors: throws when either is not as with mTLS. */
export async function provePair(
  variant: Variant,
  client: WorkloadFiles,
): Promise<Pick<PairProof, "clientIdentitySeen" | "plainTextRefused">> {
  const response = await fetch(`http://127.0.0.1:${variant.port}/headers`);
  const text = await response.text();
  const seen = response.ok ? headerOf(text, "x-forwarded-client-cert") : undefined;
  const clientIdentitySeen = seen?.includes(`URI=${client.spiffeId}`) === true;
  if (!clientIdentitySeen) {
    throw new Error(
      `${variant.name}: the application does not see the client's identity (status ${response.status}, x-forwarded-client-cert ${seen}); is there mTLS between the proxies?`,
    );
  }
  const answer = await plainAnswer(variant.inboundPort);
  if (answer.startsWith("HTTP/")) throw new Error(`${variant.name}: the server's sidecar serves plain text`);
  return { clientIdentitySeen, plainTextRefused: true };
}

/** Reads both sidecars' counters. */
export async function readCounts(
  variant: Variant,
  standard: boolean,
): Promise<Pick<PairProof, "counted" | "standardCounted">> {
  const counted: number[] = [];
  const secured: number[] = [];
  for (const [i, port] of variant.adminPorts.entries()) {
    const page = await (await fetch(`http://127.0.0.1:${port}/stats/prometheus`)).text();
    counted.push(sumOf(page, "envoy_http_downstream_rq_total", `prefix="${i === 0 ? "outbound" : "inbound"}`));
    secured.push(sumOf(page, "istio_requests_total", i === 0 ? "" : 'connection_security_policy="mutual_tls"'));
  }
  return { counted, standardCounted: standard ? secured : undefined };
}

function headerOf(json: string, name: string): string | undefined {
  const parsed: unknown = JSON.parse(json);
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const value: unknown = Reflect.get(parsed, name);
  return typeof value === "string" ? value : undefined;
}

/** Sum of a metric's samples whose labels contain a text. */
function sumOf(page: string, metric: string, label: string): number {
  let sum = 0;
  for (const line of page.split("\n")) {
    if (line.startsWith(`${metric}{`) && line.includes(label)) sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}

/** What a plain-text request is answered with until the connection ends. */
function plainAnswer(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: app\r\n\r\n"));
    socket.setTimeout(2000, () => socket.destroy());
    socket.on("data", (chunk) => {
      text += String(chunk);
    });
    socket.on("error", () => resolve(text));
    socket.on("close", () => resolve(text));
  });
}
