import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, freePort, startChild, waitForPort } from "../measure/child.ts";
import type { WorkloadFiles } from "./certificates.ts";
import { sidecarBootstrap } from "./proxy-config.ts";

/** One way from the client to the application. */
export interface Variant {
  readonly name: string;
  /** Where the client connects to. */
  readonly port: number;
  /** The proxies whose use is counted; none without a proxy. */
  readonly proxies: readonly Child[];
}

export interface VariantPlan {
  readonly name: string;
  /** The command of a proxy that reads the given bootstrap. */
  command(bootstrapPath: string): readonly string[];
  readonly istioStats: boolean;
}

export interface PairSurroundings {
  readonly folder: string;
  readonly appPort: number;
  readonly between: "h1" | "h2";
  /** Processors for the proxies. */
  readonly cpus: string | undefined;
  readonly client: WorkloadFiles;
  readonly server: WorkloadFiles;
}

/** Starts both sidecars of a pair. Errors: throws with what the proxy said when it does not listen in time. */
export async function startPair(plan: VariantPlan, around: PairSurroundings): Promise<Variant> {
  const inboundPort = freePort();
  const outboundPort = freePort();
  const start = (role: "client" | "server", listenPort: number, targetPort: number) => {
    const path = join(around.folder, `${plan.name}-${role}.json`);
    const [own, peer] = role === "client" ? [around.client, around.server] : [around.server, around.client];
    const config = sidecarBootstrap({
      role,
      listenPort,
      targetPort,
      adminPort: freePort(),
      own,
      peer,
      between: around.between,
      istioStats: plan.istioStats,
    });
    writeFileSync(path, JSON.stringify(config, null, 1));
    return startChild({ argv: plan.command(path), cpus: around.cpus });
  };
  const server = start("server", inboundPort, around.appPort);
  const client = start("client", outboundPort, inboundPort);
  const proxies = [client, server];
  try {
    await waitForPort(inboundPort, server);
    await waitForPort(outboundPort, client);
  } catch (error) {
    await Promise.all(proxies.map((child) => child.stop()));
    throw error;
  }
  return { name: plan.name, port: outboundPort, proxies };
}
