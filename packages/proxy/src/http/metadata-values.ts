import type { JsonValue } from "@bufbuild/protobuf";
import type { FormatCommand } from "../config/format.ts";
import type { ForeignMetadata } from "../config/resource-source.ts";
import { metadataValue } from "../config/value-match.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { Host } from "../upstream/host.ts";
import type { UpstreamFacts } from "./upstream-values.ts";

/** What requests know beside their connection and upstream. */
interface RequestMetadata {
  readonly metadata: ReadonlyMap<string, JsonValue> | undefined;
  readonly route:
    | { readonly route: { readonly metadata: ForeignMetadata }; readonly host: { readonly metadata: ForeignMetadata } }
    | undefined;
}

/** `NAMESPACE:KEY:KEY`. Objects and lists are JSON. */
export function metadataText(argument: string, find: (name: string) => JsonValue | undefined): string | undefined {
  const found = metadataOf(argument, find);
  return found === undefined || typeof found === "string" ? found : JSON.stringify(found);
}

function metadataOf(argument: string, find: (name: string) => JsonValue | undefined): JsonValue | undefined {
  const [name = "", ...path] = argument.split(":");
  const found = metadataValue(find(name), path);
  return found === undefined || found === null ? undefined : sorted(found);
}

/** Keys in order, as Envoy writes them. */
function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

/** `METADATA(OF:NAMESPACE:KEY)`. */
export function metadataCommand(
  record: UpstreamFacts & { readonly connection: ConnectionInfo },
  argument: string,
  request: RequestMetadata,
): string | undefined {
  const found = metadataJson(record, { name: "METADATA", argument }, request);
  return found === undefined || typeof found === "string" ? found : JSON.stringify(found);
}

/** Operators that stand for one kind of `METADATA(…)`. */
const KINDS: Readonly<Record<string, string>> = {
  DYNAMIC_METADATA: "DYNAMIC",
  CLUSTER_METADATA: "CLUSTER",
  UPSTREAM_METADATA: "UPSTREAM_HOST",
};

/** The value of every operator about metadata, as JSON. */
export function metadataJson(
  record: UpstreamFacts & { readonly connection: ConnectionInfo },
  { name, argument = "" }: Pick<FormatCommand, "name" | "argument">,
  request: RequestMetadata,
): JsonValue | undefined {
  const kind = KINDS[name];
  const colon = argument.indexOf(":");
  const rest = kind === undefined ? argument.slice(colon + 1) : argument;
  const { connection } = record;
  switch (kind ?? argument.slice(0, colon)) {
    case "DYNAMIC":
      return metadataOf(rest, (name) => request.metadata?.get(name));
    case "ROUTE":
      return metadataOf(rest, (name) => request.route?.route.metadata?.[name]);
    case "VIRTUAL_HOST":
      return metadataOf(rest, (name) => request.route?.host.metadata?.[name]);
    case "CLUSTER":
      return metadataOf(rest, (name) => record.cluster?.config.metadata?.[name]);
    case "UPSTREAM_HOST":
      return metadataOf(rest, (name) => hostMetadata(record.host, name));
    case "LISTENER":
      return metadataOf(rest, (name) => connection.listenerMetadata?.[name]);
    case "LISTENER_FILTER_CHAIN":
      return metadataOf(rest, (name) => connection.chainMetadata?.[name]);
    default:
      return undefined;
  }
}

export function hostMetadata(host: Host | undefined, name: string): JsonValue | undefined {
  const endpoint = host?.endpoint;
  if (name === "envoy.lb") return endpoint?.lbLabels;
  return name === "envoy.transport_socket_match" ? endpoint?.transportLabels : endpoint?.metadata?.[name];
}
