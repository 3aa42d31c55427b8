import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@heddle/std/free-ports";
import type { LoadTarget } from "../compare/load.ts";
import { startChild, waitForPort } from "../measure/child.ts";
import type { WorkloadFiles } from "../pair/certificates.ts";
import { HAPROXY } from "./haproxy.ts";
import { NGINX } from "./nginx.ts";

/** What a peer that stands alone is told. */
export interface PeerHop {
  readonly folder: string;
  readonly appPort: number;
  readonly cpus: string | undefined;
  /** Its certificate towards clients, who must show one too; undefined: plain text. */
  readonly tls: WorkloadFiles | undefined;
}

/** A reverse proxy of Debian. */
export interface Peer {
  /** Of the program and its package. */
  readonly name: string;
  version(path: string): string;
  /** Writes its configuration into a folder of its own. Gives the arguments that name it. */
  configure(home: string, port: number, hop: PeerHop): readonly string[];
}

const PEERS: readonly Peer[] = [NGINX, HAPROXY];

/** Why its figures are never in the table. */
export const NO_LINKERD =
  "no linkerd2-proxy: no package registry carries its source or its program (release archives and images do), and it does not start without Linkerd's identity, policy and destination services; its figures are left out";

/** A peer that is there. */
export interface FoundPeer {
  readonly peer: Peer;
  readonly path: string;
  readonly version: string;
}

/** Finds the peers; as root they are installed where they are missing. What stays missing is said once, with the way out. */
export function providePeers(progress: (line: string) => void): readonly FoundPeer[] {
  const found: FoundPeer[] = [];
  for (const peer of PEERS) {
    const path = findProgram(peer.name) ?? install(peer.name);
    if (path === undefined) progress(`no ${peer.name}: its figures are left out; apt-get install ${peer.name}`);
    else found.push({ peer, path, version: peer.version(path) });
  }
  return found;
}

function findProgram(name: string): string | undefined {
  return Bun.which(name, { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` }) ?? undefined;
}

function install(name: string): string | undefined {
  if (process.getuid?.() !== 0 || Bun.which("apt-get") === null) return undefined;
  // Packages start their service at once, which would take port 80.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const install = () =>
    spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", name], { env, timeout: 120_000 }).status;
  if (install() !== 0) {
    spawnSync("apt-get", ["update", "-qq"], { env, timeout: 120_000 });
    install();
  }
  return findProgram(name);
}

/** Starts a peer as a contestant. */
export async function startPeer({ peer, path }: FoundPeer, hop: PeerHop): Promise<LoadTarget> {
  const port = freePort();
  const home = join(hop.folder, `${peer.name}-${port}`);
  mkdirSync(home, { recursive: true });
  const proxy = startChild({ argv: [path, ...peer.configure(home, port, hop)], cpus: hop.cpus });
  try {
    await waitForPort(port, proxy);
  } catch (error) {
    await proxy.stop();
    throw error;
  }
  return { name: peer.name, port, proxies: [proxy] };
}
