import { refKey, refOf } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** An Ingress has no webhook and no condition of ours that says what of it is not in force. */
export const ingressReferences: Analyzer = {
  name: "ingress.ReferencedResource",
  about: "the class, Services and ports that an Ingress names exist, and each of its parts comes into force",
  codes: ["IST0101", "IST0106", "IST0133"],
  analyze: ({ ofKind, state }) =>
    ofKind("networking.k8s.io", "Ingress").flatMap((object) => {
      const ref = refOf(object);
      return (state.problems.get(refKey(ref)) ?? []).map(({ path, reason, severity }) =>
        finding(
          severity === "error" ? "IST0106" : reason.startsWith("Referenced ") ? "IST0101" : "IST0133",
          ref,
          path,
          reason,
        ),
      );
    }),
};
