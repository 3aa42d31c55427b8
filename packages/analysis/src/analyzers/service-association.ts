import { labelsMatch, type ServiceView } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";
import { hasSidecar, type PodTemplate } from "../pod-template.ts";
import { asksForSidecar } from "./injection-asked.ts";

/** Services that share a Deployment agree about what its ports speak. */
export const serviceAssociation: Analyzer = {
  name: "deployment.ServiceAssociation",
  about: "Services of one Deployment do not give one of its ports two protocols or two numbers",
  codes: ["IST0116", "IST0137"],
  analyze: (input) =>
    input.workloads
      .filter((pod) => !pod.running && (asksForSidecar(input, pod) || hasSidecar(pod)))
      .flatMap((pod) => ofTemplate(input, pod)),
};

function ofTemplate(input: AnalysisInput, pod: PodTemplate): readonly Finding[] {
  const services = [...input.state.objects.services.values()].filter(
    ({ meta, selector }) =>
      meta.namespace === pod.namespace && Object.keys(selector).length > 0 && labelsMatch(selector, pod.labels),
  );
  const uses = services.flatMap((service) =>
    service.ports.map((port) => ({
      service,
      port,
      target: targetOf(pod, port.targetPort),
      protocol: protocolOf(input, service, port.port),
    })),
  );
  const targets = new Set(uses.map(({ target }) => target));
  const found: Finding[] = [];
  for (const target of targets) {
    const here = uses.filter((use) => use.target === target);
    if (new Set(here.map(({ protocol }) => protocol)).size > 1)
      found.push(
        finding(
          "IST0116",
          pod.ref,
          "",
          `This deployment ${pod.ref.name} is associated with multiple services using port ${target} but different protocols: ${here.map(({ service, protocol }) => `${service.meta.name} (${protocol})`).join(", ")}; the oldest Service decides. Use one protocol`,
        ),
      );
  }
  for (const number of new Set(uses.map(({ port }) => port.port))) {
    const here = uses.filter(({ port }) => port.port === number);
    if (new Set(here.map(({ service }) => service)).size > 1 && new Set(here.map(({ target }) => target)).size > 1)
      found.push(
        finding(
          "IST0137",
          pod.ref,
          "",
          `This deployment ${pod.ref.name} is associated with multiple services ${here.map(({ service }) => service.meta.name).join(", ")} that lead port ${number} to different target ports ${here.map(({ target }) => target).join(", ")}; give them different ports`,
        ),
      );
  }
  return found;
}

function targetOf(pod: PodTemplate, target: number | string): number | string {
  if (typeof target === "number") return target;
  return pod.containers.flatMap(({ ports }) => ports).find(({ name }) => name === target)?.number ?? target;
}

function protocolOf({ state }: AnalysisInput, { meta }: ServiceView, port: number): string {
  const hostname = `${meta.name}.${meta.namespace}.svc.${state.settings.domain}`;
  return state.services.get(hostname)?.ports.find(({ number }) => number === port)?.protocol ?? "unset";
}
