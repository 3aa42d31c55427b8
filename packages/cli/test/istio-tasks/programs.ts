import type { KubeObject } from "@heddle/kube-client";
import { objectsIn } from "../traffic/rig.ts";

const script = (name: string) => `[/opt/heddle/bun, /opt/heddle/repo/packages/cli/test/traffic/${name}.ts]`;

/** What the tasks need beside Istio's samples; `pods` of them are in namespace `default`. */
export interface Programs {
  readonly objects: readonly KubeObject[];
  readonly pods: number;
}

/** The client of the tasks. */
const caller = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: caller, namespace: default}
spec:
  selector: {matchLabels: {app: caller}}
  template:
    metadata: {labels: {app: caller, istio-locality: region1.zone1}}
    spec:
      containers:
        - name: caller
          image: debian
          command: ${script("caller")}
          ports: [{name: http, containerPort: 8090}]
          readinessProbe: {tcpSocket: {port: 8090}, periodSeconds: 1}
`;

export async function programs(): Promise<Programs> {
  return { objects: objectsIn(caller), pods: 1 };
}
