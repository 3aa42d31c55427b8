import { labelsMatch } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** A sidecar passes requests on to the pod's address: a program that listens on 127.0.0.1 only is not there. */
export const localhostListeners: Analyzer = {
  name: "pods.LocalhostListener",
  about: "ports of Services are not bound to the pod's loopback alone",
  codes: ["IST0143"],
  analyze: ({ options, state, workloads }) =>
    (options.listening ?? []).flatMap(({ namespace, name, loopback }) => {
      const pod = workloads.find((one) => one.running && one.ref.namespace === namespace && one.ref.name === name);
      if (pod === undefined) return [];
      const named = new Map(
        pod.containers.flatMap(({ ports }) => ports.map((port) => [port.name, port.number] as const)),
      );
      const exposed = [...state.objects.services.values()].filter(
        ({ meta, selector }) =>
          meta.namespace === namespace && Object.keys(selector).length > 0 && labelsMatch(selector, pod.labels),
      );
      const found = exposed.flatMap(({ meta, ports }) =>
        ports.flatMap(({ targetPort }) => {
          const port = typeof targetPort === "number" ? targetPort : (named.get(targetPort) ?? 0);
          return loopback.includes(port) ? [{ port, service: meta.name }] : [];
        }),
      );
      return [...new Map(found.map((one) => [one.port, one])).values()].map(({ port, service }) =>
        finding(
          "IST0143",
          pod.ref,
          "",
          `Port ${port} is exposed in a Service (${service}) but listens on localhost. It will not be exposed to other pods: let the program listen on 0.0.0.0 or on the pod's address`,
        ),
      );
    }),
};
