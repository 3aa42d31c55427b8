import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { eventually } from "./eventually.ts";

/** A proxy that a test started: ours, or the real Envoy. */
export interface ProxyProcess {
  readonly adminPort: number;
  readonly pid: number;
  /** Everything it said on stderr, the last 16 KiB. */
  log(): string;
  admin(path: string, init?: RequestInit): Promise<Response>;
  signal(name: "SIGTERM" | "SIGINT" | "SIGKILL"): void;
  readonly exited: Promise<number>;
  stop(): Promise<void>;
}

export interface ProxyPlan {
  readonly engine: "heddle" | "envoy";
  /** A bootstrap without its admin address. */
  readonly bootstrap: Readonly<Record<string, unknown>>;
  readonly adminPort: number;
  readonly args?: readonly string[];
  /** Variables of its environment beside our own. */
  readonly env?: Readonly<Record<string, string>>;
}

const TAIL_BYTES = 16_384;

/** The Envoy that the test runner found, or undefined. */
export function envoyPath(): string | undefined {
  return process.env["HEDDLE_ENVOY"] || Bun.which("envoy") || undefined;
}

/** Starts a proxy and waits until it is ready. Errors: throws with what it said. */
export async function startProxy(plan: ProxyPlan): Promise<ProxyProcess> {
  const folder = mkdtempSync(join(tmpdir(), "heddle-proxy-test-"));
  const path = join(folder, "bootstrap.json");
  const admin = { address: { socket_address: { address: "127.0.0.1", port_value: plan.adminPort } } };
  writeFileSync(path, JSON.stringify({ ...plan.bootstrap, admin }, null, 1));
  const envoy = envoyPath() ?? "envoy";
  const argv =
    plan.engine === "heddle"
      ? [process.execPath, resolve(import.meta.dir, "run-proxy.ts"), "-c", path, ...(plan.args ?? [])]
      : [
          envoy,
          "-c",
          path,
          "--concurrency",
          "1",
          "--use-dynamic-base-id",
          "--log-level",
          "error",
          ...(plan.args ?? []),
        ];
  const env = { ...process.env, ...plan.env };
  const child = Bun.spawn(argv, { stdin: "ignore", stdout: "ignore", stderr: "pipe", env });
  let tail = "";
  void (async () => {
    for await (const chunk of child.stderr) tail = (tail + Buffer.from(chunk).toString()).slice(-TAIL_BYTES);
  })();
  const call = (target: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${plan.adminPort}${target}`, { ...init, signal: AbortSignal.timeout(20_000) });
  const stop = async () => {
    if (child.exitCode === null) child.kill("SIGKILL");
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually(`${plan.engine} ready`, async () => {
      if (child.exitCode !== null) return true;
      return (await call("/ready")).ok;
    });
    if (child.exitCode !== null) throw new Error(`${plan.engine} ended with ${child.exitCode}`);
  } catch (error) {
    await stop();
    throw new Error(`${error instanceof Error ? error.message : String(error)}; it said: ${tail}`);
  }
  return {
    adminPort: plan.adminPort,
    pid: child.pid,
    log: () => tail,
    admin: call,
    signal: (name) => void child.kill(name),
    exited: child.exited,
    stop,
  };
}
