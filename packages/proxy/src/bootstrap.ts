import { readFileSync } from "node:fs";
import { type JsonObject, type JsonValue, mergeFromBinary, type Registry } from "@bufbuild/protobuf";
import { err, ok, type Result } from "@heddle/std";
import { checkJson, type JsonProblem, typeUrls, writeMessage } from "@heddle/xds-api";
import { stringify } from "yaml";
import { decodeAdminLogs } from "./bootstrap/admin-log.ts";
import {
  ADMIN_SHAPE,
  BOOTSTRAP_SHAPE,
  CLUSTER_MANAGER_SHAPE,
  DYNAMIC_RESOURCES_SHAPE,
} from "./bootstrap/bootstrap-shape.ts";
import { checkExtensions } from "./bootstrap/default-extensions.ts";
import { foldEnumCase } from "./bootstrap/enum-case.ts";
import { upgradeBootstrap } from "./bootstrap/v2-form.ts";
import { parseText } from "./bootstrap/yaml-text.ts";
import {
  type ConfigOrigin,
  type DiscoveryServer,
  decodeConfigOrigin,
  decodeDiscoveryServer,
} from "./config/config-origin.ts";
import { decodeDuration } from "./config/duration-field.ts";
import { type Bootstrap, BootstrapSchema, ClusterSchema, ListenerSchema, SecretSchema } from "./config/proto.ts";
import { decodeResource } from "./config/resources.ts";
import { type ConfigProblem, createScope, problemText } from "./config/scope.ts";
import { checkShape } from "./config/shape.ts";
import { decodeAddress } from "./config/socket-address.ts";
import { decodeStats, type StatsSettings } from "./config/stats-config.ts";
import { decodeStatsSinks, type StatsSinkConfig } from "./config/stats-sinks.ts";
import { decodeTraceProvider, type TraceProvider } from "./config/trace-provider.ts";
import { connectionLimitOf, decodeOverload, withConnectionLimit } from "./overload/decode-overload.ts";
import { withMonitorTypes } from "./overload/monitor-types.ts";
import type { OverloadConfig } from "./overload/overload-config.ts";
import type { IncomingResource } from "./resources.ts";
import { decodeRuntime } from "./runtime/decode-runtime.ts";
import type { RuntimeSettings } from "./runtime/runtime.ts";
import type { SocketAddress } from "./transport/address.ts";

/** Source: Envoy `Bootstrap.stats_flush_interval`. Units: ms. */
const STATS_FLUSH_MS = 5000;

/** Where a node is; "": not said. */
export interface NodeLocality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** Resources of one type that the bootstrap brings. */
export interface StaticResources {
  readonly typeUrl: string;
  readonly resources: readonly IncomingResource[];
}

/** A bootstrap, or all that is wrong with it. */
export type BootstrapResult = Result<BootstrapSettings, readonly string[]>;

/** What the proxy takes from an Envoy bootstrap. */
export interface BootstrapSettings {
  readonly nodeId: string;
  readonly nodeCluster: string;
  readonly locality: NodeLocality;
  /** The cluster of which this proxy is one; "": none, zones don't count. */
  readonly localCluster: string;
  /** A file with a line for each host that is ejected or back; "": none. */
  readonly ejectionLog: string;
  /** Who is told of the load of hosts; undefined: nobody. */
  readonly loadServer: DiscoveryServer | undefined;
  readonly metadata: JsonObject;
  readonly admin: SocketAddress | undefined;
  /** Files with a line for each request to the admin port. */
  readonly adminLogs: readonly string[];
  /** In the order in which they must be applied. */
  readonly resources: readonly StaticResources[];
  /** The ADS server; undefined: nothing comes over ADS. */
  readonly ads: DiscoveryServer | undefined;
  readonly clustersFrom: ConfigOrigin | undefined;
  readonly listenersFrom: ConfigOrigin | undefined;
  /** Set when the file was in the v2 form: what was old, and the file as it should be. */
  readonly deprecated: { readonly changes: readonly string[]; readonly v3: string } | undefined;
  readonly overload: OverloadConfig;
  readonly runtime: RuntimeSettings;
  /** Tracer of connection managers that name none of their own. */
  readonly traceProvider: TraceProvider | undefined;
  readonly stats: StatsSettings;
  readonly statsSinks: readonly StatsSinkConfig[];
  /** Undefined: sinks are written to when the admin page is asked for statistics. Default: 5 s. Units: ms. */
  readonly statsFlushMs: number | undefined;
  readonly message: Bootstrap;
  /** Knows every type of the message, but for extensions that the proxy does not have. */
  readonly types: Registry;
  /** Full names of messages inside `Any` that the registry did not have. */
  readonly unknownTypes: readonly string[];
}

