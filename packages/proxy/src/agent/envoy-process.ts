import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@heddle/std";
import { ADMIN_PORT } from "./envoy-bootstrap.ts";

/** A running Envoy. */
export interface EnvoyProcess {
  /** Exit code, when it ends by itself or is stopped. */
  readonly exited: Promise<number>;
  /** GET on its admin interface; undefined when it does not answer. */
  admin(path: string, method?: "GET" | "POST"): Promise<{ readonly status: number; readonly text: string } | undefined>;
  stop(): void;
}

export interface EnvoyOptions {
  /** Program name or path. */
  readonly program: string;
  readonly bootstrap: unknown;
  readonly folder: string;
  readonly concurrency: number;
  readonly logLevel: string;
  readonly componentLogLevel: string;
  readonly log: Logger;
}

const ADMIN_TIMEOUT_MS = 3000;

/** Writes the bootstrap and runs Envoy with it. Errors: the program cannot be started; the sentence says how to get it. */
export async function runEnvoy(options: EnvoyOptions): Promise<EnvoyProcess> {
  const program = Bun.which(options.program) ?? undefined;
  if (program === undefined) {
    throw new Error(`${options.program} is not on the image's PATH; use an image that has it (heddle/heddle-envoy)`);
  }
  const file = join(options.folder, "envoy.json");
  await writeFile(`${file}.new`, JSON.stringify(options.bootstrap));
  await rename(`${file}.new`, file);
  const child = Bun.spawn(
    [
      program,
      "-c",
      file,
      "--concurrency",
      String(options.concurrency),
      "--log-level",
      options.logLevel,
      ...(options.componentLogLevel === "" ? [] : ["--component-log-level", options.componentLogLevel]),
      "--disable-hot-restart",
      "--drain-time-s",
      "45",
    ],
    { stdin: "ignore", stdout: "inherit", stderr: "inherit" },
  );
  options.log.info("Envoy started", { pid: child.pid });
  return {
    exited: child.exited,
    async admin(path, method = "GET") {
      try {
        const response = await fetch(`http://127.0.0.1:${ADMIN_PORT}${path}`, {
          method,
          signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS),
        });
        return { status: response.status, text: await response.text() };
      } catch {
        return undefined;
      }
    },
    stop: () => child.kill("SIGTERM"),
  };
}
