import { readFile, stat } from "node:fs/promises";
import type { KubeObject } from "@heddle/config";
import {
  atGateway,
  bypassReason,
  type Caller,
  type ExplainedRequest,
  type Explanation,
  explainRequest,
  type FarSide,
  type Generator,
  generatedConfig,
  meshedPod,
  meshOf,
  type ProxyConfigJson,
  proxyConfigOf,
  resolveName,
} from "@heddle/explain";
import type { KubeClient } from "@heddle/kube-client";
import { createViews, type MeshState, spiffeId } from "@heddle/model";
import { at, textOf } from "@heddle/std";
import { createPatcher } from "@heddle/translate";
import { loadTypeRegistry } from "@heddle/xds-api";
import { UsageError } from "../context.ts";
import { podGet } from "../pod-http.ts";
import { ADMIN_PORT } from "../proxy-config/dump.ts";
import { callerPod } from "./caller.ts";
import { type MeshObjects, settled } from "./mesh-source.ts";

export async function newGenerator(): Promise<Generator> {
  const [patcher, registry] = await Promise.all([createPatcher(), loadTypeRegistry()]);
  return { views: createViews(), patcher, registry };
}

/** A `/config_dump` in a file; undefined when `path` names a pod. Errors: UsageError when it is something else. */
export async function dumpFile(path: string): Promise<ProxyConfigJson | undefined> {
  if (!(await stat(path).catch(() => undefined))?.isFile()) {
    // `deploy/name` has a slash, too; no pod's name begins with one or ends like a file's.
    if (/^[./]|\.(?:json|ya?ml)$/.test(path)) throw new UsageError(`--from ${path}: there is no such file`);
    return undefined;
  }
  try {
    const config = proxyConfigOf(JSON.parse(await readFile(path, "utf8")));
    if (config.listeners.length > 0) return config;
  } catch (error) {
    throw new UsageError(
      `${path}: ${error instanceof Error ? error.message : error}; expected the JSON of a proxy's /config_dump`,
    );
  }
  throw new UsageError(`${path}: no listeners in it; expected the JSON of a proxy's /config_dump?include_eds`);
}

export interface RequestOptions {
  readonly from: string;
  readonly request: ExplainedRequest;
  /** Generated configuration instead of what pods have: files take part. */
  readonly generated: boolean;
}

/** Explains a request of a pod of the source. */
export async function explainFromPod(source: MeshObjects, options: RequestOptions): Promise<Explanation> {
  const objects = settled(source, source.objects);
  const state = meshOf(objects, source.mesh);
  const pod = callerPod(objects, options.from, source.namespace);
  const configs = await configReader(source, state, options.generated);
  const { request } = options;
  const gateway = pod.proxy?.node.kind === "router";
  const destination = resolveName(state, request.host, request.port, pod.namespace, pod.proxy?.node);
  const caller: Caller = {
    name: `${pod.name}.${pod.namespace}`,
    ip: pod.ip,
    identity: spiffeId(state.settings.trustDomain, pod.namespace, pod.serviceAccount),
    config: pod.proxy === undefined ? undefined : await configs(pod.object),
    direction: gateway ? "gateway" : "outbound",
    bypass: gateway ? undefined : bypassReason(pod.annotations, destination.ip, request.port),
    ...(gateway ? { arrival: atGateway(state, pod.proxy.node, request.port) } : {}),
  };
  return explainRequest({ request, caller, destination, farSide: farSides(objects, configs) });
}

/** Explains a request of the proxy that a dump is of; what is behind the endpoints is told where the source knows it. */
export async function explainFromDump(
  dump: ProxyConfigJson,
  source: MeshObjects,
  options: RequestOptions,
): Promise<Explanation> {
  const objects = settled(source, source.objects);
  const state = meshOf(objects, source.mesh);
  const configs = await configReader(source, state, options.generated);
  const caller: Caller = {
    name: options.from,
    ip: "",
    identity: "",
    config: dump,
    direction: dump.listeners.some((one) => one["use_original_dst"] === true) ? "outbound" : "gateway",
    bypass: undefined,
  };
  const destination = resolveName(state, options.request.host, options.request.port, source.namespace);
  return explainRequest({ request: options.request, caller, destination, farSide: farSides(objects, configs) });
}

type ConfigReader = (pod: KubeObject) => Promise<ProxyConfigJson | undefined>;

async function configReader(source: MeshObjects, state: MeshState, generated: boolean): Promise<ConfigReader> {
  const { kube } = source;
  if (kube !== undefined && !generated) return (pod) => liveConfig(kube, pod);
  const generator = await newGenerator();
  return async (pod) => {
    const found = meshedPod(pod);
    return found === undefined ? undefined : generatedConfig(state, found.node, generator);
  };
}

async function liveConfig(kube: KubeClient, pod: KubeObject): Promise<ProxyConfigJson> {
  const { name, namespace = "default" } = pod.metadata;
  return proxyConfigOf(JSON.parse(await podGet(kube, namespace, name, ADMIN_PORT, "/config_dump?include_eds")));
}

function farSides(objects: readonly KubeObject[], configs: ConfigReader): (ip: string) => Promise<FarSide | undefined> {
  const byIp = new Map(
    objects
      .filter(({ kind }) => kind === "Pod")
      .filter((pod) => !["Succeeded", "Failed"].includes(textOf(at(pod, "status", "phase"))))
      .map((pod) => [textOf(at(pod, "status", "podIP")), pod]),
  );
  return async (ip) => {
    const pod = byIp.get(ip);
    if (pod === undefined) return undefined;
    const name = `${pod.metadata.name}.${pod.metadata.namespace ?? "default"}`;
    const proxy = meshedPod(pod);
    // A gateway's own ports are no workload behind a sidecar.
    if (proxy === undefined || proxy.node.kind === "router") return { name, meshed: false, config: undefined };
    return { name, meshed: true, config: await configs(pod) };
  };
}
