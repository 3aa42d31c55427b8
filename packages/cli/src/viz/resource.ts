import { KEEP_MS, KINDS, type ResourceKind, type StatKind } from "@heddle/viz";
import { UsageError } from "../context.ts";

const ALIASES: Readonly<Record<string, ResourceKind>> = {
  deploy: "deployment",
  po: "pod",
  ns: "namespace",
  svc: "service",
  sts: "statefulset",
  ds: "daemonset",
  rs: "replicaset",
  rc: "replicationcontroller",
  cj: "cronjob",
};

/** `deploy`, `deployments`, `deploy/web`, or `deploy web` → kind and name. Errors: UsageError naming the known kinds. */
export function parseResource(words: readonly string[]): { readonly kind: ResourceKind; readonly name?: string } {
  const [first = "", second] = words;
  const [word = "", slashName] = first.split("/", 2);
  const singular = word.toLowerCase().replace(/(?<=[a-z]{2})s$/, "");
  const kind =
    ALIASES[word.toLowerCase()] ?? ALIASES[singular] ?? KINDS.find((k) => k === word.toLowerCase() || k === singular);
  if (!kind)
    throw new UsageError(`${first}: unknown kind; known are ${[...KINDS, ...Object.keys(ALIASES)].join(", ")}`);
  const name = slashName ?? second;
  return name ? { kind, name } : { kind };
}

/** The same for `stat`, which knows authorities, too: `au`, `au/web-svc.emojivoto.svc.cluster.local`. */
export function parseStatTarget(words: readonly string[]): { readonly kind: StatKind; readonly name?: string } {
  const [first = "", second] = words;
  const [word = "", slashName] = first.split("/", 2);
  if (!["au", "authority", "authorities"].includes(word.toLowerCase())) return parseResource(words);
  const name = slashName ?? second;
  return name ? { kind: "authority", name } : { kind: "authority" };
}

/** `1m`, `90s`, `2h` in ms; at least 15 s, as Linkerd asks. */
export function parseWindow(text: string): number {
  const m = /^(\d+)(s|m|h)$/.exec(text);
  const ms = m ? Number(m[1]) * { s: 1000, m: 60_000, h: 3_600_000 }[m[2] as "s" | "m" | "h"] : Number.NaN;
  if (!(ms >= 15_000 && ms <= KEEP_MS))
    throw new UsageError(`-t ${text}: expected a time of at least 15s and at most 6h, such as 30s, 1m or 1h`);
  return ms;
}
