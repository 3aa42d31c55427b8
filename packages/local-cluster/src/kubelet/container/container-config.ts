import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { ApiError, type KubeObject } from "../../contract/index.ts";
import type { CatalogueImage } from "../../images/index.ts";
import type { ImagePrograms } from "../host/base.ts";
import { accountFiles, homeOf, hostsFile, resolvConf } from "../host/etc-files.ts";
import { type Identity, resolveIdentity } from "../host/identity.ts";
import { resolveInRoot } from "../host/path-in-root.ts";
import type { Bind } from "../host/rootfs.ts";
import type { PodContext } from "../node-context.ts";
import type { ContainerSpec, VolumeMount } from "../spec/container-spec.ts";
import { fieldsOf, listOf, numberOr, text, textOr } from "../spec/decode.ts";
import { podHostname } from "../spec/pod-spec.ts";
import { expandVariables, type ServiceAddress, serviceVariables } from "./env-expansion.ts";
import { buildEnvironment, objectKey, referencedObjects } from "./environment.ts";
import type { PodFacts } from "./pod-fields.ts";

/** Everything needed to start a container once. */
export interface ContainerConfig {
  readonly argv: readonly string[];
  /** Where the image's own programs are. */
  readonly programFolder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly identity: Identity;
  readonly workdir: string;
  readonly home: string;
  readonly folders: readonly string[];
  readonly binds: readonly Bind[];
  readonly files: ReadonlyMap<string, string>;
}

/** The pod asks for something that isn't there; shown as `CreateContainerConfigError`. */
export class ConfigError extends Error {}

export const podFacts = (context: PodContext): PodFacts => ({
  pod: context.pod(),
  podIp: context.podIp(),
  hostIp: context.node.plan.nodeIp,
  allocatable: context.node.allocatable,
});

/** Errors: rejects with `ConfigError`. */
export async function configureContainer(
  context: PodContext,
  container: ContainerSpec,
  image: CatalogueImage,
  programs: ImagePrograms,
): Promise<ContainerConfig> {
  const { node, spec } = context;
  const resolved = resolveIdentity({
    container,
    imageUser: image.user,
    fsGroup: spec.fsGroup,
    supplementalGroups: spec.supplementalGroups,
    rootless: node.rootless,
    nodeCapabilities: node.nodeCapabilities,
  });
  if (resolved.kind === "refused") throw new ConfigError(resolved.message);
  const { identity } = resolved;
  const services = await serviceEnvironment(context);
  const built = buildEnvironment({
    container,
    spec,
    facts: podFacts(context),
    objects: await fetchObjects(context, container),
    serviceVariables: services,
  });
  if (built.kind === "invalid") throw new ConfigError(built.message);
  const home = homeOf(identity.uid);
  const env: Record<string, string> = {
    PATH: programs.searchPath,
    HOME: home,
    HOSTNAME: podHostname(context.pod(), spec),
    ...(container.tty ? { TERM: "xterm" } : {}),
    ...image.env,
    ...(node.rootless ? { HEDDLE_PROXY_MARK: "1337" } : {}),
    ...built.env,
  };
  const command = container.command.map((word) => expandVariables(word, built.env));
  const args = container.args.map((word) => expandVariables(word, built.env));
  const argv =
    command.length > 0 ? [...command, ...args] : [...image.entrypoint, ...(args.length > 0 ? args : image.cmd)];
  if (argv.length === 0)
    throw new ConfigError("no command specified: set the container's command, as the image has none");
  return {
    argv,
    programFolder: programs.folder,
    env,
    identity,
    workdir: container.workingDir ?? image.workdir ?? "/",
    home,
    folders: image.folders,
    binds: container.mounts.map((mount) => bindOf(context, mount, built.env)),
    files: new Map([
      ...accountFiles(identity),
      ["/etc/hosts", hostsFile(context.pod(), spec, context.podIp(), node.dns.clusterDomain, node.hostsFile)],
      ["/etc/hostname", `${podHostname(context.pod(), spec)}\n`],
      ["/etc/resolv.conf", resolvConf(context.namespace, spec, node.dns)],
    ]),
  };
}

function bindOf(context: PodContext, mount: VolumeMount, env: Readonly<Record<string, string>>): Bind {
  const source = context.volumes.pathOf(mount.name);
  if (source === undefined) throw new ConfigError(`volumeMounts: volume "${mount.name}" isn't in spec.volumes`);
  const subPath = mount.subPathExpr === undefined ? mount.subPath : expandVariables(mount.subPathExpr, env);
  const target = path.resolve("/", mount.mountPath);
  // What the kubelet writes (ConfigMaps, Secrets, tokens …) no container may change, whatever its mount says.
  const ofKubelet = context.spec.volumes.some(({ name, source: { kind } }) => name === mount.name && kind === "files");
  const readOnly = mount.readOnly || ofKubelet;
  if (subPath === undefined) return { source, target, readOnly };
  if (path.isAbsolute(subPath) || subPath.split("/").includes("..")) {
    throw new ConfigError(`volumeMounts: subPath "${subPath}" must be relative and stay inside the volume`);
  }
  const inside = resolveInRoot(source, subPath);
  if (!existsSync(inside)) mkdirSync(inside, { recursive: true });
  return { source: inside, target, readOnly };
}

async function fetchObjects(context: PodContext, container: ContainerSpec): Promise<ReadonlyMap<string, KubeObject>> {
  const objects = new Map<string, KubeObject>();
  for (const { kind, name } of referencedObjects(container)) {
    try {
      const resource = kind === "configMap" ? "configmaps" : "secrets";
      objects.set(
        objectKey(kind, name),
        await context.node.api.get({ group: "", version: "v1", resource }, context.namespace, name),
      );
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
    }
  }
  return objects;
}

function serviceAddress(service: KubeObject): ServiceAddress | undefined {
  const spec = fieldsOf(service["spec"]);
  const clusterIp = text(spec["clusterIP"]);
  if (!clusterIp || clusterIp === "None") return undefined;
  const ports = listOf(spec["ports"]).map((entry) => {
    const port = fieldsOf(entry);
    return { name: text(port["name"]), port: numberOr(port["port"], 0), protocol: textOr(port["protocol"], "TCP") };
  });
  return { name: service.metadata.name, clusterIp, ports };
}

/** `default/kubernetes` for everyone, and the services of the pod's namespace unless `enableServiceLinks` is off. */
async function serviceEnvironment(context: PodContext): Promise<Readonly<Record<string, string>>> {
  const resource = { group: "", version: "v1", resource: "services" };
  const isMaster = (service: KubeObject): boolean =>
    service.metadata.namespace === "default" && service.metadata.name === "kubernetes";
  const master = (await context.node.api.list(resource, { namespace: "default" })).filter(isMaster);
  const own = context.spec.enableServiceLinks
    ? await context.node.api.list(resource, { namespace: context.namespace })
    : [];
  const env: Record<string, string> = {};
  for (const service of [...own, ...master]) {
    const address = serviceAddress(service);
    if (address) Object.assign(env, serviceVariables(address));
  }
  return env;
}
