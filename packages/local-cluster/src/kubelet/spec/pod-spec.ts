import type { KubeObject } from "../../contract/index.ts";
import { type ContainerSpec, decodeContainer, type RestartPolicy } from "./container-spec.ts";
import { fieldsOf, flag, listOf, number, numberOr, text, textOr, texts } from "./decode.ts";
import { decodeVolume, type VolumeSpec } from "./volume-spec.ts";

export interface DnsConfig {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** `name` or `name:value`. */
  readonly options: readonly string[];
}

export interface HostAlias {
  readonly ip: string;
  readonly hostnames: readonly string[];
}

export interface PodSpec {
  readonly containers: readonly ContainerSpec[];
  readonly initContainers: readonly ContainerSpec[];
  readonly volumes: readonly VolumeSpec[];
  readonly restartPolicy: RestartPolicy;
  readonly terminationGracePeriodSeconds: number;
  readonly activeDeadlineSeconds: number | undefined;
  readonly dnsPolicy: string;
  readonly dnsConfig: DnsConfig;
  readonly hostAliases: readonly HostAlias[];
  readonly hostNetwork: boolean;
  readonly hostname: string | undefined;
  readonly subdomain: string | undefined;
  readonly serviceAccountName: string;
  readonly enableServiceLinks: boolean;
  readonly fsGroup: number | undefined;
  readonly supplementalGroups: readonly number[];
  readonly sysctls: readonly (readonly [string, string])[];
  /** Condition types that must be True before the pod is Ready. */
  readonly readinessGates: readonly string[];
}

/** Reads `spec` of a pod. */
export function decodePod(pod: KubeObject): PodSpec {
  const spec = fieldsOf(pod["spec"]);
  const security = fieldsOf(spec["securityContext"]);
  const dns = fieldsOf(spec["dnsConfig"]);
  const restart = text(spec["restartPolicy"]);
  return {
    containers: listOf(spec["containers"]).map((entry) => decodeContainer(entry, security)),
    initContainers: listOf(spec["initContainers"]).map((entry) => decodeContainer(entry, security)),
    volumes: listOf(spec["volumes"]).map(decodeVolume),
    restartPolicy: restart === "OnFailure" || restart === "Never" ? restart : "Always",
    terminationGracePeriodSeconds: numberOr(spec["terminationGracePeriodSeconds"], 30),
    activeDeadlineSeconds: number(spec["activeDeadlineSeconds"]),
    dnsPolicy: textOr(spec["dnsPolicy"], "ClusterFirst"),
    dnsConfig: {
      nameservers: texts(dns["nameservers"]),
      searches: texts(dns["searches"]),
      options: listOf(dns["options"]).map((entry) => {
        const option = fieldsOf(entry);
        const value = text(option["value"]);
        return value === undefined ? textOr(option["name"], "") : `${textOr(option["name"], "")}:${value}`;
      }),
    },
    hostAliases: listOf(spec["hostAliases"]).map((entry) => {
      const alias = fieldsOf(entry);
      return { ip: textOr(alias["ip"], ""), hostnames: texts(alias["hostnames"]) };
    }),
    hostNetwork: flag(spec["hostNetwork"]) ?? false,
    hostname: text(spec["hostname"]) || undefined,
    subdomain: text(spec["subdomain"]) || undefined,
    serviceAccountName: textOr(spec["serviceAccountName"], "default"),
    enableServiceLinks: flag(spec["enableServiceLinks"]) ?? true,
    fsGroup: number(security["fsGroup"]),
    supplementalGroups: listOf(security["supplementalGroups"]).filter((id): id is number => typeof id === "number"),
    sysctls: listOf(security["sysctls"]).map((entry) => {
      const sysctl = fieldsOf(entry);
      return [textOr(sysctl["name"], ""), textOr(sysctl["value"], "")] as const;
    }),
    readinessGates: listOf(spec["readinessGates"]).map((entry) => textOr(fieldsOf(entry)["conditionType"], "")),
  };
}

/** Whether an init container is a native sidecar. */
export const isSidecar = (container: ContainerSpec): boolean => container.restartPolicy === "Always";

/** Host name inside the pod. Source: kubelet `GeneratePodHostNameAndDomain` (63 characters at most). */
export const podHostname = (pod: KubeObject, spec: PodSpec): string =>
  (spec.hostname ?? pod.metadata.name).slice(0, 63).replace(/[-.]+$/, "");
