/** What the steps apply: one web application with everything that a Deployment commonly has. */
const labels = "{app: web, tier: front}";

export const webDeployment = (changes: { readonly replicas?: number; readonly greeting?: string } = {}) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: ${labels}}
spec:
  replicas: ${changes.replicas ?? 2}
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 2, maxUnavailable: 1}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: main
        image: busybox:1
        command: [sh, -c, "echo $GREETING; trap exit TERM; while :; do sleep 1; done"]
        env: [{name: GREETING, value: ${changes.greeting ?? "hello"}}]
        ports: [{name: http, containerPort: 8080}]
        resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 128Mi}}
        readinessProbe: {exec: {command: ["true"]}, periodSeconds: 1}
`;

export const webService = `
apiVersion: v1
kind: Service
metadata: {name: web, labels: ${labels}}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
`;

export const settings = (data: Readonly<Record<string, string>>) =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", labels: { app: "web" } }, data });

export const podWithTwo = `
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: two}, annotations: {note: "a pod with all kinds of containers"}}
spec:
  terminationGracePeriodSeconds: 1
  initContainers:
  - {name: first, image: "busybox:1", command: [sh, -c, "echo prepared"]}
  - {name: side, image: "busybox:1", restartPolicy: Always, command: [sh, -c, "echo beside; trap exit TERM; while :; do sleep 1; done"]}
  containers:
  - name: talk
    image: busybox:1
    command: [sh, -c, "for i in 1 2 3; do echo line $i; done; trap exit TERM; while :; do sleep 1; done"]
    env:
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
    volumeMounts: [{name: settings, mountPath: /settings, readOnly: true}, {name: room, mountPath: /room}]
    livenessProbe: {exec: {command: ["true"]}, initialDelaySeconds: 5}
  - {name: quiet, image: "busybox:1", command: [sh, -c, "trap exit TERM; while :; do sleep 1; done"], volumeMounts: [{name: room, mountPath: /room}]}
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: room, emptyDir: {}}
`;

/** Ends with code 3 each time; its second run has a log of the first. */
export const failingPod = `
apiVersion: v1
kind: Pod
metadata: {name: failing}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: main, image: "busybox:1", command: [sh, -c, "echo went wrong; exit 3"]}
`;

export const loomDefinition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: looms.truth.heddle.io}
spec:
  group: truth.heddle.io
  scope: Namespaced
  names: {plural: looms, singular: loom, kind: Loom, shortNames: [lo], categories: [weaving]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.threads, statusReplicasPath: .status.threads}}
    additionalPrinterColumns:
    - {name: Threads, type: integer, jsonPath: .spec.threads}
    - {name: Warp, type: string, jsonPath: .spec.warp, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            description: What is woven.
            required: [threads]
            properties:
              threads: {type: integer, minimum: 2, maximum: 100, description: How many threads.}
              warp: {type: string, enum: [wool, linen], default: wool}
              code: {type: string, pattern: "^[a-z]+$", maxLength: 5}
          status:
            type: object
            properties: {threads: {type: integer}}
`;

export const loom = (spec: string) =>
  `{"apiVersion": "truth.heddle.io/v1", "kind": "Loom", "metadata": {"name": "big"}, "spec": ${spec}}`;

/** Another definition, with a rule over several fields. */
export const pairDefinition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pairs.truth.heddle.io}
spec:
  group: truth.heddle.io
  scope: Namespaced
  names: {plural: pairs, singular: pair, kind: Pair}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            x-kubernetes-validations:
            - {rule: "self.left <= self.right", message: left is at most right}
            properties: {left: {type: integer}, right: {type: integer}}
`;

export const pair = (left: number, right: number) =>
  `{"apiVersion": "truth.heddle.io/v1", "kind": "Pair", "metadata": {"name": "p"}, "spec": {"left": ${left}, "right": ${right}}}`;
