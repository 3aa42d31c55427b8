/** One command that runs on both clusters. */
export interface Step {
  /** Arguments of kubectl as in a shell: words, and quotes of both kinds; no expansion. `-n truth` is added by the rule below. */
  readonly run: string;
  readonly stdin?: string;
  /** How much it prints depends on how fast a cluster is: only the last line counts. */
  readonly lastLine?: true;
  /** The order of what it prints means nothing. */
  readonly sorted?: true;
  /** The command repeats, up to 20 s, until its output matches: what controllers do takes a moment. */
  readonly until?: RegExp;
  /** Added to kubectl's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it prints stands for `%NAME%` in later steps, for each cluster its own. */
  readonly keep?: string;
  /** Prepares only: what it prints is not compared (but it must succeed). */
  readonly quiet?: true;
}

export interface Chapter {
  readonly steps: readonly Step[];
  /** No step needs or changes what another one does. */
  readonly anyOrder?: true;
}

/** Splits a command line into words. Single and double quotes group; nothing is expanded. */
export function words(line: string): readonly string[] {
  const found: string[] = [];
  for (const [, plain, single, double] of line.matchAll(/((?:[^\s'"]+))|'([^']*)'|"([^"]*)"/g))
    found.push(plain ?? single ?? double ?? "");
  return joinAdjacent(line, found);
}

/** `--x='a b'` is one word: parts with nothing between them belong together. */
function joinAdjacent(line: string, parts: readonly string[]): readonly string[] {
  const joined: string[] = [];
  let at = 0;
  let glued = false;
  for (const part of parts) {
    while (/\s/.test(line[at] ?? "")) {
      at++;
      glued = false;
    }
    const quoted = line[at] === "'" || line[at] === '"';
    at += part.length + (quoted ? 2 : 0);
    if (glued) joined.push((joined.pop() ?? "") + part);
    else joined.push(part);
    glued = true;
  }
  return joined;
}

/** Namespace of everything that the comparison makes. */
export const NAMESPACE = "truth";

/** The arguments of a step: in namespace `truth` unless it says which. */
export function argumentsOf(step: Step, kept: ReadonlyMap<string, string> = new Map()): readonly string[] {
  const args = words(step.run.replace(/%([A-Z]+)%/g, (name, key: string) => kept.get(key) ?? name));
  const says = args.some((a) => a === "-n" || a === "-A" || a.startsWith("--namespace") || a === "--raw");
  const afterDashes = args.indexOf("--");
  const place = afterDashes < 0 ? args.length : afterDashes;
  return says ? args : [...args.slice(0, place), "-n", NAMESPACE, ...args.slice(place)];
}
