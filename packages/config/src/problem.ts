/** One thing that is wrong with a piece of configuration, as a value that travels to status conditions and to the CLI. */
export interface Problem {
  /** Field path inside the object, e.g. `spec.http[0].route[1].weight`; empty for the whole object. */
  readonly path: string;
  /** What is wrong, the likely cause and the next step, as one sentence. */
  readonly reason: string;
  /** The object it was found in, e.g. `VirtualService default/reviews`, or a file name. */
  readonly source: string;
  /** An `error` makes the object unusable; a `warning` does not. */
  readonly severity: "error" | "warning";
}

/** The outcome of reading untrusted configuration: every problem is reported, not only the first. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** One line for people. */
export function formatProblem(problem: Problem): string {
  const where = problem.path === "" ? problem.source : `${problem.source}: ${problem.path}`;
  return `${where}: ${problem.reason}`;
}

/** Collects the problems of one object while its fields are read. */
export interface ProblemSink {
  error(path: string, reason: string): void;
  warn(path: string, reason: string): void;
  readonly problems: readonly Problem[];
  readonly failed: boolean;
}

class Collector implements ProblemSink {
  readonly #source: string;
  readonly #problems: Problem[] = [];
  #failed = false;

  constructor(source: string) {
    this.#source = source;
  }

  error(path: string, reason: string): void {
    this.#failed = true;
    this.#problems.push({ path, reason, source: this.#source, severity: "error" });
  }

  warn(path: string, reason: string): void {
    this.#problems.push({ path, reason, source: this.#source, severity: "warning" });
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  get failed(): boolean {
    return this.#failed;
  }
}

/** @param source The name that every collected problem carries. */
export function createProblemSink(source: string): ProblemSink {
  return new Collector(source);
}

/** Turns a read value and the problems met on the way into a {@link Parsed}. */
export function parsed<T>(value: T | undefined, sink: ProblemSink): Parsed<T> {
  if (sink.failed || value === undefined) return { ok: false, problems: sink.problems };
  return { ok: true, value, warnings: sink.problems };
}
