import { parseArgs } from "node:util";
import { createKubeClient } from "@heddle/kube-client";
import {
  createLineSink,
  createLogger,
  createMetricsRegistry,
  createSystemClock,
  EXPOSITION_CONTENT_TYPE,
  parseLogLevel,
} from "@heddle/std";
import manifest from "../../package.json" with { type: "json" };
import { createAdminServer, text } from "../admin/http-server.ts";
import { startMirrorController } from "./mirror-controller.ts";

const usage = `Usage: heddle service-mirror [flags]

  --namespace NAMESPACE           namespace of Links and their Secrets (default $POD_NAMESPACE, else linkerd-multicluster)
  --enable-headless-services      a mirror for each named pod of a headless Service
  --port PORT                     metrics and readiness (default 9999)
  --kubeconfig FILE               default: the pod's own account
  --log-level LEVEL               debug, info, warning or error (default info)
`;

/** Runs the service mirror (`heddle service-mirror`) until SIGTERM or SIGINT. Returns the exit code. */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const flags = readFlags(argv);
  if (typeof flags === "string") {
    process.stderr.write(`heddle service-mirror: ${flags}\n${usage}`);
    return 2;
  }
  if (flags.help) {
    process.stdout.write(usage);
    return 0;
  }
  const clock = createSystemClock();
  const sink = createLineSink("text", (line) => process.stderr.write(line));
  const log = createLogger({ clock, level: flags.level, sink });
  const userAgent = `heddle-service-mirror/${manifest.version}`;
  const stopped = new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  try {
    const kube = await createKubeClient({
      env,
      clock,
      userAgent,
      ...(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig }),
    });
    const metrics = createMetricsRegistry();
    const namespace = flags.namespace ?? env["POD_NAMESPACE"] ?? "linkerd-multicluster";
    const controller = startMirrorController({
      kube,
      clock,
      random: Math.random,
      log,
      metrics,
      userAgent,
      namespace,
      headless: flags.headless,
    });
    const server = createAdminServer((url) => {
      if (url.pathname === "/metrics") return { status: 200, type: EXPOSITION_CONTENT_TYPE, body: metrics.expose() };
      if (url.pathname === "/ready" || url.pathname === "/ping")
        return controller.ready ? text("ok\n") : text("waiting for the API server's lists\n", 503);
      return undefined;
    }, log);
    await server.listen({ host: "0.0.0.0", port: flags.port });
    log.info("service mirror is running", { namespace, port: flags.port });
    await stopped;
    controller.close();
    server.close();
    return 0;
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

function readFlags(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        namespace: { type: "string" },
        "enable-headless-services": { type: "boolean" },
        port: { type: "string" },
        kubeconfig: { type: "string" },
        "log-level": { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    const port = Number(values.port ?? "9999");
    if (!Number.isInteger(port) || port < 0 || port > 65_535) return `--port ${values.port}: expected 0 to 65535`;
    const level = parseLogLevel(values["log-level"] ?? "info");
    if (level === undefined) return `--log-level ${values["log-level"]}: expected debug, info, warning or error`;
    return {
      help: values.help === true,
      namespace: values.namespace,
      headless: values["enable-headless-services"] === true,
      kubeconfig: values.kubeconfig,
      port,
      level,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
