import { ingressGatewayName, isFromIngress } from "@heddle/model";
import type { Finding } from "./finding.ts";
import type { AnalysisInput } from "./input.ts";

/**
 * What is found in the Gateway of an Ingress is told at the Ingress: nobody can look the Gateway up. Nothing is told of its
 * VirtualServices: analyzer `ingress.ReferencedResource` says what is wrong with backends, by their own fields.
 */
export function atIngress(one: Finding, { state }: AnalysisInput): readonly Finding[] {
  const { kind, name } = one.object;
  if (!isFromIngress(name) || (kind !== "Gateway" && kind !== "VirtualService")) return [one];
  if (kind === "VirtualService") return [];
  const ingress = [...state.objects.ingresses.values()].find((candidate) => ingressGatewayName(candidate) === name);
  if (ingress === undefined) return [];
  const { namespace, name: own } = ingress.meta;
  const path = one.path.endsWith(".credentialName") ? "spec.tls" : "";
  return [{ ...one, object: { group: "networking.k8s.io", kind: "Ingress", namespace, name: own }, path }];
}
