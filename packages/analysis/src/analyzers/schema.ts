import { groupOf, isMeshResource, parseResource, refKey, refOf } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** What the reader of each resource says: errors as IST0106, warnings as IST0133, outdated fields as IST0002. */
export const schema: Analyzer = {
  name: "schema.Validation",
  about: "every field of every mesh resource is known, valid and acted on",
  codes: ["IST0106", "IST0133", "IST0002"],
  analyze: ({ objects, state }) =>
    objects.flatMap((object) => {
      const ref = refOf(object);
      const known = isMeshResource(object);
      const foreign = !known && /(^|\.)istio\.io$/.test(groupOf(object.apiVersion));
      const found = foreign ? parseResource(object) : undefined;
      const problems = found !== undefined && !found.ok ? found.problems : (state.problems.get(refKey(ref)) ?? []);
      return (known || foreign ? problems : []).map(({ path, reason, severity }) =>
        finding(
          severity === "error" ? "IST0106" : reason.startsWith("use ") ? "IST0002" : "IST0133",
          ref,
          path,
          reason,
        ),
      );
    }),
};
