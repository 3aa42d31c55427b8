import type { MeshService } from "@heddle/model";

/**
 * The names under which a caller in `namespace` may address a service: the full name, every shorter form that the cluster's DNS
 * search path would complete, and its addresses. Ports are ignored when hosts are matched.
 */
export function hostDomains(service: MeshService, namespace: string, domain: string): readonly string[] {
  const domains = new Set<string>([service.hostname]);
  const suffix = `.${service.namespace}.svc.${domain}`;
  if (service.hostname.endsWith(suffix)) {
    const name = service.hostname.slice(0, -suffix.length);
    const forms = [`${name}.${service.namespace}.svc`, `${name}.${service.namespace}`];
    if (service.namespace === namespace) forms.push(name);
    for (const form of forms) domains.add(form);
    // A StatefulSet's pods have names below that of their headless service.
    if (service.headless) for (const form of [service.hostname, ...forms]) domains.add(`*.${form}`);
  }
  for (const address of [...service.addresses, ...service.autoAddresses])
    domains.add(address.includes(":") ? `[${address}]` : address);
  return [...domains];
}
