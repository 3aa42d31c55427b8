import { type Counters, serveCounters } from "./counters.ts";
import { type Env, log, portOf } from "./program.ts";

/** Not in the manifest: reached by `kubectl port-forward`, never from another pod. */
const DEFAULT_PORT = "8802";

/** Serves a program's counters on the loopback address; a port that is taken is no reason not to run. */
export async function serveLocalCounters(
  counters: Counters,
  env: Env,
): Promise<Awaited<ReturnType<typeof serveCounters>> | undefined> {
  const text = env["PROM_PORT"] ?? DEFAULT_PORT;
  if (text === "") return undefined;
  try {
    return await serveCounters(counters, { host: "127.0.0.1", port: portOf("PROM_PORT", text) });
  } catch (error) {
    log(`no metrics on 127.0.0.1:${text}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
