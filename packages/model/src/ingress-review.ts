import type { IngressBackend, IngressView, MeshConfig, ProblemSink, ServiceView, StringMap } from "@heddle/config";
import { hostnameOf } from "./build-service.ts";

/** Classes of this controller are the mesh's. Source: Istio. */
const CONTROLLER = "istio.io/ingress-controller";
const CLASS_ANNOTATION = "kubernetes.io/ingress.class";

export interface IngressContext {
  readonly mesh: MeshConfig;
  readonly rootNamespace: string;
  /** Domain of the cluster. */
  readonly domain: string;
  readonly services: ReadonlyMap<string, ServiceView>;
  /** Controllers by IngressClass. */
  readonly classes: ReadonlyMap<string, string>;
}

/** Whether the mesh's gateway answers for an Ingress. The annotation comes first: it is the older form, and who writes it means it. */
export function isMeshIngress(
  { meta, className }: IngressView,
  { mesh, classes }: Pick<IngressContext, "mesh" | "classes">,
): boolean {
  const annotated = meta.annotations[CLASS_ANNOTATION];
  if (mesh.ingressControllerMode === "OFF") return false;
  if (annotated !== undefined) return annotated === mesh.ingressClass;
  const controller = className === undefined ? undefined : classes.get(className);
  // A class that is not there says no more than none at all. Source: Istio.
  return controller === undefined ? mesh.ingressControllerMode === "DEFAULT" : controller === CONTROLLER;
}

/** Labels of the pods that serve Ingresses: what the MeshConfig says, else by the name of the Service in front of them. Source: Istio. */
export function ingressGatewayLabels({ ingressSelector, ingressService }: MeshConfig): StringMap {
  const own = ingressService === "istio-ingressgateway" ? "" : ingressService;
  return { istio: ingressSelector || own || "ingressgateway" };
}

/** Says what of an Ingress does not come into force. Warnings only: what is missing may come yet, and the rest is in force. */
export function reviewIngress(ingress: IngressView, context: IngressContext, sink: ProblemSink): void {
  const { meta, className, rules, tls, defaultBackend } = ingress;
  if (!isMeshIngress(ingress, context)) {
    const { mesh, classes } = context;
    const nobodys = meta.annotations[CLASS_ANNOTATION] === undefined && className === mesh.ingressClass;
    if (nobodys && mesh.ingressControllerMode !== "OFF" && !classes.has(className))
      sink.warn(
        "spec.ingressClassName",
        `Referenced IngressClass not found: "${className}", so that nobody takes this Ingress; create it with spec.controller ${CONTROLLER}`,
      );
    return;
  }
  const review = (backend: IngressBackend, path: string): void => {
    if (backend.service === "") {
      sink.warn(path, "is no Service and is left out; requests are answered 404. Name a Service and its port");
      return;
    }
    const { missing } = targetOf(backend, meta.namespace, context);
    if (missing !== undefined) sink.warn(`${path}.service.${missing.path}`, missing.reason);
  };
  tls.forEach(({ secret }, i) => {
    if (secret === "")
      sink.warn(`spec.tls[${i}].secretName`, "is missing, so these hosts have no HTTPS; name a Secret of type TLS");
  });
  if (defaultBackend !== undefined) review(defaultBackend, "spec.defaultBackend");
  rules.forEach(({ paths }, i) => {
    if (paths.length === 0)
      sink.warn(`spec.rules[${i}].http`, "has no paths, so the rule leads nowhere; add a path with its backend");
    paths.forEach(({ backend }, j) => {
      review(backend, `spec.rules[${i}].http.paths[${j}].backend`);
    });
  });
}

/** Where a backend leads, as far as that is known, and what of it is not there. */
export interface IngressTarget {
  readonly destination: { readonly host: string; readonly port: { readonly number: number } } | undefined;
  /** Path inside the backend's `service`. */
  readonly missing: { readonly path: string; readonly reason: string } | undefined;
}

export function targetOf(
  { service, port }: IngressBackend,
  namespace: string,
  { services, domain }: IngressContext,
): IngressTarget {
  const view = services.get(`${namespace}/${service}`);
  const known = view?.ports.find((one) => (typeof port === "number" ? one.port === port : one.name === port));
  const number = typeof port === "number" ? port : known?.port;
  const destination =
    service === "" || number === undefined
      ? undefined
      : { host: hostnameOf(service, namespace, domain), port: { number } };
  return { destination, missing: known === undefined ? missingOf(view, { service, port }, namespace) : undefined };
}

function missingOf(view: ServiceView | undefined, { service, port }: IngressBackend, namespace: string) {
  const answer = typeof port === "number" ? 503 : 404;
  if (view === undefined)
    return {
      path: "name",
      reason: `Referenced Service not found: "${namespace}/${service}"; requests are answered ${answer}. Create it, or correct the name`,
    };
  const ports = view.ports.map(({ name, port: number }) => (name === "" ? `${number}` : `${name} (${number})`));
  return {
    path: typeof port === "number" ? "port.number" : "port.name",
    reason: `Referenced port not found: "${service}:${port}"; requests are answered ${answer}. The Service has ${ports.join(", ") || "no port"}`,
  };
}
