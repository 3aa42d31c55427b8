import { createLineSink, createLogger, createSystemClock } from "@heddle/std";
import { runNode } from "./node/run-node.ts";
import { NODE_CONFIG_VARIABLE, type NodeConfig } from "./supervisor/node-link.ts";
import { createNodeSide } from "./supervisor/node-side.ts";

/**
 * The node process: everything of one cluster, inside its own namespaces. Standard input and output are the link to the host process,
 * standard error is `node.log`. When it ends, the kernel ends whatever it started.
 */
function readConfig(): NodeConfig {
  const text = process.env[NODE_CONFIG_VARIABLE];
  if (text === undefined) throw new Error(`${NODE_CONFIG_VARIABLE} is not set; heddle local up starts this program`);
  delete process.env[NODE_CONFIG_VARIABLE];
  return JSON.parse(text) as NodeConfig;
}

const STOP_MS = 3000;
const clock = createSystemClock();
const log = createLogger({ clock, sink: createLineSink("text", (line) => process.stderr.write(line)), scope: "node" });
const host = createNodeSide(process.stdin, process.stdout);

process.on("uncaughtException", (error) =>
  log.error("uncaught error", { error: String(error), stack: error.stack ?? "" }),
);
process.on("unhandledRejection", (reason) => {
  log.error("unhandled rejection", {
    error: String(reason),
    stack: reason instanceof Error ? (reason.stack ?? "") : "",
  });
});

try {
  const node = await runNode({ config: readConfig(), host, log, clock, env: process.env });
  host.onStop(() => {
    setTimeout(() => process.exit(0), STOP_MS);
    void node.close().finally(() => process.exit(0));
  });
} catch (error) {
  log.error("the node could not start", {
    error: String(error),
    stack: error instanceof Error ? (error.stack ?? "") : "",
  });
  host.failed(error instanceof Error ? error.message : String(error));
  // The message must leave before the process does.
  setTimeout(() => process.exit(1), 50);
}
