import type { MeshService } from "@heddle/model";

/**
 * The names under which a caller in `namespace` may address a service: the full name, every shorter form that the cluster's DNS
 * search path would complete, and its addresses. Ports are ignored when hosts are matched.
 */
export function hostDomains(service: MeshService, namespace: string, domain: string): readonly string[] {
  const domains = new Set<string>();
  for (const hostname of [service.hostname, ...(service.podName === undefined ? [] : [service.podName])]) {
    const forms = [hostname, ...shorterForms(hostname, service.namespace, namespace, domain)];
    for (const form of forms) domains.add(form);
    // A StatefulSet's pods have names below that of their headless service.
    if (service.headless && forms.length > 1) for (const form of forms) domains.add(`*.${form}`);
  }
  for (const address of [...service.addresses, ...service.autoAddresses])
    domains.add(address.includes(":") ? `[${address}]` : address);
  return [...domains];
}

function shorterForms(hostname: string, own: string, caller: string, domain: string): readonly string[] {
  const suffix = `.${own}.svc.${domain}`;
  if (!hostname.endsWith(suffix)) return [];
  const name = hostname.slice(0, -suffix.length);
  return [`${name}.${own}.svc`, `${name}.${own}`, ...(own === caller ? [name] : [])];
}
