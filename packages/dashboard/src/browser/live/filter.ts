import type { NamedTapEvent } from "@heddle/viz/contract";

/** What is shown of the calls: the flags of `viz tap`, and failures only. */
export interface Filter {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly to: string;
  readonly failuresOnly: boolean;
}

export const NO_FILTER: Filter = { method: "", path: "", authority: "", to: "", failuresOnly: false };

export const failed = (event: Pick<NamedTapEvent, "status" | "grpcStatus">) =>
  event.status === 0 || event.status >= 500 || event.grpcStatus > 0;

/** As `viz tap` filters: paths by their beginning, everything else whole. */
export function passes(event: NamedTapEvent, { method, path, authority, to, failuresOnly }: Filter): boolean {
  return (
    (method === "" || event.method === method) &&
    event.path.startsWith(path) &&
    (authority === "" || event.authority === authority) &&
    (to === "" || (event.direction === "out" && event.dstName === to)) &&
    (!failuresOnly || failed(event))
  );
}

/** The command that shows the same in a terminal. */
export function commandLine(
  verb: "tap" | "top",
  target: { readonly namespace: string; readonly kind: string; readonly name: string },
  { method, path, authority, to }: Filter,
): string {
  const flags = [
    ["-n", target.namespace],
    ["--method", method],
    ["--path", path],
    ["--authority", authority],
    ["--to", to === "" ? "" : `deployment/${to}`],
  ] as const;
  const said = flags.filter(([, value]) => value !== "").map(([flag, value]) => `${flag} ${quoted(value)}`);
  return [`heddle viz ${verb}`, quoted(`${target.kind}/${target.name}`), ...said].join(" ");
}

/** Ready for a shell: what a page shows may be copied. */
function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
