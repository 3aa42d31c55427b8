import { type Clock, createLineSink, createLogger, createSystemClock, type Logger, parseLogLevel } from "@heddle/std";
import { readAgentOptions } from "./agent/agent-options.ts";
import { withoutDnsCapture } from "./agent/dns-capture.ts";
import { openLogFile } from "./log-file.ts";
import { readMachine } from "./machine.ts";
import { createMemoryReadings } from "./overload/memory-readings.ts";
import type { RoleDeps } from "./role.ts";
import {
  type ComponentLevels,
  readComponentLevels,
  readStaticFlags,
  setComponentLevels,
  staticUsage,
} from "./static-flags.ts";
import { forgetUnusedCode } from "./transport/executable-pages.ts";
import { createKernel } from "./transport/kernel.ts";
import type { ResolveHost } from "./upstream/dns-watch.ts";
import { chooseConcurrency } from "./workers/concurrency.ts";
import { ALONE } from "./workers/fleet.ts";
import { createSpawn, workerCommand } from "./workers/spawn-worker.ts";
import type { StartFleet } from "./workers/worker-pool.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Version that peers, the control plane and `/server_info` see. */
const VERSION = "0.1.0";

const USAGE = `heddle proxy sidecar|router [--domain DOMAIN] [--proxyLogLevel LEVEL]
heddle proxy wait [--timeoutSeconds N] [--periodMillis N]
heddle proxy request METHOD PATH [BODY] [--debug-port 15000|15020|15021]
heddle proxy -c FILE [FLAG…]     FILE is an Envoy bootstrap, v3 or v2, in YAML or JSON; heddle proxy --help lists the flags
`;

/** The data plane as a process. Gives the exit code. */
export async function main(argv: readonly string[], env: Env): Promise<number> {
  const flag = (...names: string[]): string | undefined => readFlag(argv, names);
  const said = whatIsAsked(argv);
  if (said !== undefined) {
    process.stdout.write(said);
    return 0;
  }
  const askedLevel = flag("--proxyLogLevel", "-l", "--log-level") ?? "info";
  const level = parseLogLevel(askedLevel);
  const clock = createSystemClock();
  const format = env["LOG_AS_JSON"] === "true" ? "json" : "text";
  const logPath = flag("--log-path") ?? "";
  const target = openLogFile(logPath, (line) => void process.stderr.write(line));
  const log = createLogger({
    clock,
    level: level ?? "info",
    scope: "proxy",
    sink: createLineSink(format, (line) => (target.ok ? target.value.write(line) : void process.stderr.write(line))),
  });
  surviveBugs(log);
  if (!target.ok) {
    log.error(target.error);
    return 1;
  }
  const reopenLog = () => target.value.reopen();
  // From now on: until logs can be written anew there is nothing to do, but the signal must not end the process.
  process.on("SIGUSR1", reopenLog);
  const componentLevels = flag("--component-log-level") ?? "";
  const parts = readComponentLevels(componentLevels);
  if (!parts.ok) {
    log.error(parts.error);
    return 1;
  }
  setComponentLevels(log, parts.value);
  const fromBootstrap = [flag("-c", "--config-path"), flag("--config-yaml")].some((text) => text !== undefined);
  if (level === undefined) {
    const known = "trace, debug, info, warning, error, critical and off";
    const text = `the log level ${JSON.stringify(askedLevel)} is unknown; the levels are ${known}`;
    // A pod must not fail for the words of its annotation, which may be Linkerd's.
    if (fromBootstrap) {
      log.error(text);
      return 1;
    }
    log.warn(`${text}; info is used`);
  }
  if (argv[0] !== "wait" && argv[0] !== "request") forgetUnusedCode(clock);
  const role = roleDeps(clock, log, env, reopenLog);
  if (argv[0] === "worker") return runAsWorker(role, parts.value);
  const machine = readMachine();
  const startFleet: StartFleet = async (concurrency, surroundings) => {
    if (concurrency <= 1) return ALONE;
    const { createWorkerPool } = await import("./workers/worker-pool.ts");
    const logging = ["--log-level", level ?? "info", "--log-path", logPath, "--component-log-level", componentLevels];
    const spawn = createSpawn(workerCommand(process.execPath, process.argv, argv, logging));
    return createWorkerPool({ ...surroundings, concurrency, clock, log, random: Math.random, spawn });
  };
  const common = {
    ...role,
    mark: Number(env["HEDDLE_PROXY_MARK"] ?? 0) || undefined,
    version: VERSION,
    startFleet,
    stop: untilSignalled(),
    onReopenLogs: (run: () => void) => void process.on("SIGUSR1", run),
  };
  if (fromBootstrap) {
    const flags = readStaticFlags(argv);
    const concurrency = flags.ok ? chooseConcurrency(flags.value.concurrency, machine) : flags;
    if (!flags.ok || !concurrency.ok) {
      log.error(flags.ok ? (concurrency.ok ? "" : concurrency.error) : flags.error);
      return 1;
    }
    const { runStaticProxy } = await import("./static-proxy.ts");
    return runStaticProxy({
      ...common,
      ...flags.value,
      concurrency: concurrency.value,
      print: (line) => process.stdout.write(line),
      complain: (text) => process.stderr.write(text),
    });
  }
  if (argv[0] === "wait") {
    const { readWaitOptions, waitReady } = await import("./agent/wait-ready.ts");
    const reason = await waitReady(readWaitOptions(flag), clock);
    if (reason !== undefined) log.error(reason);
    return reason === undefined ? 0 : 1;
  }
  if (argv[0] === "request") {
    const { readAdminRequest, requestAdmin } = await import("./agent/request-admin.ts");
    const asked = readAdminRequest(argv.slice(1), flag);
    const reason =
      typeof asked === "string" ? asked : await requestAdmin(asked, (bytes) => void process.stdout.write(bytes));
    if (reason !== undefined) log.error(reason);
    return reason === undefined ? 0 : 1;
  }
  if (argv[0] !== "sidecar" && argv[0] !== "router") {
    process.stderr.write(USAGE);
    return 2;
  }
  const { options: read, problems } = readAgentOptions(argv, env);
  const options = common.mark === undefined ? read : withoutDnsCapture(read);
  if (problems.length > 0) {
    for (const problem of problems) log.error(`${problem.path} ${problem.reason}`);
    return 1;
  }
  if (options.meta["GENERATOR"] === "grpc") {
    const { runGrpcAgent } = await import("./agent/grpc-agent.ts");
    return runGrpcAgent({ ...common, options, env });
  }
  const concurrency = chooseConcurrency(flag("--concurrency") ?? options.concurrency, machine);
  if (!concurrency.ok) {
    log.error(`PROXY_CONFIG or --concurrency: ${concurrency.error}`);
    return 1;
  }
  if (options.dataPlane === "envoy") {
    const { runEnvoySidecar } = await import("./agent/envoy-sidecar.ts");
    return runEnvoySidecar({
      ...common,
      options,
      concurrency: concurrency.value,
      logLevel: flag("--proxyLogLevel") ?? "warning",
      componentLogLevel: flag("--proxyComponentLogLevel") ?? "",
      env,
    });
  }
  const { runSidecar } = await import("./sidecar.ts");
  return runSidecar({ ...common, options, concurrency: concurrency.value, memoryLimitBytes: machine.memoryLimitBytes });
}