/**
 * Reads a bootstrap file in YAML or JSON, v3 or v2. `more` is the text of another one that is merged over it, as Envoy's `--config-yaml`; with one
 * of both empty the other is the whole. Errors: a sentence for everything that is wrong, with the file and the field.
 */
export function readBootstrap(path: string, more: string, registry: Registry): BootstrapResult {
  if (path === "") return parseBootstrap(more, MORE, registry);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return err([`can't read the bootstrap ${path}: ${error instanceof Error ? error.message : String(error)}`]);
  }
  if (more === "") return parseBootstrap(text, path, registry);
  const [file, over] = [parseMessage(text, path, registry), parseMessage(more, MORE, registry)];
  if (!file.ok) return file;
  if (!over.ok) return over;
  // Source: protobuf's merging: scalars are replaced, messages merged, lists joined.
  mergeFromBinary(BootstrapSchema, file.value.message, writeMessage(BootstrapSchema, over.value.message));
  const deprecated = bothForms(file.value.deprecated, over.value.deprecated);
  const unread = [...file.value.unread, ...over.value.unread];
  const unknownTypes = [...file.value.unknownTypes, ...over.value.unknownTypes];
  return readSettings({ ...file.value, deprecated, unread, unknownTypes }, `${path} with ${MORE}`);
}

const MORE = "--config-yaml";

type OldForm = BootstrapSettings["deprecated"];

function bothForms(file: OldForm, over: OldForm): OldForm {
  if (file === undefined || over === undefined) return file ?? over;
  return {
    changes: [...file.changes, ...over.changes.map((change) => `${MORE}: ${change}`)],
    v3: `${file.v3}---\n${over.v3}`,
  };
}

/** The same for the text of a file. */
export function parseBootstrap(text: string, path: string, known: Registry): BootstrapResult {
  const parsed = parseMessage(text, path, known);
  return parsed.ok ? readSettings(parsed.value, path) : parsed;
}

/** A bootstrap before its fields are looked at. */
interface ParsedBootstrap extends Pick<BootstrapSettings, "message" | "types" | "deprecated" | "unknownTypes"> {
  /** What the message lacks, because it can't be read. */
  readonly unread: readonly JsonProblem[];
}

function parseMessage(text: string, path: string, known: Registry): Result<ParsedBootstrap, readonly string[]> {
  let json: JsonValue;
  try {
    json = parseText(text);
  } catch (error) {
    return err([`${path} is neither YAML nor JSON: ${error instanceof Error ? error.message : String(error)}`]);
  }
  const upgraded = upgradeBootstrap(json);
  if (upgraded.problems.length > 0) return err(upgraded.problems.map((problem) => `${path}: ${problem}`));
  const types = hasOverloadManager(upgraded.json) ? withMonitorTypes(known) : known;
  const folded = foldEnumCase(upgraded.json, BootstrapSchema, types);
  const deprecated =
    upgraded.changes.length === 0
      ? undefined
      : { changes: upgraded.changes, v3: stringify(withoutSecrets(folded), { lineWidth: 0 }) };
  const { message, problems, unknownTypes } = checkJson(BootstrapSchema, folded, types);
  return ok({ message, types, deprecated, unread: problems, unknownTypes });
}

