import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Child } from "./child.ts";

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A benchmark that the command line can ask for. */
export interface Benchmark<O extends { readonly help: boolean }> {
  readonly name: string;
  readonly help: string;
  /** Gives a sentence, or throws, where the command line is wrong. */
  readOptions(argv: readonly string[]): O | string;
  /** Gives the exit code. */
  run(options: O): Promise<number>;
}

/** The command of a benchmark. Errors: a sentence; exit code 2 when the command line is wrong, 1 when the run failed. */
export function benchCommand<O extends { readonly help: boolean }>(
  benchmark: Benchmark<O>,
): (argv: readonly string[]) => Promise<number> {
  const { name, help } = benchmark;
  const read = (argv: readonly string[]): O | string => {
    try {
      return benchmark.readOptions(argv);
    } catch (error) {
      return said(error);
    }
  };
  return async (argv) => {
    const options = read(argv);
    if (typeof options === "string") {
      console.error(`${options}\n\n${help}`);
      return 2;
    }
    if (options.help) {
      console.log(help);
      return 0;
    }
    try {
      return await benchmark.run(options);
    } catch (error) {
      console.error(`bench ${name}: ${said(error)}`);
      return 1;
    }
  };
}

/** What a run has to itself; gone when it is over, however it ends. */
export interface Stage {
  /** For configuration files and certificates. */
  readonly folder: string;
  /** Processes to be stopped. */
  readonly children: Child[];
}

export async function onStage<T>(run: (stage: Stage) => Promise<T>): Promise<T> {
  const stage: Stage = { folder: mkdtempSync(join(tmpdir(), "heddle-bench-")), children: [] };
  try {
    return await run(stage);
  } finally {
    await Promise.all(stage.children.map((child) => child.stop()));
    rmSync(stage.folder, { recursive: true, force: true });
  }
}