/** What is printed in place of serving. */
function whatIsAsked(argv: readonly string[]): string | undefined {
  if (argv.includes("--help") || argv.includes("-h")) return `${USAGE}\n${staticUsage()}`;
  if (argv.includes("--version")) return `heddle proxy ${VERSION}\n`;
  return argv.includes("--hot-restart-version") ? "disabled\n" : undefined;
}

/** `--name value` or `--name=value`. */
function readFlag(argv: readonly string[], names: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    for (const name of names) {
      if (word === name) return argv[i + 1] ?? "";
      if (word.startsWith(`${name}=`)) return word.slice(name.length + 1);
    }
  }
  return undefined;
}

function roleDeps(clock: Clock, log: Logger, env: Env, reopenLog: () => void): RoleDeps {
  return {
    clock,
    log,
    reopenLog,
    kernel: createKernel(),
    memory: createMemoryReadings(),
    random: Math.random,
    uuid: () => crypto.randomUUID(),
    resolve: resolveWithSystem,
    variable: (name) => env[name],
  };
}

/** A data plane that the process which started us configures. Signals go to a whole group; only that process acts on them. */
async function runAsWorker(role: RoleDeps, componentLevels: ComponentLevels): Promise<number> {
  const { openChannel } = await import("./workers/spawn-worker.ts");
  const channel = openChannel();
  if (channel === undefined) {
    role.log.error("heddle proxy worker is started by heddle proxy --concurrency only; use that");
    return 2;
  }
  process.on("SIGTERM", () => undefined);
  process.on("SIGINT", () => undefined);
  const { runWorker } = await import("./workers/run-worker.ts");
  const code = await runWorker({ channel, componentLevels, ...role });
  // The channel and timers of connections that were cut would keep the process.
  process.exit(code);
}

/** A bug in the handling of one connection must not end the others. */
function surviveBugs(log: Logger): void {
  process.on("uncaughtException", (error: Error) =>
    log.error("bug: an exception reached the event loop", { stack: error.stack ?? error.message }),
  );
  process.on("unhandledRejection", (reason: unknown) => {
    log.error("bug: a promise failed unseen", {
      stack: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason),
    });
  });
}

const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    const asked = () => {
      // A second signal, whichever of them, ends the process at once.
      for (const signal of STOP_SIGNALS) process.off(signal, asked);
      resolve();
    };
    for (const signal of STOP_SIGNALS) process.on(signal, asked);
  });
}

const resolveWithSystem: ResolveHost = async (name, family) => {
  // Loaded when a name is asked for: most proxies get numeric addresses.
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(name, { all: true, family: family === "v4" ? 4 : family === "v6" ? 6 : 0 });
  return found.map((item) => item.address);
};
