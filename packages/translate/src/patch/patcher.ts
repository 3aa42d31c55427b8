import type { DescMessage, JsonObject, JsonValue, MessageShape, Registry } from "@bufbuild/protobuf";
import { type ConfigPatch, type DataPlane, type EnvoyFilter, type Problem, refText } from "@heddle/config";
import { parseClusterName, type ResourcePatch } from "@heddle/model";
import { checkJson, jsonProblemText, loadTypeRegistry, toDumpJson } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import {
  FilterChainSchema,
  FilterSchema,
  ListenerFilterSchema,
} from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { RouteSchema, VirtualHostSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { HttpFilterSchema } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type { ProxyResources } from "../translate.ts";
import { asObject, mergeJson } from "./json-merge.ts";
import { patchListener } from "./patch-listeners.ts";
import { patchRouteConfiguration } from "./patch-routes.ts";
import { withFilterPatches, withSource } from "./say-patch.ts";

/** Resources after the EnvoyFilters, and what could not be done. */
export interface Patched {
  readonly resources: ProxyResources;
  readonly problems: readonly Problem[];
}

/** Applies EnvoyFilters. Patches work on Envoy's JSON form; the outcome is a message again, or the patch is left out with a problem. */
export interface Patcher {
  apply(resources: ProxyResources, patches: readonly ResourcePatch[], dataPlane: DataPlane): Patched;
  /** Problems of an EnvoyFilter's values, for admission; messages that only a real Envoy may know are warnings. */
  check(filter: EnvoyFilter): readonly Problem[];
}

const schemas = {
  LISTENER: ListenerSchema,
  FILTER_CHAIN: FilterChainSchema,
  NETWORK_FILTER: FilterSchema,
  HTTP_FILTER: HttpFilterSchema,
  LISTENER_FILTER: ListenerFilterSchema,
  ROUTE_CONFIGURATION: RouteConfigurationSchema,
  VIRTUAL_HOST: VirtualHostSchema,
  HTTP_ROUTE: RouteSchema,
  CLUSTER: ClusterSchema,
  EXTENSION_CONFIG: undefined,
  BOOTSTRAP: undefined,
} as const;

const OLD_API = /^envoy\.(api\.v2|config\.filter)\.|^envoy\..*\.v2(alpha\d*)?\./;

type Change = (json: JsonObject, patch: ConfigPatch, value: JsonObject) => JsonObject | undefined;

class RegistryPatcher implements Patcher {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  apply(resources: ProxyResources, patches: readonly ResourcePatch[], dataPlane: DataPlane): Patched {
    const problems: Problem[] = [];
    let current = resources;
    for (const one of patches) current = this.#applyOne(current, one, dataPlane, problems);
    return { resources: current, problems };
  }

  check(filter: EnvoyFilter): readonly Problem[] {
    return filter.spec.configPatches.flatMap((patch, index): readonly Problem[] => {
      const one = { source: filter.ref, index, patch };
      const value = this.#valueOf(patch);
      if (typeof value === "string") return [problemOf(one, value)];
      return value.foreign.length === 0 ? [] : [onlyForEnvoy(one, value.foreign)];
    });
  }

  #applyOne(resources: ProxyResources, one: ResourcePatch, dataPlane: DataPlane, problems: Problem[]): ProxyResources {
    const { patch } = one;
    const written = this.#valueOf(patch);
    if (typeof written === "string") {
      problems.push(problemOf(one, written));
      return resources;
    }
    // It gets it all the same, and refuses what holds it: the patch may be what keeps somebody out.
    if (written.foreign.length > 0 && dataPlane !== "envoy") problems.push(onlyForEnvoy(one, written.foreign));
    const value = isSaying(patch) ? withSource(written.json, one) : written.json;
    const run = <D extends DescMessage>(schema: D, all: readonly MessageShape<D>[], change: Change) =>
      this.#each(schema, all, one, value, change, problems);
    const listeners = (change: Change) => run(ListenerSchema, resources.listeners, change);
    switch (patch.applyTo) {
      case "CLUSTER":
        return { ...resources, clusters: run(ClusterSchema, resources.clusters, changeCluster) };
      case "ROUTE_CONFIGURATION":
      case "VIRTUAL_HOST":
      case "HTTP_ROUTE":
        return {
          ...resources,
          routes: run(RouteConfigurationSchema, resources.routes, patchRouteConfiguration),
          listeners: listeners(patchListener),
        };
      case "HTTP_FILTER":
      case "NETWORK_FILTER":
        return {
          ...resources,
          listeners: listeners((json, own, its) => {
            const changed = patchListener(json, own, its);
            return changed === json ? json : withFilterPatches(json, changed, one);
          }),
        };
      default:
        return { ...resources, listeners: listeners(changeListener) };
    }
  }

  /** Changes those resources that the patch is for; a resource that would be no valid message any more stays as it is. */
  #each<D extends DescMessage>(
    schema: D,
    all: readonly MessageShape<D>[],
    one: ResourcePatch,
    value: JsonObject,
    change: Change,
    problems: Problem[],
  ): readonly MessageShape<D>[] {
    const { patch } = one;
    const wholes = patch.applyTo === "CLUSTER" || patch.applyTo === "LISTENER";
    const out: MessageShape<D>[] = [];
    for (const message of all) {
      const json = asObject(toDumpJson(schema, message, this.#registry));
      const changed = change(json, patch, value);
      if (changed === json) out.push(message);
      else if (changed !== undefined) {
        const made = this.#read(schema, changed);
        if (typeof made === "string")
          problems.push(problemOf(one, `${String(json["name"])} would be invalid: ${made}`));
        out.push(typeof made === "string" ? message : made);
      }
    }
    if (!wholes || patch.patch.operation !== "ADD") return out;
    const added = this.#read(schema, value);
    if (typeof added === "string") problems.push(problemOf(one, added));
    else if (all.some((message) => nameOf(message) === nameOf(added)))
      problems.push(problemOf(one, `${nameOf(added)} is there already; use MERGE`));
    else out.push(added);
    return out;
  }

  /** The patch's value with Envoy's field names, or what is wrong with it. */
  #valueOf(patch: ConfigPatch): PatchValue | string {
    const schema: DescMessage | undefined = schemas[patch.applyTo];
    if (schema === undefined) return `${patch.applyTo} is not available`;
    if (patch.patch.operation === "REMOVE") return { json: {}, foreign: [] };
    // Source: Istio reads patches with Go's JSON reader, which takes Go's durations.
    const leniency = { goDurations: true };
    const value = patch.patch.value as JsonValue;
    const { message, problems, unknownTypes } = checkJson(schema, value, this.#registry, leniency);
    if (problems.length > 0) return jsonProblemText(problems);
    const old = unknownTypes.filter((type) => OLD_API.test(type));
    if (old.length > 0)
      return `${old.join(", ")}: of the v2 API, which Envoy no longer has; write the message's v3 name as @type`;
    return { json: asObject(toDumpJson(schema, message, this.#registry)), foreign: unknownTypes };
  }

  #read<D extends DescMessage>(schema: D, json: JsonValue): MessageShape<D> | string {
    // Source: protobuf's merging: what is set last takes the place of what excludes it.
    const { message, problems } = checkJson(schema, json, this.#registry, { lastOfGroup: true });
    return problems.length > 0 ? jsonProblemText(problems) : message;
  }
}

interface PatchValue {
  readonly json: JsonObject;
  /** Messages that only a real Envoy may know; it gets their fields as they are written. */
  readonly foreign: readonly string[];
}

function nameOf(message: unknown): string {
  return typeof message === "object" && message !== null && "name" in message ? String(message.name) : "";
}

/** Undefined: removed. */
function changeCluster(json: JsonObject, patch: ConfigPatch, value: JsonObject): JsonObject | undefined {
  const match = patch.match.cluster;
  const name = String(json["name"]);
  const parts = parseClusterName(name);
  const fits =
    (match?.name === undefined || match.name === name) &&
    (match?.portNumber === undefined || match.portNumber === parts?.port) &&
    (match?.service === undefined || match.service === parts?.hostname) &&
    (match?.subset === undefined || match.subset === parts?.subset);
  const { operation } = patch.patch;
  if (!fits || operation === "ADD") return json;
  if (operation === "REMOVE") return undefined;
  return asObject(mergeJson(json, value, operation === "MERGE_AND_REPLACE_LIST"));
}

function changeListener(json: JsonObject, patch: ConfigPatch, value: JsonObject): JsonObject | undefined {
  if (patch.applyTo !== "LISTENER" || patch.patch.operation !== "REMOVE") {
    return patch.applyTo === "LISTENER" && patch.patch.operation === "ADD" ? json : patchListener(json, patch, value);
  }
  const merge: ConfigPatch = { ...patch, patch: { ...patch.patch, operation: "MERGE" } };
  // A merge of nothing gives another object exactly where the conditions hold.
  return patchListener(json, merge, {}) === json ? json : undefined;
}

function problemOf({ source, index }: ResourcePatch, reason: string): Problem {
  return {
    path: `spec.configPatches[${index}].patch`,
    reason: `can't be applied: ${reason}`,
    source: refText(source),
    severity: "error",
  };
}

function onlyForEnvoy({ source, index }: ResourcePatch, types: readonly string[]): Problem {
  return {
    path: `spec.configPatches[${index}].patch`,
    reason: `${types.join(", ")}: not an extension that the built-in proxy has: it refuses what holds it, and goes on with what it had; remove the patch, or run its workloads with Envoy (heddle.io/data-plane: envoy)`,
    source: refText(source),
    severity: "warning",
  };
}

/** Loads the descriptions of all of Envoy's messages. */
export async function createPatcher(): Promise<Patcher> {
  return new RegistryPatcher(await loadTypeRegistry());
}

/** What can say where it comes from says so: `heddle explain` names the EnvoyFilter. */
function isSaying({ applyTo, patch }: ConfigPatch): boolean {
  return SAYING.has(applyTo) && !["REMOVE", "MERGE_AND_REPLACE_LIST"].includes(patch.operation);
}

const SAYING: ReadonlySet<ConfigPatch["applyTo"]> = new Set([
  "CLUSTER",
  "LISTENER",
  "FILTER_CHAIN",
  "VIRTUAL_HOST",
  "HTTP_ROUTE",
]);
