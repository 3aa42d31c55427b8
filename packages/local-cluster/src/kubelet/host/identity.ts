import type { ContainerSpec } from "../spec/container-spec.ts";

/** Whom a container's programs run as. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Lower-case names without `cap_`; undefined: all. */
  readonly capabilities: readonly string[] | undefined;
  readonly noNewPrivileges: boolean;
}

/** What containers get unless they say otherwise. Source: containerd's and Docker's default capabilities. */
const DEFAULT_CAPABILITIES = [
  "chown",
  "dac_override",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "net_bind_service",
  "net_raw",
  "sys_chroot",
  "mknod",
  "audit_write",
  "setfcap",
];

const plain = (name: string): string => name.toLowerCase().replace(/^cap_/, "");

export type IdentityResult =
  | { readonly kind: "identity"; readonly identity: Identity }
  | { readonly kind: "refused"; readonly message: string };

export interface IdentityInput {
  readonly container: ContainerSpec;
  /** `user` of the image: `uid` or `uid:gid`. */
  readonly imageUser: string | undefined;
  readonly fsGroup: number | undefined;
  readonly supplementalGroups: readonly number[];
  /** Only uid 0 of a user namespace exists: every container runs as it. */
  readonly rootless: boolean;
  /** What the node itself may do; nothing else can be given away. Names as in `Identity`. */
  readonly nodeCapabilities: readonly string[];
}

/** In the order of their numbers. Source: linux/capability.h. */
const BY_NUMBER = [
  "chown",
  "dac_override",
  "dac_read_search",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "linux_immutable",
  "net_bind_service",
  "net_broadcast",
  "net_admin",
  "net_raw",
  "ipc_lock",
  "ipc_owner",
  "sys_module",
  "sys_rawio",
  "sys_chroot",
  "sys_ptrace",
  "sys_pacct",
  "sys_admin",
  "sys_boot",
  "sys_nice",
  "sys_resource",
  "sys_time",
  "sys_tty_config",
  "mknod",
  "lease",
  "audit_write",
  "audit_control",
  "setfcap",
  "mac_override",
  "mac_admin",
  "syslog",
  "wake_alarm",
  "block_suspend",
  "audit_read",
  "perfmon",
  "bpf",
  "checkpoint_restore",
];

/** The bounding set in a `/proc/PID/status`. */
export function boundingSet(procStatus: string): readonly string[] {
  const mask = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(procStatus)?.[1] ?? "0"}`);
  return BY_NUMBER.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/** User of the mesh's proxy, in Istio and here. */
const PROXY_UID = 1337;

/** Resolves user, groups and capabilities. Errors: a sentence for `CreateContainerConfigError`. */
export function resolveIdentity(input: IdentityInput): IdentityResult {
  const { security } = input.container;
  const [imageUid, imageGid] = (input.imageUser ?? "0").split(":").map(Number);
  const uid = security.runAsUser ?? imageUid ?? 0;
  const gid = security.runAsGroup ?? (security.runAsUser === undefined ? (imageGid ?? uid) : 0);
  if (security.runAsNonRoot && uid === 0) {
    return {
      kind: "refused",
      message: `container has runAsNonRoot and image will run as root (container: ${input.container.name}); set securityContext.runAsUser to a number above 0`,
    };
  }
  const unknown = [...security.addCapabilities, ...security.dropCapabilities].find(
    (name) => plain(name) !== "all" && !BY_NUMBER.includes(plain(name)),
  );
  if (unknown !== undefined) {
    return {
      kind: "refused",
      message: `unknown capability "${unknown}" in securityContext.capabilities (container: ${input.container.name}); write it like NET_ADMIN`,
    };
  }
  const wanted = capabilitiesOf(security.addCapabilities, security.dropCapabilities);
  // Without user ids the mesh's proxy is told apart by a socket mark, which takes this capability (socket(7), SO_MARK).
  const marked = input.rootless && uid === PROXY_UID;
  const capabilities = marked && !wanted.includes("net_raw") ? [...wanted, "net_raw"] : wanted;
  const lacking = security.addCapabilities
    .map(plain)
    .find((name) => name !== "all" && !input.nodeCapabilities.includes(name));
  if (lacking !== undefined) {
    return {
      kind: "refused",
      message: `container ${input.container.name} asks for capability ${lacking.toUpperCase()}, which this machine doesn't give to the cluster; start the cluster outside of a restricted container, or allow the capability there (--cap-add=${lacking.toUpperCase()})`,
    };
  }
  const extra = [...input.supplementalGroups, ...(input.fsGroup === undefined ? [] : [input.fsGroup])];
  const identity: Identity = {
    uid: input.rootless ? 0 : uid,
    gid: input.rootless ? 0 : gid,
    groups: input.rootless ? [] : [...new Set(extra)],
    capabilities: security.privileged
      ? undefined
      : capabilities.filter((name) => input.nodeCapabilities.includes(name)),
    noNewPrivileges: !security.allowPrivilegeEscalation && !security.privileged,
  };
  return { kind: "identity", identity };
}

function capabilitiesOf(add: readonly string[], drop: readonly string[]): readonly string[] {
  const dropped = drop.map(plain);
  const added = add.map(plain);
  const base = added.includes("all") ? BY_NUMBER : dropped.includes("all") ? [] : DEFAULT_CAPABILITIES;
  return [
    ...new Set([...base.filter((name) => !dropped.includes(name)), ...added.filter((name) => name !== "all")]),
  ].sort();
}

/** `setpriv` and its arguments that make the following program run as `identity`. */
export function setprivArguments(identity: Identity, rootless: boolean): readonly string[] {
  const result = ["/usr/bin/setpriv"];
  if (!rootless) {
    result.push(`--reuid=${identity.uid}`, `--regid=${identity.gid}`);
    result.push(identity.groups.length > 0 ? `--groups=${identity.groups.join(",")}` : "--clear-groups");
  }
  if (identity.capabilities !== undefined) {
    result.push(
      "--inh-caps=-all",
      `--bounding-set=${["-all", ...identity.capabilities.map((name) => `+${name}`)].join(",")}`,
    );
  }
  if (identity.noNewPrivileges) result.push("--no-new-privs");
  return result;
}
