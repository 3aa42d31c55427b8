import { type JsonRecord, normalizePath, type PathRules, textOf } from "@heddle/std";
import type { Step } from "./step.ts";

/** What a connection manager makes of a path before routes and policies see it. */
export interface PathWalk {
  /** Undefined: refused with 400. */
  readonly path: string | undefined;
  /** Undefined where no setting could change anything. */
  readonly step: Pick<Step, "name" | "because" | "details"> | undefined;
}

const KEPT: PathRules = { normalizePath: false, mergeSlashes: false, escapedSlashes: "keep" };
const EVERYTHING: PathRules = { normalizePath: true, mergeSlashes: true, escapedSlashes: "unescape" };

const escapedActions: Readonly<Record<string, PathRules["escapedSlashes"]>> = {
  REJECT_REQUEST: "reject",
  UNESCAPE_AND_FORWARD: "unescape",
  UNESCAPE_AND_REDIRECT: "redirect",
};

/** The settings of an HttpConnectionManager in a dump; left out: off, as in Envoy. */
export function pathRulesOf(manager: JsonRecord): PathRules {
  return {
    normalizePath: manager["normalize_path"] === true,
    mergeSlashes: manager["merge_slashes"] === true,
    escapedSlashes: escapedActions[textOf(manager["path_with_escaped_slashes_action"])] ?? "keep",
  };
}

/** Walks the proxy's own rules one setting after another, in its order, so that each change has a name. */
export function walkPath(manager: JsonRecord, sent: string): PathWalk {
  const rules = pathRulesOf(manager);
  const action = textOf(manager["path_with_escaped_slashes_action"]);
  const settings = [
    {
      name: `path_with_escaped_slashes_action ${action}`,
      off: "path_with_escaped_slashes_action keeps %2F and %5C",
      rules: { ...KEPT, escapedSlashes: rules.escapedSlashes },
      full: { ...KEPT, escapedSlashes: EVERYTHING.escapedSlashes },
    },
    {
      name: "normalize_path",
      off: "normalize_path is off: dots and escapes stay",
      rules: { ...KEPT, normalizePath: rules.normalizePath },
      full: { ...KEPT, normalizePath: true },
    },
    {
      name: "merge_slashes",
      off: "merge_slashes is off: // stays",
      rules: { ...KEPT, mergeSlashes: rules.mergeSlashes },
      full: { ...KEPT, mergeSlashes: true },
    },
  ];
  let path = sent;
  const details: string[] = [];
  const changedBy: string[] = [];
  for (const setting of settings) {
    const next = normalizePath(path, setting.rules);
    if (next === undefined) {
      const why = setting.rules.normalizePath ? ".. leads above the root, or there is a %00" : "a slash is escaped";
      const because = `${setting.name} refuses ${path}: ${why}`;
      return { path: undefined, step: { name: sent, because, details } };
    }
    if (next !== path) {
      details.push(`${setting.name}: ${path} becomes ${next}`);
      changedBy.push(setting.name);
    } else if (normalizePath(path, setting.full) !== path) details.push(setting.off);
    path = next;
  }
  if (details.length === 0) return { path, step: undefined };
  const because =
    changedBy.length === 0
      ? "no setting of the connection manager changes it: routes and policies see it as it was sent"
      : `${changedBy.join(" and ")} of the connection manager (MeshConfig pathNormalization) changed ${sent}: routes, policies and who comes after see this`;
  return { path, step: { name: path, because, details } };
}