function hasOverloadManager(json: JsonValue): boolean {
  return typeof json === "object" && json !== null && ("overload_manager" in json || "overloadManager" in json);
}

/** For printing: keys that stand in the file are left out. */
function withoutSecrets(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const secret =
        key === "private_key" || key === "password" || key === "generic_secret" || key === "session_ticket_keys";
      const inFile = typeof item === "object" && item !== null && "filename" in item;
      return [key, secret && !inFile ? "[redacted: write what stands in the old file]" : withoutSecrets(item)];
    }),
  );
}

function readSettings(parsed: ParsedBootstrap, path: string): BootstrapResult {
  const { message, types, deprecated, unread, unknownTypes } = parsed;
  const registry = message.overloadManager === undefined ? types : withMonitorTypes(types);
  const scope = createScope();
  checkShape(BOOTSTRAP_SHAPE, message, scope);
  if (message.clusterManager !== undefined)
    checkShape(CLUSTER_MANAGER_SHAPE, message.clusterManager, scope.field("cluster_manager"));
  const localCluster = message.clusterManager?.localClusterName ?? "";
  if (localCluster !== "" && !(message.staticResources?.clusters ?? []).some(({ name }) => name === localCluster))
    scope
      .field("cluster_manager.local_cluster_name")
      .problem(`there is no cluster ${localCluster} in static_resources; define it there`);
  checkExtensions(message, scope);
  let admin: SocketAddress | undefined;
  let adminLogs: readonly string[] = [];
  if (message.admin !== undefined) {
    checkShape(ADMIN_SHAPE, message.admin, scope.field("admin"));
    adminLogs = decodeAdminLogs(message.admin.accessLog, message.admin.accessLogPath, scope.field("admin.access_log"));
    const decoded =
      message.admin.address === undefined
        ? undefined
        : decodeAddress(message.admin.address, scope.field("admin.address"));
    if (decoded?.kind === "tcp") admin = decoded.address;
    else if (decoded !== undefined) scope.field("admin.address").problem("the admin port needs a socket_address");
  }
  const dynamic = message.dynamicResources;
  const at = scope.field("dynamic_resources");
  if (dynamic !== undefined) checkShape(DYNAMIC_RESOURCES_SHAPE, dynamic, at);
  const clustersFrom = decodeConfigOrigin(dynamic?.cdsConfig, at.field("cds_config"));
  const listenersFrom = decodeConfigOrigin(dynamic?.ldsConfig, at.field("lds_config"));
  const ads = dynamic?.adsConfig && decodeDiscoveryServer(dynamic.adsConfig, at.field("ads_config"));
  if (dynamic?.adsConfig === undefined && (clustersFrom?.kind === "ads" || listenersFrom?.kind === "ads"))
    at.problem("lds_config or cds_config says ads, but ads_config is missing");
  const loadConfig = message.clusterManager?.loadStatsConfig;
  const loadServer = loadConfig && decodeDiscoveryServer(loadConfig, scope.field("cluster_manager.load_stats_config"));
  const runtime = decodeRuntime(message.layeredRuntime, scope.field("layered_runtime"));
  if (dynamic?.adsConfig === undefined && runtime.discovered?.some(({ from }) => from.kind === "ads") === true)
    scope.field("layered_runtime").problem("an rtds_layer says ads, but dynamic_resources.ads_config is missing");
  const overload = withConnectionLimit(
    message.overloadManager === undefined
      ? undefined
      : decodeOverload(message.overloadManager, registry, scope.field("overload_manager")),
    connectionLimitOf(
      runtime.layers.map(({ values }) => values),
      scope.field("layered_runtime"),
    ),
  );
  const tracer = message.tracing?.http;
  const traceProvider = tracer && decodeTraceProvider(tracer, scope.field("tracing.http"));
  const stats = decodeStats(message.statsConfig, scope.field("stats_config"));
  const statsSinks = decodeStatsSinks(message.statsSinks, scope.field("stats_sinks"));
  const flushAt = scope.field("stats_flush_interval");
  const flushMs = decodeDuration(message.statsFlushInterval, flushAt) ?? STATS_FLUSH_MS;
  if (flushMs < 1 || flushMs > 300_000) flushAt.problem("must be from 0.001s to 300s");
  const { value: onAdmin } = message.statsFlush;
  // Source: Envoy's rule for the field.
  if (onAdmin === false) scope.field("stats_flush_on_admin").problem("can only be true; leave it out instead");
  if (onAdmin === true && message.statsFlushInterval !== undefined)
    flushAt.problem("there is no interval with stats_flush_on_admin; remove one of both");
  const resources = staticResources(message);
  if (unread.length > 0 || scope.problems.length > 0)
    return err(
      [...unread, ...withoutUnread([...scope.problems, ...staticRefusals(resources)], unread)].map(
        (problem) => `${path}: ${problemText([problem])}`,
      ),
    );
  return ok({
    nodeId: message.node?.id ?? "",
    nodeCluster: message.node?.cluster ?? "",
    localCluster,
    loadServer,
    ejectionLog: message.clusterManager?.outlierDetection?.eventLogPath ?? "",
    locality: {
      region: message.node?.locality?.region ?? "",
      zone: message.node?.locality?.zone ?? "",
      subZone: message.node?.locality?.subZone ?? "",
    },
    metadata: message.node?.metadata ?? {},
    admin,
    adminLogs,
    resources,
    ads,
    clustersFrom,
    listenersFrom,
    deprecated,
    overload,
    runtime,
    traceProvider,
    stats,
    statsSinks,
    statsFlushMs: onAdmin === true ? undefined : flushMs,
    message,
    types: registry,
    unknownTypes,
  });
}

