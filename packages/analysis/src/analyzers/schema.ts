import {
  groupOf,
  isMeshResource,
  type KubeObject,
  parseMeshConfig,
  parseResource,
  readString,
  refKey,
  refOf,
} from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import type { Code } from "../codes.ts";
import { type Finding, finding } from "../finding.ts";
import { fields } from "../pod-template.ts";

/** What the reader of each resource says: errors as IST0106, warnings as IST0133, outdated fields as IST0002. */
export const schema: Analyzer = {
  name: "schema.Validation",
  about: "every field of every mesh resource is known, valid and acted on",
  codes: ["IST0106", "IST0133", "IST0002", "IST0152"],
  analyze: ({ objects, state }) =>
    objects.flatMap((object) => {
      const ref = refOf(object);
      if (object.kind === "ConfigMap") return settings(object, state.settings.rootNamespace);
      const known = isMeshResource(object);
      const foreign = !known && /(^|\.)istio\.io$/.test(groupOf(object.apiVersion));
      const found = foreign ? parseResource(object) : undefined;
      const problems = found !== undefined && !found.ok ? found.problems : (state.problems.get(refKey(ref)) ?? []);
      return (known || foreign ? problems : []).map(({ path, reason, severity }) =>
        finding(
          severity === "error" ? errorCode(reason) : reason.startsWith("use ") ? "IST0002" : "IST0133",
          ref,
          path,
          reason,
        ),
      );
    }),
};

/** One mistake of EnvoyFilters has a code of its own. */
function errorCode(reason: string): Code {
  return reason.startsWith("REPLACE is for ") ? "IST0152" : "IST0106";
}

/** The MeshConfig passes no webhook: what is wrong in it is only in the control plane's log otherwise. */
function settings(object: KubeObject, rootNamespace: string): readonly Finding[] {
  const ref = refOf(object);
  if (ref.name !== "istio" || ref.namespace !== rootNamespace) return [];
  const read = parseMeshConfig(readString(fields(object["data"])["mesh"]));
  return (read.ok ? read.warnings : read.problems).map(({ path, reason, severity }) =>
    finding(severity === "error" ? "IST0106" : "IST0133", ref, `data.mesh${path === "" ? "" : `: ${path}`}`, reason),
  );
}
