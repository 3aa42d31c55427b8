import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@heddle/std/free-ports";
import { type Child, startChild, waitForPort } from "../measure/child.ts";

/** A control plane under test. */
export interface Plane {
  readonly port: number;
  readonly pid: number;
  readonly child: Child;
  close(): Promise<void>;
}

export interface PlaneOptions {
  readonly kubeconfig: string;
  readonly cpus: string | undefined;
  /** Folder for a processor profile of ours. */
  readonly profile?: string | undefined;
}

export type PlaneName = "heddle" | "istiod";

const ROOT = join(import.meta.dirname, "../../..");

/** istiod's program: `HEDDLE_PILOT_DISCOVERY`, or `pilot-discovery` on PATH. */
export function findIstiod(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = env["HEDDLE_PILOT_DISCOVERY"];
  if (named !== undefined && named !== "") {
    if (!existsSync(named)) throw new Error(`HEDDLE_PILOT_DISCOVERY names ${named}, which is not there`);
    return named;
  }
  return Bun.which("pilot-discovery") ?? undefined;
}

/** Both run with their defaults, apart from ports; nothing listens beyond this machine. */
export async function startPlane(name: PlaneName, program: string, options: PlaneOptions): Promise<Plane> {
  const folder = mkdtempSync(join(tmpdir(), `bench-${name}-`));
  const port = freePort();
  const local = (): string => `127.0.0.1:${freePort()}`;
  const flags = [
    "discovery",
    `--kubeconfig=${options.kubeconfig}`,
    `--grpcAddr=127.0.0.1:${port}`,
    `--httpAddr=${local()}`,
    `--monitoringAddr=${local()}`,
    // Many proxies in one process answer late on a busy machine, and would be hung up on.
    "--keepaliveTimeout=120s",
  ];
  const profiling =
    options.profile === undefined
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`, "--cpu-prof-name=control-plane.cpuprofile"];
  const argv =
    name === "heddle"
      ? [
          process.execPath,
          ...profiling,
          program,
          ...flags,
          "--secureGRPCAddr=",
          "--httpsAddr=",
          "--log_output_level=warn",
        ]
      : [
          program,
          ...flags,
          `--secureGRPCAddr=${local()}`,
          `--httpsAddr=${local()}`,
          "--ctrlz_port=0",
          "--log_output_level=default:warn",
        ];
  const child = startChild({
    argv,
    cpus: options.cpus,
    env: {
      POD_NAMESPACE: "istio-system",
      POD_NAME: `bench-${name}`,
      TMPDIR: folder,
      HEDDLE_DRAIN: "100ms",
      // istiod admits 20 streams a second on one processor and makes the others come back; lifted, so that both serve as fast as they can.
      PILOT_MAX_REQUESTS_PER_SECOND: "100000",
    },
  });
  const close = async (): Promise<void> => {
    await child.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await waitForPort(port, child, 60_000);
    return { port, pid: child.pid, child, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** This clone's control plane, or another clone's. */
export const heddleProgram = (base: string | undefined): string => join(base ?? ROOT, "packages/cli/src/main.ts");