/** Problems that may be there only because something at or below their place could not be read are left out. */
function withoutUnread(found: readonly ConfigProblem[], unread: readonly JsonProblem[]): readonly ConfigProblem[] {
  const reaches = (path: string, below: string) =>
    below.startsWith(path) && [undefined, ".", "["].includes(below[path.length]);
  return found.filter(({ path }) => !unread.some((one) => reaches(path, one.path) || reaches(one.path, path)));
}

/** All that is wrong with the resources that a bootstrap brings. */
export function staticRefusals(all: readonly StaticResources[]): readonly ConfigProblem[] {
  return all.flatMap(({ typeUrl, resources }) =>
    resources.flatMap(({ bytes }, i) => {
      const decoded = decodeResource(typeUrl, bytes);
      const at = `static_resources.${LISTS[typeUrl] ?? ""}[${i}]`;
      if (decoded.ok) return [];
      return decoded.error.map(({ path, reason }) => ({ path: path === "" ? at : `${at}.${path}`, reason }));
    }),
  );
}

const LISTS: Readonly<Record<string, string>> = {
  [typeUrls.secret]: "secrets",
  [typeUrls.cluster]: "clusters",
  [typeUrls.listener]: "listeners",
};

function staticResources(message: Bootstrap): readonly StaticResources[] {
  const fixed = message.staticResources;
  const held = (name: string, bytes: Uint8Array): IncomingResource => ({ name, version: "", bytes });
  return [
    {
      typeUrl: typeUrls.secret,
      resources: (fixed?.secrets ?? []).map((s) => held(s.name, writeMessage(SecretSchema, s))),
    },
    {
      typeUrl: typeUrls.cluster,
      resources: (fixed?.clusters ?? []).map((c) => held(c.name, writeMessage(ClusterSchema, c))),
    },
    {
      typeUrl: typeUrls.listener,
      resources: (fixed?.listeners ?? []).map((l, i) => {
        // Envoy names nameless listeners too.
        if (l.name === "") l.name = `listener_${i}`;
        return held(l.name, writeMessage(ListenerSchema, l));
      }),
    },
  ];
}
