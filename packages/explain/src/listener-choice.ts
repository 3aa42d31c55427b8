import { at, isInRange, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import type { Connection } from "./connection.ts";
import { recordsOf, textsOf } from "./json.ts";

const socket = (listener: JsonRecord): JsonRecord => recordOf(at(listener, "address", "socket_address"));

/** The listener that a redirected connection is handed to: exactly its address, else its port on any address, else the redirecting one. */
export function listenerFor(
  listeners: readonly JsonRecord[],
  connection: Connection,
  direction: "outbound" | "inbound",
): { readonly listener: JsonRecord; readonly because: string } | undefined {
  if (direction === "inbound") {
    const found = listeners.find((one) => one["name"] === "virtualInbound");
    return found === undefined
      ? undefined
      : { listener: found, because: "all connections into the pod are redirected to it" };
  }
  const entry = listeners.find((one) => one["use_original_dst"] === true);
  const others = listeners.filter((one) => one !== entry && one["name"] !== "virtualInbound");
  const onPort = others.filter((one) => numberOf(socket(one)["port_value"]) === connection.port);
  const exact = onPort.find((one) => textOf(socket(one)["address"]) === connection.ip);
  if (exact !== undefined) return { listener: exact, because: `its address is ${connection.ip}:${connection.port}` };
  const wildcard = onPort.find((one) => ["0.0.0.0", "::"].includes(textOf(socket(one)["address"])));
  if (wildcard !== undefined)
    return {
      listener: wildcard,
      because: `it takes port ${connection.port} of every address${connection.ip === undefined ? "" : ` (none is for ${connection.ip} alone)`}`,
    };
  return entry === undefined
    ? undefined
    : { listener: entry, because: `no listener is for ${connection.ip ?? "this address"}:${connection.port}` };
}

/** A gateway listens itself; `undefined` when nothing stands at the port. */
export function gatewayListener(listeners: readonly JsonRecord[], port: number): JsonRecord | undefined {
  return listeners.find((one) => numberOf(socket(one)["port_value"]) === port);
}

export interface ChainChoice {
  readonly chain: JsonRecord;
  readonly because: string;
}

/** One criterion of Envoy's chain match: which chains name it, and how well a chain's condition fits (undefined: not). */
interface Criterion {
  readonly name: string;
  readonly names: (match: JsonRecord) => boolean;
  readonly fit: (match: JsonRecord) => number | undefined;
  readonly text: (match: JsonRecord) => string;
}

/** Picks the filter chain as Envoy does: criterion by criterion, the most specific first, without going back. */
export function chainFor(listener: JsonRecord, connection: Connection): ChainChoice | undefined {
  let chains = recordsOf(listener["filter_chains"]);
  const reasons: string[] = [];
  for (const criterion of criteria(listener, connection)) {
    const named = chains.filter((chain) => criterion.names(recordOf(chain["filter_chain_match"])));
    if (named.length === 0) continue;
    const fits = named.flatMap((chain) => {
      const fit = criterion.fit(recordOf(chain["filter_chain_match"]));
      return fit === undefined ? [] : [{ chain, fit }];
    });
    const best = Math.max(...fits.map(({ fit }) => fit));
    if (fits.length > 0) {
      chains = fits.filter(({ fit }) => fit === best).map(({ chain }) => chain);
      reasons.push(`${criterion.name} ${criterion.text(recordOf(chains[0]?.["filter_chain_match"]))}`);
    } else chains = chains.filter((chain) => !named.includes(chain));
    if (chains.length === 0) break;
  }
  const [chosen] = chains;
  if (chosen !== undefined)
    return { chain: chosen, because: reasons.length > 0 ? reasons.join(", ") : "it takes everything" };
  const rest = listener["default_filter_chain"];
  return rest === undefined ? undefined : { chain: recordOf(rest), because: "no other chain of the listener matches" };
}

function criteria(listener: JsonRecord, connection: Connection): readonly Criterion[] {
  const inspects = recordsOf(listener["listener_filters"]).map((one) => textOf(one["name"]));
  const sees = (filter: string): boolean => inspects.some((name) => name.endsWith(filter));
  const transport = connection.transport === "tls" && !sees("tls_inspector") ? "raw_buffer" : connection.transport;
  const protocols =
    connection.transport === "tls"
      ? sees("tls_inspector")
        ? connection.protocols
        : []
      : sees("http_inspector")
        ? connection.protocols
        : [];
  const serverName = sees("tls_inspector") ? connection.serverName.toLowerCase() : "";
  const ranges = (match: JsonRecord) =>
    recordsOf(match["prefix_ranges"]).map(
      (one) => `${textOf(one["address_prefix"])}/${textOf(one["prefix_len"]) || "0"}`,
    );
  return [
    {
      name: "port",
      names: (match) => match["destination_port"] !== undefined,
      fit: (match) => (numberOf(match["destination_port"]) === connection.port ? 1 : undefined),
      text: (match) => textOf(match["destination_port"]),
    },
    {
      name: "destination in",
      names: (match) => ranges(match).length > 0,
      fit: (match) => {
        const found = ranges(match).filter((range) => connection.ip !== undefined && isInRange(connection.ip, range));
        return found.length === 0 ? undefined : Math.max(...found.map((range) => Number(range.split("/")[1])));
      },
      text: (match) => ranges(match).join(","),
    },
    {
      name: "server name",
      names: (match) => textsOf(match["server_names"]).length > 0,
      fit: (match) => {
        const fits = textsOf(match["server_names"]).flatMap((name) =>
          name.toLowerCase() === serverName
            ? [10_000]
            : name.startsWith("*.") && serverName.endsWith(name.slice(1).toLowerCase())
              ? [name.length]
              : [],
        );
        return fits.length === 0 ? undefined : Math.max(...fits);
      },
      text: (match) => textsOf(match["server_names"]).join(","),
    },
    {
      name: "transport",
      names: (match) => textOf(match["transport_protocol"]) !== "",
      fit: (match) => (match["transport_protocol"] === transport ? 1 : undefined),
      text: (match) => (match["transport_protocol"] === "tls" ? "TLS" : "plain text"),
    },
    {
      name: "protocol",
      names: (match) => textsOf(match["application_protocols"]).length > 0,
      fit: (match) => (textsOf(match["application_protocols"]).some((one) => protocols.includes(one)) ? 1 : undefined),
      text: (match) =>
        textsOf(match["application_protocols"])
          .filter((one) => protocols.includes(one))
          .join(","),
    },
  ];
}
