import { expect, test } from "bun:test";
import { createLogger, createManualClock } from "@heddle/std";
import { loggingPage } from "../admin/logging-page.ts";
import type { WorkerCommand, WorkerMessage } from "./messages.ts";
import { createWorkerPool, type WorkerPoolDeps } from "./worker-pool.ts";

test("a worker that takes another's place has the levels of the log that operators set", () => {
  const clock = createManualClock();
  const newLog = () => createLogger({ clock, level: "info", scope: "proxy", sink: () => undefined });
  const log = newLog();
  for (const part of ["http", "upstream", "xds"]) log.child(part);
  const sent: WorkerCommand[] = [];
  let tell: (message: WorkerMessage) => void = () => undefined;
  let end: (reason: string) => void = () => undefined;
  const pool = createWorkerPool({
    settings: {} as WorkerPoolDeps["settings"],
    identity: () => ({ secrets: [], uri: "" }),
    concurrency: 2,
    clock,
    log,
    random: () => 0.5,
    spawn: (onMessage, onExit) => {
      tell = onMessage;
      end = onExit;
      return { pid: 1, send: (command) => void sent.push(command), kill: () => undefined };
    },
  });
  const queries = () => sent.splice(0).flatMap((command) => (command.kind === "logging" ? [command.query] : []));
  pool.start();
  tell({ kind: "ready" });
  expect(queries()).toEqual([]);
  for (const query of ["?level=warning", "?paths=upstream:debug,xds:off"]) {
    pool.setLogging(query);
    loggingPage(log, new URL(`http://admin/logging${query}`));
  }
  queries();
  end("killed");
  clock.advance(20_000);
  tell({ kind: "ready" });
  const worker = newLog();
  const parts = ["http", "upstream"].map((part) => worker.child("worker-1").child(part));
  for (const query of queries()) loggingPage(worker, new URL(`http://worker/logging${query}`));
  expect(parts.map((part) => (["debug", "info", "warn"] as const).find((level) => part.enabled(level)))).toEqual([
    "warn",
    "debug",
  ]);
});
