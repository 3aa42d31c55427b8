import type { Answer, Call } from "./call.ts";

/** What a case's check may do. */
export interface CaseContext {
  /** Name of the client, for keys that must not be shared between data planes. */
  readonly client: string;
  /** `http://<name>:<port>` of the case's Service. */
  readonly url: string;
  call(call: Call, times?: number, parallel?: boolean): Promise<readonly Answer[]>;
  /** Requests with this `x-count` that reached any pod of a version. */
  counted(version: string, key: string): Promise<number>;
  /** Changes labels of the first pod of a version; null takes one away. */
  label(version: string, labels: Readonly<Record<string, string | null>>): Promise<void>;
}

/** One feature: the Service `name` exists, `resources` are in force, and `check` holds for every data plane. */
export interface TrafficCase {
  readonly name: string;
  readonly proves: string;
  readonly resources: string;
  check(context: CaseContext): Promise<void>;
}

/** A DestinationRule with the subsets v1 and v2. */
export const subsets = (host: string, policy = "") => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${host}, namespace: traffic}
spec:
  host: ${host}
  ${policy === "" ? "" : `trafficPolicy: ${policy}`}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`;

/** @param spec The VirtualService's spec without hosts. */
export const virtualService = (host: string, spec: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${host}, namespace: traffic}
spec:
  hosts: [${host}]
${spec.replace(/^\n/, "").replace(/^/gm, "  ").trimEnd()}
`;

export const both = (...documents: readonly string[]) => documents.join("---");

/** A destination with a subset, for a list `route`. */
export const to = (host: string, subset: string) => `{destination: {host: ${host}, subset: ${subset}}}`;

/** Counting keys are unique to each run of a check, because a check is repeated until it holds. */
export function createKeys(): (client: string) => string {
  let runs = 0;
  return (client) => `${client}-${++runs}`;
}
