import { at, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import { distinct } from "./cluster-walk.ts";
import type { Connection } from "./connection.ts";
import { chainFilters } from "./filter-patches.ts";
import { percent } from "./http-filters.ts";
import { walkHttp } from "./http-walk.ts";
import { has, listed, recordsOf, textsOf } from "./json.ts";
import { chainFor, gatewayListener, listenerFor } from "./listener-choice.ts";
import { decidedBy, type Origin, originText, sourcesOf } from "./origin.ts";
import type { ProxyConfigJson } from "./proxy-config.ts";
import { accessDecision } from "./rbac.ts";
import type { Outcome, Step } from "./step.ts";
import { targetsOf } from "./targets.ts";

export type Direction = "outbound" | "inbound" | "gateway";

/** Where a proxy sends a connection or request. */
export interface ConnectionWalk {
  readonly steps: readonly Step[];
  readonly ended: readonly Omit<Outcome, "steps">[];
  readonly clusters: readonly { readonly name: string; readonly share: number }[];
  readonly delayMs: number | undefined;
  /** The request was read as HTTP. */
  readonly http: boolean;
  /** ALPN that the route's filters ask for towards the mesh. */
  readonly meshProtocols: readonly string[] | undefined;
  /** The request as it is passed on; as it came where nothing reads it. */
  readonly headers: Connection["headers"];
}

/** From the listener to the cluster. */
export function walkConnection(config: ProxyConfigJson, connection: Connection, direction: Direction): ConnectionWalk {
  const side = direction === "inbound" ? "server" : "client";
  const steps: Step[] = [];
  const push = (
    stage: Step["stage"],
    name: string,
    because: string,
    by: readonly Origin[],
    details: readonly string[] = [],
  ): void => {
    steps.push({ side, stage, name, because, decidedBy: distinct(by), details });
  };
  const end = (outcome: Omit<Outcome, "steps">): ConnectionWalk => ({
    steps,
    ended: [outcome],
    clusters: [],
    delayMs: undefined,
    http: false,
    meshProtocols: undefined,
    headers: connection.headers,
  });
  const standing = direction === "gateway" ? gatewayListener(config.listeners, connection.port) : undefined;
  const choice =
    direction === "gateway"
      ? standing && { listener: standing, because: `it listens on port ${connection.port}` }
      : listenerFor(config.listeners, connection, direction);
  if (choice === undefined)
    return end({
      share: 1,
      result: "refused",
      reason: `nothing listens on port ${connection.port}; a Gateway's server opens it`,
    });
  const { listener } = choice;
  push("listener", textOf(listener["name"]), choice.because, sourcesOf(listener));
  const chosen = chainFor(listener, connection);
  if (chosen === undefined) {
    const { by, why } = direction === "inbound" ? mtlsWanted(listener, connection) : serverWanted(listener, connection);
    const reason = `the connection is closed: ${why}`;
    push("filter chain", "none", reason, by);
    return end({ share: 1, result: "refused", flag: "UC", reason });
  }
  const { chain } = chosen;
  const ends = has(chain, "transport_socket");
  const mode = decidedBy(chain, "mtls");
  const route = decidedBy(chain, "route") ?? decidedBy(chain, "outboundTrafficPolicy");
  const filters = chainFilters(chain);
  push(
    "filter chain",
    textOf(chain["name"]) || "(unnamed)",
    chosen.because,
    [
      ...sourcesOf(chain),
      ...(mode === undefined ? [] : [mode]),
      ...(route === undefined ? [] : [route]),
      ...filters.patchedBy,
    ],
    [
      ...(ends ? [`TLS ends here${connection.peer === undefined ? "" : `; the caller is ${connection.peer}`}`] : []),
      ...filters.details,
    ],
  );
  if (ends && connection.transport === "raw_buffer")
    return end({
      share: 1,
      result: "refused",
      flag: "UC",
      reason: "the connection is closed: TLS is wanted here, and the caller speaks plain text",
    });

  const readable = connection.headers !== undefined && (connection.transport === "raw_buffer" || ends);
  for (const filter of recordsOf(chain["filters"])) {
    const name = textOf(filter["name"]);
    const typed = recordOf(filter["typed_config"]);
    if (name === "envoy.filters.network.rbac") {
      const found = accessDecision(typed["rules"], { ...connection, headers: undefined });
      push("filter", "authorization", found.because, found.decidedBy, [
        `the caller is ${connection.peer ?? "not authenticated (no client certificate)"}`,
      ]);
      if (found.allowed === false)
        return end({ share: 1, result: "refused", flag: "RBAC", reason: `the connection is closed: ${found.because}` });
    } else if (name === "envoy.filters.network.http_connection_manager") {
      if (!readable) {
        const what =
          connection.transport === "tls"
            ? "the bytes inside the application's TLS are no HTTP to this proxy"
            : "the bytes are no HTTP";
        return end({ share: 1, result: "refused", flag: "DPE", reason: `this chain reads HTTP, and ${what}` });
      }
      return walkHttp(config, typed, filters, connection, side, steps);
    } else if (name === "envoy.filters.network.tcp_proxy") {
      const targets = targetsOf(typed);
      push(
        "route",
        targets.map((one) => one.name).join(", "),
        "the bytes are passed on unread",
        [...sourcesOf(chain), ...(route === undefined ? [] : [route])],
        targets.length > 1 ? targets.map((one) => `${percent(one.share)} to ${one.name}`) : [],
      );
      return {
        steps,
        ended: [],
        clusters: targets,
        delayMs: undefined,
        http: false,
        meshProtocols: undefined,
        headers: connection.headers,
      };
    }
  }
  return end({ share: 1, result: "refused", flag: "UC", reason: "the chain has no filter that passes anything on" });
}

interface Closed {
  readonly by: readonly Origin[];
  readonly why: string;
}

function mtlsWanted(listener: JsonRecord, { port, transport }: Connection): Closed {
  const by = recordsOf(listener["filter_chains"])
    .filter((chain) => numberOf(at(chain, "filter_chain_match", "destination_port")) === port)
    .flatMap((chain) => decidedBy(chain, "mtls") ?? []);
  if (transport !== "raw_buffer") return { by, why: "no filter chain takes it" };
  const who = by[0] === undefined ? "" : ` (${originText(by[0])})`;
  return { by, why: `port ${port} takes only mutual TLS${who}, and the caller speaks plain text` };
}

/** Chains of a gateway are for server names, each for those of a server's hosts. */
function serverWanted(listener: JsonRecord, { serverName, transport }: Connection): Closed {
  const chains = recordsOf(listener["filter_chains"]);
  const names = [...new Set(chains.flatMap((chain) => textsOf(at(chain, "filter_chain_match", "server_names"))))];
  const by = chains.flatMap(sourcesOf);
  if (names.length === 0) return { by, why: "no filter chain takes it" };
  const known = listed(names);
  if (transport === "raw_buffer")
    return { by, why: `TLS with a server name is wanted here (${known}), and the caller speaks plain text` };
  return { by, why: `its server name ${serverName || "(none)"} is not among those that are taken here: ${known}` };
}
