import type { KubeClient } from "@heddle/kube-client";
import { UsageError } from "../context.ts";
import { createDashboardServer } from "./dashboard-server.ts";

/** A dashboard that is open on this machine. */
export interface LocalDashboard {
  readonly url: string;
  close(): Promise<void>;
}

/** Opens the dashboard at `address`, on `port` or, where that is taken, a free one. Errors: UsageError for an address that isn't ours. */
export async function openDashboard(kube: KubeClient, address: string, port: number): Promise<LocalDashboard> {
  const { loadDashboard } = await import("@heddle/dashboard");
  const { page } = await loadDashboard();
  const hosts = new Set(["localhost", "127.0.0.1", "[::1]", address]);
  const server = listen(address, port, createDashboardServer({ kube, hosts, page }));
  return { url: `http://${address}:${server.port}/`, close: () => server.stop(true) };
}

function listen(hostname: string, wanted: number, fetch: (request: Request) => Promise<Response>) {
  const serve = (port: number) => Bun.serve({ hostname, port, development: false, idleTimeout: 60, fetch });
  try {
    return serve(wanted);
  } catch (error) {
    const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    if (!taken) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(`--address ${hostname}: can't listen there (${reason}); use an address of this machine`);
    }
    return serve(0);
  }
}
