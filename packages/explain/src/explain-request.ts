import { type ChosenEndpoint, walkCluster } from "./cluster-walk.ts";
import type { Connection } from "./connection.ts";
import { type ConnectionWalk, type Direction, walkConnection } from "./connection-walk.ts";
import type { GatewayArrival } from "./gateway-arrival.ts";
import type { Destination } from "./name-resolution.ts";
import { type Origin, originText } from "./origin.ts";
import type { ProxyConfigJson } from "./proxy-config.ts";
import { type ExplainedRequest, requestHeaders } from "./request.ts";
import { behindServiceAddress } from "./service-address.ts";
import type { Outcome, Step } from "./step.ts";

/** Who sends. */
export interface Caller {
  /** `pod.namespace`, for people. */
  readonly name: string;
  readonly ip: string;
  /** SPIFFE id; shown to servers when the connection is mesh mTLS. */
  readonly identity: string;
  /** Undefined: no sidecar, connections leave as they are. */
  readonly config: ProxyConfigJson | undefined;
  /** `gateway`: the request arrives at this proxy from outside. */
  readonly direction: Exclude<Direction, "inbound">;
  /** Why the connection is not redirected to the sidecar; undefined when it is. */
  readonly bypass: string | undefined;
  /** For a gateway. Default: its own port is dialled. */
  readonly arrival?: GatewayArrival;
}

/** The program behind an address. */
export interface FarSide {
  /** `pod.namespace`. */
  readonly name: string;
  readonly meshed: boolean;
  /** Undefined where it can't be had: then nothing is said of it. */
  readonly config: ProxyConfigJson | undefined;
}

export interface ExplainInput {
  readonly request: ExplainedRequest;
  readonly caller: Caller;
  readonly destination: Destination;
  farSide(ip: string): Promise<FarSide | undefined>;
}

/** The whole way of a request. Shares of the outcomes add up to 1. */
export interface Explanation {
  readonly request: ExplainedRequest;
  readonly from: string;
  /** What every request goes through. */
  readonly steps: readonly Step[];
  readonly outcomes: readonly Outcome[];
}

/** At most this many different workloads behind one cluster are walked; more of one kind behave alike. */
const MAX_FAR_SIDES = 8;

export async function explainRequest(input: ExplainInput): Promise<Explanation> {
  const { request, caller, destination } = input;
  const steps: Step[] = [];
  const name: Step = {
    side: "client",
    stage: "name",
    name: request.host,
    because: destination.because,
    decidedBy: destination.decidedBy,
    details: [],
  };
  if (caller.direction !== "gateway") steps.push(name);
  if (caller.direction !== "gateway" && destination.unresolved !== undefined)
    return {
      request,
      from: caller.name,
      steps,
      outcomes: [{ share: 1, steps: [], result: "refused", reason: destination.unresolved }],
    };
  const http = request.scheme === "http" || request.scheme === "grpc";
  const secure = request.scheme === "https" || request.scheme === "tls";
  const connection: Connection = {
    ip: destination.ip,
    port: caller.arrival?.arrival?.port ?? request.port,
    transport: secure ? "tls" : "raw_buffer",
    protocols:
      request.scheme === "grpc" ? ["h2c"] : http ? ["http/1.1"] : request.scheme === "https" ? ["h2", "http/1.1"] : [],
    serverName: secure ? (request.headers["host"] ?? request.host).replace(/:\d+$/, "") : "",
    sourceIp: caller.ip,
    peer: undefined,
    headers: http || request.scheme === "https" ? requestHeaders(request) : undefined,
  };
  const done = (outcomes: readonly Outcome[]): Explanation => ({ request, from: caller.name, steps, outcomes });
  if (caller.config === undefined || caller.bypass !== undefined) {
    const because = caller.bypass ?? "the caller has no sidecar";
    steps.push({ side: "client", stage: "interception", name: "none", because, decidedBy: [], details: [] });
    const plain = { kind: "plain text", serverName: "", protocols: [] } as const;
    const targets =
      destination.backends.length > 0 ? destination.backends : [{ ip: destination.ip ?? "", port: request.port }];
    const endpoints = targets.map((one) => ({ ...one, share: 1 / targets.length, transport: plain }));
    return done(await arrive(input, endpoints, connection, undefined));
  }
  const { arrival, servers = [] } = caller.arrival ?? {};
  if (arrival !== undefined && arrival.port !== request.port)
    steps.push({
      side: "client",
      stage: "name",
      name: `port ${arrival.port}`,
      because: `that is where ${arrival.service} delivers what is sent to its port ${request.port}`,
      decidedBy: [{ object: arrival.service }],
      details: [],
    });
  const walk = walkConnection(caller.config, connection, caller.direction);
  if (walk.steps.length === 0 && servers.length > 0) {
    const closed = closedPort(connection.port, servers);
    steps.push(closed);
    return done([{ share: 1, steps: [], result: "refused", reason: closed.because }]);
  }
  steps.push(...walk.steps);
  const outcomes: Outcome[] = walk.ended.map((one) => ({ ...one, steps: [] }));
  for (const { name: cluster, share } of walk.clusters) {
    const {
      steps: own,
      endpoints,
      failure,
    } = walkCluster(caller.config, cluster, { ip: destination.ip, port: request.port });
    const delay = walk.delayMs === undefined ? {} : { delayMs: walk.delayMs };
    if (failure !== undefined) {
      const status = walk.http ? { status: 503 } : {};
      outcomes.push({
        share,
        steps: own,
        result: "refused",
        ...status,
        flag: failure.flag,
        reason: failure.reason,
        ...delay,
      });
      continue;
    }
    for (const one of await arrive(input, endpoints, connection, walk))
      outcomes.push({ ...one, ...delay, share: one.share * share, steps: [...own, ...one.steps] });
  }
  return done(outcomes);
}

