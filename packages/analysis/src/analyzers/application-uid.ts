import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { hasSidecar } from "../pod-template.ts";
import { asksForSidecar } from "./injection-asked.ts";

/** User 1337 is the sidecar's: what it sends is not intercepted. */
const PROXY_UID = 1337;

export const applicationUid: Analyzer = {
  name: "deployment.ApplicationUID",
  about: "no application runs as user 1337, the sidecar's",
  codes: ["IST0144"],
  analyze: (input) =>
    input.workloads.flatMap((pod) => {
      if (!hasSidecar(pod) && !asksForSidecar(input, pod)) return [];
      const application = pod.containers.filter(
        ({ name }) => !["istio-proxy", "linkerd-proxy", "istio-init", "linkerd-init"].includes(name),
      );
      const bad = application.find(({ runAsUser }) => (runAsUser ?? pod.runAsUser) === PROXY_UID);
      return bad === undefined
        ? []
        : [
            finding(
              "IST0144",
              pod.ref,
              `containers[${bad.name}].securityContext.runAsUser`,
              `User ID (UID) 1337 is reserved for the sidecar proxy: what this container sends would bypass the mesh. Use another runAsUser`,
            ),
          ];
    }),
};
