import type { Step } from "../step.ts";
import { loom, pair, pairDefinition } from "./manifests.ts";

const pod = (spec: string, metadata = '"name": "bad"') =>
  `{"apiVersion": "v1", "kind": "Pod", "metadata": {${metadata}}, "spec": ${spec}}`;
const of = (apiVersion: string, kind: string, rest: string) =>
  `{"apiVersion": "${apiVersion}", "kind": "${kind}", "metadata": {"name": "bad"}, ${rest}}`;

/** What must be refused, and in which words. */
export const refusalSteps: readonly Step[] = [
  { run: "apply -f -", stdin: of("v1", "Nothing", '"spec": {}') },
  { run: "apply -f -", stdin: of("nowhere.io/v1", "Thing", '"spec": {}') },
  { run: "apply -f -", stdin: '{"kind": "Pod"}' },
  { run: "apply -f -", stdin: "a: b: c" },
  { run: "apply -f -", stdin: pod('{"containers": [{"name": "A B"}]}') },
  { run: "create -f -", stdin: pod('{"containers": []}') },
  { run: "create -f -", stdin: pod('{"containers": [{"name": "a", "image": "busybox:1", "imag": "x"}]}') },
  {
    run: "create --validate=warn -f - --dry-run=server",
    stdin: pod('{"containers": [{"name": "a", "image": "busybox:1", "imag": "x"}]}'),
  },
  { run: "create -f -", stdin: pod('{"containers": [{"name": "a", "image": "busybox:1", "ports": "none"}]}') },
  {
    run: "create -f -",
    stdin: pod('{"containers": [{"name": "a", "image": "busybox:1", "ports": [{"containerPort": 99999}]}]}'),
  },
  {
    run: "create -f -",
    stdin: pod('{"containers": [{"name": "a", "image": "busybox:1"}, {"name": "a", "image": "busybox:1"}]}'),
  },
  {
    run: "create -f -",
    stdin: pod(
      '{"containers": [{"name": "a", "image": "busybox:1", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]}',
    ),
  },
  {
    run: "create -f -",
    stdin: pod('{"containers": [{"name": "a", "image": "busybox:1", "resources": {"limits": {"cpu": "much"}}}]}'),
  },
  {
    run: "create -f -",
    stdin: pod(
      '{"containers": [{"name": "a", "image": "busybox:1", "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}}]}',
    ),
  },
  {
    run: "create -f -",
    stdin: pod(
      '{"containers": [{"name": "a", "image": "busybox:1", "imagePullPolicy": "Sometimes"}], "restartPolicy": "Maybe"}',
    ),
  },
  { run: "create -f -", stdin: pod('{"containers": [{"name": "a", "image": "busybox:1", "livenessProbe": {}}]}') },
  {
    run: "create -f -",
    stdin: pod('{"serviceAccountName": "nobody", "containers": [{"name": "a", "image": "busybox:1"}]}'),
  },
  { run: "create -f -", stdin: pod('{"containers": [{"name": "a", "image": "busybox:1"}]}', '"name": "UPPER"') },
  { run: "create -f -", stdin: pod('{"containers": [{"name": "a", "image": "busybox:1"}]}', '"labels": {}') },
  {
    run: "create -f -",
    stdin: pod('{"containers": [{"name": "a", "image": "busybox:1"}]}', '"name": "x", "namespace": "elsewhere"'),
  },
  { run: "create -n elsewhere configmap x" },
  {
    run: "create -f -",
    stdin: of(
      "apps/v1",
      "Deployment",
      '"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "c"}}, "spec": {"containers": [{"name": "a", "image": "busybox:1"}]}}}',
    ),
  },
  { run: "create -f -", stdin: of("apps/v1", "Deployment", '"spec": {"replicas": -1}') },
  { run: "create -f -", stdin: of("v1", "Service", '"spec": {"ports": []}') },
  { run: "create -f -", stdin: of("v1", "Service", '"spec": {"ports": [{"port": 0}, {"port": 80}]}') },
  { run: "create -f -", stdin: of("v1", "Service", '"spec": {"type": "Sometimes", "ports": [{"port": 80}]}') },
  { run: "create -f -", stdin: of("v1", "Service", '"spec": {"clusterIP": "1.2.3.4", "ports": [{"port": 80}]}') },
  {
    run: "create -f -",
    stdin: of("v1", "Service", '"spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}'),
  },
  { run: "create -f -", stdin: of("v1", "ConfigMap", '"data": {"a b": "c"}') },
  { run: "create -f -", stdin: of("v1", "ConfigMap", '"data": {"a": 1}') },
  { run: "create -f -", stdin: of("v1", "Secret", '"data": {"a": "***"}') },
  { run: "create -f -", stdin: of("v1", "Secret", '"type": "kubernetes.io/tls", "data": {}') },
  { run: "create -f -", stdin: of("batch/v1", "CronJob", '"spec": {"schedule": "never"}') },
  {
    run: "create -f -",
    stdin: of(
      "rbac.authorization.k8s.io/v1",
      "RoleBinding",
      '"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Thing", "name": "x"}',
    ),
  },
  {
    run: "create -f -",
    stdin: of("networking.k8s.io/v1", "NetworkPolicy", '"spec": {"podSelector": {}, "policyTypes": ["Sideways"]}'),
  },
  {
    run: "create -f -",
    stdin: of(
      "apiextensions.k8s.io/v1",
      "CustomResourceDefinition",
      '"spec": {"group": "x.io", "scope": "Namespaced", "names": {"plural": "bads", "kind": "Bad"}, "versions": []}',
    ),
  },
  {
    run: "create -f -",
    stdin: of("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", '"webhooks": [{"name": "x"}]'),
  },
  { run: "replace -f -", stdin: of("v1", "ConfigMap", '"data": {}') },
  {
    run: "replace -f -",
    stdin: '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "resourceVersion": "1"}}',
  },
  { run: "delete configmap nobody" },
  { run: "delete configmap nobody --ignore-not-found" },
  { run: "delete nothing all" },
  { run: "delete namespace default" },
  { run: "expose deployment nobody --port=80" },
  { run: "rollout status deployment/nobody" },
  { run: "rollout undo configmap/settings" },
  { run: "wait --for=condition=ready pod/nobody --timeout=1s" },
  { run: "wait --for=condition=dancing deployment/web --timeout=1s" },
  { run: "create token nobody" },
  { run: "get pods --as=system:serviceaccount:truth:robot -o name -l app=nobody" },
  { run: "get secrets --as=system:serviceaccount:truth:robot" },
  { run: "delete pods --all --as=system:serviceaccount:truth:robot" },
  { run: "get nodes --as=nobody" },
  { run: "create configmap x --as=nobody --as-group=some" },
];

/** The same for custom resources, whose rules their definition makes. */
export const customRefusalSteps: readonly Step[] = [
  { run: "apply -f -", stdin: loom('{"threads": 1}') },
  { run: "apply -f -", stdin: loom('{"threads": 1000}') },
  { run: "apply -f -", stdin: loom('{"warp": "wool"}') },
  { run: "apply -f -", stdin: loom('{"threads": 4, "code": 5}') },
  { run: "apply -f -", stdin: pairDefinition },
  { run: "wait --for=condition=established crd/pairs.truth.heddle.io --timeout=20s", quiet: true },
  { run: "create -f - --dry-run=server", stdin: pair(1, 2), until: /created/ },
  { run: "create -f - --dry-run=server", stdin: pair(2, 1) },
  { run: "delete crd pairs.truth.heddle.io" },
  { run: "apply -f -", stdin: loom('{"threads": 4, "warp": "silk", "code": "TOO LONG"}'), sorted: true },
  { run: "apply -f -", stdin: loom('{"threads": 4, "unknown": true}') },
  { run: "apply --validate=false -f -", stdin: loom('{"threads": 4, "unknown": true}') },
];
