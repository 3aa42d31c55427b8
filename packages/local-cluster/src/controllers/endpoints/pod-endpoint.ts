import { at, dict, int, list, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { isFinished, isReady, isTerminating, nodeNameOf } from "../pod-state.ts";

/** A port of an EndpointSlice. */
export interface EndpointPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

/** A pod as one Service sees it. */
export interface PodEndpoint {
  readonly pod: KubeObject;
  readonly address: string;
  readonly ports: readonly EndpointPort[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

/** Undefined for pods that have no address or ended. */
export function podEndpoint(service: KubeObject, pod: KubeObject): PodEndpoint | undefined {
  const address = text(at(pod, "status", "podIP"));
  if (address === "" || isFinished(pod)) return undefined;
  const terminating = isTerminating(pod);
  const serving = isReady(pod);
  const publish = at(service, "spec", "publishNotReadyAddresses") === true;
  return {
    pod,
    address,
    ports: portsOf(service, pod),
    ready: publish || (serving && !terminating),
    serving,
    terminating,
  };
}

/** Named target ports are the pod's: two pods may give them different numbers. */
function portsOf(service: KubeObject, pod: KubeObject): readonly EndpointPort[] {
  return list(at(service, "spec", "ports")).flatMap((item) => {
    const { name, port, targetPort, protocol, appProtocol } = dict(item);
    const kind = text(protocol, "TCP");
    const number = typeof targetPort === "string" ? namedPort(pod, targetPort, kind) : int(targetPort, int(port));
    if (number === undefined || number === 0) return [];
    return [
      {
        name: text(name),
        port: number,
        protocol: kind,
        ...(text(appProtocol) !== "" && { appProtocol: text(appProtocol) }),
      },
    ];
  });
}

function namedPort(pod: KubeObject, name: string, protocol: string): number | undefined {
  const sidecars = list(at(pod, "spec", "initContainers")).filter(
    (container) => dict(container)["restartPolicy"] === "Always",
  );
  for (const container of [...list(at(pod, "spec", "containers")), ...sidecars]) {
    for (const item of list(dict(container)["ports"])) {
      const port = dict(item);
      if (port["name"] === name && text(port["protocol"], "TCP") === protocol) return int(port["containerPort"]);
    }
  }
  return undefined;
}

/** What a slice says of one endpoint. */
export function sliceEndpoint(endpoint: PodEndpoint): Readonly<Record<string, unknown>> {
  const { pod, address, ready, serving, terminating } = endpoint;
  const hostname = text(at(pod, "spec", "hostname"));
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname !== "" && text(at(pod, "spec", "subdomain")) !== "" && { hostname }),
    nodeName: nodeNameOf(pod),
    targetRef: targetRef(pod),
  };
}

export function targetRef(pod: KubeObject): Readonly<Record<string, unknown>> {
  const { name, namespace, uid } = pod.metadata;
  return { kind: "Pod", namespace, name, uid };
}
