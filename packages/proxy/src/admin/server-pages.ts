import type { JsonObject } from "@bufbuild/protobuf";
import type { Fleet } from "../workers/fleet.ts";
import { fleetMemory } from "../workers/fleet-pages.ts";
import type { AdminDeps } from "./admin-server.ts";
import { jsonAnswer, textAnswer } from "./answer.ts";

/** `/ready`. `reason`: why it is not. */
export function readiness(reason: string | undefined): Response {
  return reason === undefined ? textAnswer("LIVE\n") : textAnswer(`PRE_INITIALIZING: ${reason}\n`, 503);
}

/** `/init_dump`. Source: `envoy.admin.v3.UnreadyTargetsDumps`. */
export function initDump(reason: string | undefined): JsonObject {
  return reason === undefined
    ? {}
    : { unready_targets_dumps: [{ name: "init manager Server", target_names: [reason] }] };
}

/** `/memory`. Source: `envoy.admin.v3.Memory`. */
export async function memoryPage(fleet: Fleet): Promise<Response> {
  const usage = await fleetMemory(process.memoryUsage(), fleet);
  return jsonAnswer({
    allocated: String(usage.heapUsed),
    heap_size: String(usage.heapTotal),
    total_physical_bytes: String(usage.rss),
  });
}

/** `/server_info`. Source: `envoy.admin.v3.ServerInfo`. */
export function serverInfo(deps: AdminDeps, failed: boolean): JsonObject {
  const uptime = `${Math.trunc((deps.now() - deps.startedMs) / 1000)}s`;
  return {
    version: `heddle/${deps.version}/Clean/RELEASE/Bun`,
    state: failed ? "DRAINING" : deps.notReady() === undefined ? "LIVE" : "PRE_INITIALIZING",
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: "disabled",
    command_line_options: {
      base_id: "0",
      concurrency: deps.fleet.concurrency,
      service_node: deps.node.id,
      service_cluster: deps.node.cluster,
      ...deps.commandLine,
    },
    node: { ...deps.node },
  };
}
