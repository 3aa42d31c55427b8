import { describe, expect, test } from "bun:test";
import type { KubeObject } from "../../contract/index.ts";
import { decodePod } from "../spec/pod-spec.ts";
import { expandVariables, serviceVariables } from "./env-expansion.ts";
import { buildEnvironment } from "./environment.ts";
import { podField } from "./pod-fields.ts";

test("variables expand as in Kubernetes", () => {
  const values = { A: "1", B: "two" };
  expect(expandVariables("$(A)-$(B)", values)).toBe("1-two");
  expect(expandVariables("$$(A) $(NO) $A $$$(A)", values)).toBe("$(A) $(NO) $A $1");
});

test("a service is announced in the old links' way", () => {
  const env = serviceVariables({
    name: "voting-svc",
    clusterIp: "10.0.0.9",
    ports: [{ name: "grpc", port: 8080, protocol: "TCP" }],
  });
  expect(env).toMatchObject({
    VOTING_SVC_SERVICE_HOST: "10.0.0.9",
    VOTING_SVC_SERVICE_PORT: "8080",
    VOTING_SVC_SERVICE_PORT_GRPC: "8080",
    VOTING_SVC_PORT: "tcp://10.0.0.9:8080",
    VOTING_SVC_PORT_8080_TCP_ADDR: "10.0.0.9",
  });
});

const pod = (env: unknown, envFrom: unknown = []): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "ns", uid: "u", labels: { b: "2", a: 'x"y' } },
  spec: {
    nodeName: "n",
    serviceAccountName: "sa",
    containers: [{ name: "c", image: "i", env, envFrom, resources: { limits: { cpu: "250m", memory: "64Mi" } } }],
  },
});

const OBJECTS = new Map<string, KubeObject>([
  ["configMap/cm", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "cm" }, data: { k: "v" } }],
  ["secret/s", { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { pw: "aHVudGVyMg==" } }],
]);

function build(env: unknown, envFrom?: unknown) {
  const object = pod(env, envFrom);
  const spec = decodePod(object);
  const [container] = spec.containers;
  if (!container) throw new Error("no container");
  const facts = { pod: object, podIp: "10.1.2.3", hostIp: "10.9.9.9", allocatable: { cpu: "2" } };
  return buildEnvironment({ container, spec, facts, objects: OBJECTS, serviceVariables: { SVC: "s" } });
}

describe("environment", () => {
  test("all sources", () => {
    const ref = (member: string, value: unknown) => ({ valueFrom: { [member]: value } });
    const built = build(
      [
        { name: "PLAIN", value: "x" },
        { name: "SUM", value: "$(PLAIN)$(SVC)" },
        { name: "IP", ...ref("fieldRef", { fieldPath: "status.podIP" }) },
        { name: "CPU", ...ref("resourceFieldRef", { resource: "limits.cpu" }) },
        { name: "CPU_M", ...ref("resourceFieldRef", { resource: "limits.cpu", divisor: "1m" }) },
        { name: "MEM", ...ref("resourceFieldRef", { resource: "limits.memory", divisor: "1Mi" }) },
        { name: "K", ...ref("configMapKeyRef", { name: "cm", key: "k" }) },
        { name: "PW", ...ref("secretKeyRef", { name: "s", key: "pw" }) },
        { name: "GONE", ...ref("secretKeyRef", { name: "nope", key: "x", optional: true }) },
      ],
      [{ prefix: "P_", configMapRef: { name: "cm" } }],
    );
    expect(built).toEqual({
      kind: "environment",
      env: {
        SVC: "s",
        P_k: "v",
        PLAIN: "x",
        SUM: "xs",
        IP: "10.1.2.3",
        CPU: "1",
        CPU_M: "250",
        MEM: "64",
        K: "v",
        PW: "hunter2",
      },
    });
  });

  test("what is missing is named", () => {
    const missing = (source: unknown) => build([{ name: "A", valueFrom: source }]);
    expect(missing({ configMapKeyRef: { name: "no", key: "k" } })).toEqual({
      kind: "invalid",
      message: 'configmap "no" not found',
    });
    expect(missing({ secretKeyRef: { name: "s", key: "k" } })).toEqual({
      kind: "invalid",
      message: "couldn't find key k in Secret ns/s",
    });
    expect(build([], [{ secretRef: { name: "no" } }])).toEqual({ kind: "invalid", message: 'secret "no" not found' });
    expect(missing({ fieldRef: { fieldPath: "spec.nope" } })).toMatchObject({ kind: "invalid" });
  });

  test("labels of the downward API are sorted and quoted", () => {
    const facts = { pod: pod([]), podIp: "", hostIp: "", allocatable: {} };
    expect(podField("metadata.labels", facts)).toEqual({ kind: "value", value: 'a="x\\"y"\nb="2"' });
    expect(podField("metadata.labels['b']", facts)).toEqual({ kind: "value", value: "2" });
  });
});
