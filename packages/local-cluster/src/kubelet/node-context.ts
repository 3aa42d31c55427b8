import type { Libc } from "@heddle/netlink";
import type { Clock } from "@heddle/std";
import type { ClusterApi, ClusterNetworkPlan, KubeObject, PodNetwork } from "../contract/index.ts";
import type { ImageStore } from "../images/index.ts";
import type { ContainerBase } from "./host/base.ts";
import type { DnsSettings } from "./host/etc-files.ts";
import type { Sandbox } from "./host/sandbox.ts";
import type { Syscalls } from "./host/syscalls.ts";
import type { PodSpec } from "./spec/pod-spec.ts";
import type { PodVolumes } from "./volumes/pod-volumes.ts";
import type { IssueToken } from "./volumes/token-source.ts";

/** Where the kubelet says what happens to itself; what happens to pods goes into Events. */
export interface KubeletLog {
  info(message: string, fields?: Readonly<Record<string, string | number>>): void;
  warn(message: string, fields?: Readonly<Record<string, string | number>>): void;
}

/** What all pods of the node share. */
export interface NodeContext {
  readonly api: ClusterApi;
  readonly network: PodNetwork;
  readonly plan: ClusterNetworkPlan;
  readonly images: ImageStore;
  readonly base: ContainerBase;
  readonly syscalls: Syscalls;
  readonly clock: Clock;
  readonly log: KubeletLog;
  readonly rootless: boolean;
  readonly nodeCapabilities: readonly string[];
  readonly dns: DnsSettings;
  readonly issueToken: IssueToken;
  /** Working directory of the node: roots and volumes. */
  readonly directory: string;
  readonly logDirectory: string;
  /** On a tmpfs. */
  readonly memoryDirectory: string;
  readonly hostsFile: string;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly libc: Libc;
  /** Random hexadecimal text, for container ids. */
  readonly newId: () => string;
}

/** What the containers of one pod share. */
export interface PodContext {
  readonly node: NodeContext;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Newest known version. */
  readonly pod: () => KubeObject;
  readonly spec: PodSpec;
  readonly directory: string;
  readonly logDirectory: string;
  readonly sandbox: () => Sandbox;
  readonly podIp: () => string;
  readonly volumes: PodVolumes;
  readonly event: (type: "Normal" | "Warning", reason: string, message: string) => void;
}
