import type { KubeObject } from "../../contract/index.ts";
import { type PodSpec, podHostname } from "../spec/pod-spec.ts";
import type { Identity } from "./identity.ts";

/** How pods resolve names. */
export interface DnsSettings {
  /** Address of the cluster's DNS service. */
  readonly clusterIp: string;
  readonly clusterDomain: string;
  /** `/etc/resolv.conf` of the machine, for `dnsPolicy: Default` and as the node's own. */
  readonly hostResolvConf: string;
}

/** Content of `/etc/resolv.conf`. Source: kubelet `network/dns`. */
export function resolvConf(namespace: string, spec: PodSpec, dns: DnsSettings): string {
  const { nameservers, searches, options } = spec.dnsConfig;
  const useCluster =
    spec.dnsPolicy === "ClusterFirstWithHostNet" || (spec.dnsPolicy === "ClusterFirst" && !spec.hostNetwork);
  const host = dns.hostResolvConf.split("\n").map((line) => line.trim().split(/\s+/));
  const hostValues = (keyword: string): readonly string[] =>
    host.filter(([first]) => first === keyword).flatMap(([, ...values]) => values);
  const base =
    spec.dnsPolicy === "None"
      ? { servers: [], search: [], options: [] }
      : useCluster
        ? {
            servers: [dns.clusterIp],
            search: [`${namespace}.svc.${dns.clusterDomain}`, `svc.${dns.clusterDomain}`, dns.clusterDomain],
            options: ["ndots:5"],
          }
        : { servers: hostValues("nameserver"), search: hostValues("search"), options: hostValues("options") };
  const search = [...new Set([...base.search, ...searches])];
  const optionName = (option: string): string => option.split(":")[0] ?? option;
  const overridden = new Set(options.map(optionName));
  const allOptions = [...base.options.filter((option) => !overridden.has(optionName(option))), ...options];
  return [
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...[...new Set([...base.servers, ...nameservers])].map((server) => `nameserver ${server}`),
    ...(allOptions.length > 0 ? [`options ${allOptions.join(" ")}`] : []),
    "",
  ].join("\n");
}

/** Content of `/etc/hosts`. Source: kubelet `ensureHostsFile`. */
export function hostsFile(
  pod: KubeObject,
  spec: PodSpec,
  podIp: string,
  clusterDomain: string,
  hostContent: string,
): string {
  const aliases = spec.hostAliases.map((alias) => `${alias.ip}\t${alias.hostnames.join("\t")}`);
  const extra = aliases.length > 0 ? ["", "# Entries added by HostAliases.", ...aliases] : [];
  if (spec.hostNetwork)
    return ["# Kubernetes-managed hosts file (host network).", hostContent.trimEnd(), ...extra, ""].join("\n");
  const hostname = podHostname(pod, spec);
  const domain = spec.subdomain && `${hostname}.${spec.subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`;
  return [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    `${podIp}\t${domain ? `${domain}\t` : ""}${hostname}`,
    ...extra,
    "",
  ].join("\n");
}

const USERS = [
  ["root", 0, "/root", "/bin/bash"],
  ["daemon", 1, "/usr/sbin", "/usr/sbin/nologin"],
  ["www-data", 33, "/var/www", "/usr/sbin/nologin"],
  ["istio-proxy", 1337, "/home/istio-proxy", "/bin/sh"],
  ["linkerd-proxy", 2102, "/", "/bin/sh"],
  ["nobody", 65534, "/nonexistent", "/usr/sbin/nologin"],
] as const;

/** `/etc/passwd`, `/etc/group` and friends, with an entry for the container's own user. */
export function accountFiles(identity: Identity): ReadonlyMap<string, string> {
  const known = USERS.some(([, uid]) => uid === identity.uid);
  const users = USERS.map(([name, uid, home, shell]) => `${name}:x:${uid}:${uid}:${name}:${home}:${shell}`);
  if (!known) users.push(`user${identity.uid}:x:${identity.uid}:${identity.gid}::/:/bin/sh`);
  const groups = [
    ...USERS.map(([name, uid]) => `${uid === 65534 ? "nogroup" : name}:x:${uid}:`),
    "tty:x:5:",
    "users:x:100:",
  ];
  const extra = [identity.gid, ...identity.groups].filter(
    (gid) => !groups.some((line) => line.split(":")[2] === String(gid)),
  );
  for (const gid of new Set(extra)) groups.push(`group${gid}:x:${gid}:`);
  return new Map([
    ["/etc/passwd", `${users.join("\n")}\n`],
    ["/etc/group", `${groups.join("\n")}\n`],
    [
      "/etc/nsswitch.conf",
      "passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n",
    ],
    ["/etc/os-release", 'PRETTY_NAME="Heddle embedded cluster"\nNAME="Heddle"\nID=heddle\n'],
  ]);
}

/** `HOME` of a user. Source: container runtimes take it from the image's passwd; `/` for an unknown user. */
export const homeOf = (uid: number): string => USERS.find(([, id]) => id === uid)?.[2] ?? "/";