/** A gateway opens a port for bytes only when it knows where they go. */
function closedPort(port: number, servers: readonly Origin[]): Step {
  const because = `nothing listens on port ${port}: ${servers.map(originText).join(", ")} asks for it, but no VirtualService that is bound to it has a tcp or tls route for its hosts`;
  return { side: "client", stage: "listener", name: "none", because, decidedBy: servers, details: [] };
}

/** What happens at each endpoint; endpoints of one kind with one fate are put together. */
async function arrive(
  input: ExplainInput,
  endpoints: readonly ChosenEndpoint[],
  connection: Connection,
  client: ConnectionWalk | undefined,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const byFate = new Map<string, number>();
  const behind = endpoints.flatMap((one): readonly (ChosenEndpoint & { readonly nowhere?: string })[] => {
    const own = behindServiceAddress(input.destination, one);
    if (own?.kind === "pods") return own.endpoints;
    return [own === undefined ? one : { ...one, nowhere: own.reason }];
  });
  for (const [index, endpoint] of behind.entries()) {
    if (endpoint.nowhere !== undefined) {
      outcomes.push(unanswered(endpoint, endpoint.nowhere, client));
      continue;
    }
    const found =
      index < MAX_FAR_SIDES || outcomes[0] === undefined
        ? await atEndpoint(input, endpoint, connection, client)
        : { ...outcomes[0], share: endpoint.share };
    const key = JSON.stringify([found.reason, found.status, found.steps.map(({ name, because }) => [name, because])]);
    const known = byFate.get(key);
    if (known === undefined) {
      byFate.set(key, outcomes.length);
      outcomes.push(found);
    } else {
      const before = outcomes[known];
      if (before !== undefined) outcomes[known] = { ...before, share: before.share + found.share };
    }
  }
  return outcomes;
}

/** A sidecar tells that it reached nobody by its flag; without one, the connection itself fails. */
function unanswered({ share }: ChosenEndpoint, reason: string, client: ConnectionWalk | undefined): Outcome {
  return { share, steps: [], result: "refused", ...status(client, 503), ...(client && { flag: "UF" }), reason };
}

async function atEndpoint(
  input: ExplainInput,
  endpoint: ChosenEndpoint,
  connection: Connection,
  client: ConnectionWalk | undefined,
): Promise<Outcome> {
  const { ip, port, share, transport } = endpoint;
  const far = ip === "" ? undefined : await input.farSide(ip);
  const place = ip === "" ? `${input.request.host}:${port}` : `${ip}:${port}`;
  const mesh = transport.kind === "mesh mTLS";
  const steps: Step[] = [
    {
      side: "client",
      stage: "endpoint",
      name: far === undefined ? place : `${far.name} (${place})`,
      because: share < 1 ? "one of the endpoints that are ready" : "the only endpoint",
      decidedBy: [],
      details: [
        mesh
          ? "mutual TLS: the endpoint has a sidecar"
          : transport.kind === "TLS"
            ? `TLS to ${transport.serverName || "the endpoint"}`
            : connection.transport === "tls"
              ? "the application's own TLS, unread"
              : "plain text",
      ],
    },
  ];
  const where = far?.name ?? place;
  if (far === undefined || !far.meshed || far.config === undefined) {
    if (mesh && far !== undefined && !far.meshed) {
      const reason = `${where} has no sidecar and can't answer mutual TLS`;
      return { share, steps, result: "refused", ...status(client, 503), flag: "UF", reason };
    }
    return { share, steps, result: "delivered", reason: `it arrives at ${where}` };
  }
  const inner: Connection = {
    ...connection,
    ip,
    port,
    transport: mesh || transport.kind === "TLS" ? "tls" : connection.transport,
    protocols: mesh
      ? client?.http === true
        ? (client.meshProtocols ?? transport.protocols)
        : transport.protocols
      : connection.protocols,
    serverName: transport.serverName || connection.serverName,
    peer: mesh ? input.caller.identity : undefined,
    headers:
      connection.transport === "tls" && client?.http !== true ? undefined : (client?.headers ?? connection.headers),
  };
  const walk = walkConnection(far.config, inner, "inbound");
  steps.push(...walk.steps);
  const [refused] = walk.ended;
  if (refused !== undefined && walk.clusters.length === 0) {
    const seen = refused.status ?? (client?.http === true ? 503 : undefined);
    return { ...refused, share, steps, ...(seen === undefined ? {} : { status: seen }) };
  }
  const cluster = walk.clusters[0]?.name ?? "";
  steps.push({
    side: "server",
    stage: "application",
    name: cluster,
    because: `the sidecar passes it on to port ${port} of its pod`,
    decidedBy: [],
    details: [],
  });
  return { share, steps, result: "delivered", reason: `it arrives at ${where}` };
}

function status(client: ConnectionWalk | undefined, code: number): { readonly status?: number } {
  return client?.http === true ? { status: code } : {};
}
