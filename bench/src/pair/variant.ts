import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@heddle/std/free-ports";
import type { LoadTarget } from "../compare/load.ts";
import { type Child, startChild, waitForPort } from "../measure/child.ts";
import type { WorkloadFiles } from "./certificates.ts";
import { type SidecarExtras, sidecarBootstrap } from "./proxy-config.ts";

/** One way from the client to the application, through two sidecars. */
export interface Variant extends LoadTarget {
  /** Where the server's sidecar takes mTLS. */
  readonly inboundPort: number;
  /** Admin endpoints of client and server sidecar. */
  readonly adminPorts: readonly number[];
  /** From the start of both processes until both listened. Units: ms. */
  readonly startMs: number;
}

export interface VariantPlan {
  readonly name: string;
  /** The command of a proxy that reads the given bootstrap. */
  command(bootstrapPath: string): readonly string[];
  readonly istioStats: boolean;
  /** What its proxies have beside the rest. */
  readonly extras?: SidecarExtras;
}

export interface PairSurroundings {
  readonly folder: string;
  readonly appPort: number;
  readonly protocol: "http" | "tcp";
  readonly between: "h1" | "h2";
  /** The application behind the server's sidecar speaks HTTP/2. */
  readonly appHttp2: boolean;
  /** Processors for the proxies. */
  readonly cpus: string | undefined;
  readonly client: WorkloadFiles;
  readonly server: WorkloadFiles;
}

/** Starts both sidecars of a pair. Errors: throws with what the proxy said when it does not listen in time. */
export async function startPair(plan: VariantPlan, around: PairSurroundings): Promise<Variant> {
  const inboundPort = freePort();
  const outboundPort = freePort();
  const adminPorts = [freePort(), freePort()] as const;
  const start = (role: "client" | "server", listenPort: number, targetPort: number) => {
    const path = join(around.folder, `${plan.name}-${role}.json`);
    const [own, peer] = role === "client" ? [around.client, around.server] : [around.server, around.client];
    const config = sidecarBootstrap({
      role,
      protocol: around.protocol,
      secure: true,
      listenPort,
      targetPort,
      adminPort: adminPorts[role === "client" ? 0 : 1],
      own,
      peer,
      upstreamHttp2: role === "client" ? around.between === "h2" : around.appHttp2,
      istioStats: plan.istioStats,
      ...(plan.extras === undefined ? {} : { extras: plan.extras }),
    });
    writeFileSync(path, JSON.stringify(config, null, 1));
    return startChild({ argv: plan.command(path), cpus: around.cpus });
  };
  const beganMs = performance.now();
  const server = start("server", inboundPort, around.appPort);
  const client = start("client", outboundPort, inboundPort);
  const proxies: readonly Child[] = [client, server];
  try {
    await waitForPort(inboundPort, server);
    await waitForPort(outboundPort, client);
  } catch (error) {
    await Promise.all(proxies.map((child) => child.stop()));
    throw error;
  }
  const startMs = performance.now() - beganMs;
  return { name: plan.name, port: outboundPort, proxies, inboundPort, adminPorts, startMs };
}

/** Starts one proxy alone: `client` with plain text on both sides, or `server` with mTLS towards its clients. */
export async function startHop(
  plan: VariantPlan,
  role: "client" | "server",
  around: Omit<PairSurroundings, "between" | "appHttp2">,
): Promise<LoadTarget> {
  const port = freePort();
  const path = join(around.folder, `${plan.name}-${role}-hop.json`);
  const [own, peer] = role === "client" ? [around.client, around.server] : [around.server, around.client];
  const config = sidecarBootstrap({
    role,
    protocol: around.protocol,
    secure: role === "server",
    listenPort: port,
    targetPort: around.appPort,
    adminPort: freePort(),
    own,
    peer,
    upstreamHttp2: false,
    istioStats: plan.istioStats,
  });
  writeFileSync(path, JSON.stringify(config, null, 1));
  const proxy = startChild({ argv: plan.command(path), cpus: around.cpus });
  try {
    await waitForPort(port, proxy);
  } catch (error) {
    await proxy.stop();
    throw error;
  }
  return { name: plan.name, port, proxies: [proxy] };
}
