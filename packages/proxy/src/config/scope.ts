/** One thing wrong in a configuration resource. */
export interface ConfigProblem {
  /** Field path in the resource, proto names: `filter_chains[0].filters[1].typed_config.route_config`. */
  readonly path: string;
  /** What is wrong, and what would be right. */
  readonly reason: string;
}

/** A place inside a resource that is being decoded; collects every problem instead of stopping at the first. */
export interface DecodeScope {
  readonly path: string;
  field(name: string): DecodeScope;
  item(index: number | string): DecodeScope;
  problem(reason: string): void;
  readonly problems: readonly ConfigProblem[];
}

class Scope implements DecodeScope {
  readonly path: string;
  readonly problems: ConfigProblem[];

  constructor(path: string, problems: ConfigProblem[]) {
    this.path = path;
    this.problems = problems;
  }

  field(name: string): DecodeScope {
    return new Scope(this.path === "" ? name : `${this.path}.${name}`, this.problems);
  }

  item(index: number | string): DecodeScope {
    return new Scope(`${this.path}[${index}]`, this.problems);
  }

  problem(reason: string): void {
    this.problems.push({ path: this.path, reason });
  }
}

/** The root of one resource. */
export function createScope(path = ""): DecodeScope {
  return new Scope(path, []);
}

/** All problems in one line, for a NACK. */
export function problemText(problems: readonly ConfigProblem[]): string {
  return problems.map((p) => (p.path === "" ? p.reason : `${p.path}: ${p.reason}`)).join("; ");
}
