import { join } from "node:path";
import type { Dialect } from "./discovery-messages.ts";

export type FleetCommand =
  | { readonly do: "join"; readonly from: number; readonly count: number; readonly limitMs: number }
  | { readonly do: "expect"; readonly marker: string }
  | { readonly do: "seen"; readonly quietMs: number; readonly limitMs: number }
  | { readonly do: "quiet"; readonly quietMs: number }
  | { readonly do: "leave"; readonly keep: number };

export interface FleetAnswer {
  /** When each proxy had what was waited for. Units: ms since 1970. */
  readonly times: readonly number[];
  readonly startedAt: number;
  /** Received while the command ran. */
  readonly bytes: number;
  readonly responses: number;
}

/** The process with the simulated proxies. */
export interface Fleet {
  run(command: FleetCommand): Promise<FleetAnswer>;
  readonly pid: number;
  close(): Promise<void>;
}

export function startFleet(port: number, dialect: Dialect, cpus: string | undefined): Fleet {
  const pinned = cpus === undefined ? [] : ["taskset", "-c", cpus];
  const program = join(import.meta.dirname, "fleet-process.ts");
  const child = Bun.spawn([...pinned, process.execPath, program, String(port), dialect], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  let buffered = "";
  const line = async (): Promise<string> => {
    for (;;) {
      const end = buffered.indexOf("\n");
      if (end >= 0) {
        const one = buffered.slice(0, end);
        buffered = buffered.slice(end + 1);
        return one;
      }
      const { value, done } = await reader.read();
      if (done) throw new Error("the simulated proxies' process ended");
      buffered += Buffer.from(value).toString();
    }
  };
  return {
    pid: child.pid,
    async run(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      child.stdin.flush();
      const answer: unknown = JSON.parse(await line());
      if (typeof answer === "object" && answer !== null && "error" in answer) throw new Error(String(answer.error));
      return answer as FleetAnswer;
    },
    async close() {
      child.kill();
      await child.exited;
    },
  };
}
