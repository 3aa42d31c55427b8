import {
  type Fields,
  fieldsOf,
  flag,
  listOf,
  number,
  numberOr,
  optionalFields,
  text,
  textMap,
  textOr,
  texts,
} from "./decode.ts";
import { type Action, decodeAction, decodeProbe, type ProbeSpec } from "./probe-spec.ts";

export type RestartPolicy = "Always" | "OnFailure" | "Never";

export type EnvSource =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "field"; readonly path: string }
  | {
      readonly kind: "resource";
      readonly container: string | undefined;
      readonly resource: string;
      readonly divisor: string;
    }
  | { readonly kind: "configMap" | "secret"; readonly name: string; readonly key: string; readonly optional: boolean };

export interface EnvEntry {
  readonly name: string;
  readonly source: EnvSource;
}

export interface EnvFrom {
  readonly kind: "configMap" | "secret";
  readonly prefix: string;
  readonly name: string;
  readonly optional: boolean;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath: string | undefined;
  readonly subPathExpr: string | undefined;
  readonly readOnly: boolean;
}

export interface SecurityContext {
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly runAsNonRoot: boolean | undefined;
  readonly privileged: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly allowPrivilegeEscalation: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
}

export interface ContainerPort {
  readonly name: string | undefined;
  readonly containerPort: number;
  readonly hostPort: number | undefined;
  readonly hostIp: string | undefined;
  readonly protocol: string;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: string | undefined;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string | undefined;
  readonly env: readonly EnvEntry[];
  readonly envFrom: readonly EnvFrom[];
  readonly ports: readonly ContainerPort[];
  readonly mounts: readonly VolumeMount[];
  readonly security: SecurityContext;
  /** Of an init container: `Always` makes it a native sidecar. */
  readonly restartPolicy: RestartPolicy | undefined;
  readonly startupProbe: ProbeSpec | undefined;
  readonly readinessProbe: ProbeSpec | undefined;
  readonly livenessProbe: ProbeSpec | undefined;
  readonly postStart: Action | undefined;
  readonly preStop: Action | undefined;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly terminationMessagePath: string;
  readonly terminationMessageFromLogs: boolean;
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
}

function decodeEnv(value: unknown): EnvEntry {
  const entry = fieldsOf(value);
  const name = textOr(entry["name"], "");
  const from = optionalFields(entry["valueFrom"]);
  const field = from && optionalFields(from["fieldRef"]);
  if (field) return { name, source: { kind: "field", path: textOr(field["fieldPath"], "") } };
  const resource = from && optionalFields(from["resourceFieldRef"]);
  if (resource) {
    const { containerName, resource: what, divisor } = resource;
    return {
      name,
      source: {
        kind: "resource",
        container: text(containerName),
        resource: textOr(what, ""),
        divisor: textOr(divisor, "1"),
      },
    };
  }
  for (const [member, kind] of [["configMapKeyRef", "configMap"] as const, ["secretKeyRef", "secret"] as const]) {
    const reference = from && optionalFields(from[member]);
    if (!reference) continue;
    const { name: object, key, optional } = reference;
    return {
      name,
      source: { kind, name: textOr(object, ""), key: textOr(key, ""), optional: flag(optional) ?? false },
    };
  }
  return { name, source: { kind: "value", value: textOr(entry["value"], "") } };
}

function decodeEnvFrom(value: unknown): readonly EnvFrom[] {
  const entry = fieldsOf(value);
  const prefix = textOr(entry["prefix"], "");
  const result: EnvFrom[] = [];
  for (const [member, kind] of [["configMapRef", "configMap"] as const, ["secretRef", "secret"] as const]) {
    const reference = optionalFields(entry[member]);
    if (!reference) continue;
    result.push({ kind, prefix, name: textOr(reference["name"], ""), optional: flag(reference["optional"]) ?? false });
  }
  return result;
}

function decodeSecurity(container: Fields, pod: Fields): SecurityContext {
  const capabilities = fieldsOf(container["capabilities"]);
  return {
    runAsUser: number(container["runAsUser"]) ?? number(pod["runAsUser"]),
    runAsGroup: number(container["runAsGroup"]) ?? number(pod["runAsGroup"]),
    runAsNonRoot: flag(container["runAsNonRoot"]) ?? flag(pod["runAsNonRoot"]),
    privileged: flag(container["privileged"]) ?? false,
    readOnlyRootFilesystem: flag(container["readOnlyRootFilesystem"]) ?? false,
    allowPrivilegeEscalation: flag(container["allowPrivilegeEscalation"]) ?? true,
    addCapabilities: texts(capabilities["add"]),
    dropCapabilities: texts(capabilities["drop"]),
  };
}

/** `podSecurity` is the pod's `securityContext`, whose user and group are defaults of its containers. */
export function decodeContainer(value: unknown, podSecurity: Fields): ContainerSpec {
  const c = fieldsOf(value);
  const lifecycle = fieldsOf(c["lifecycle"]);
  const resources = fieldsOf(c["resources"]);
  const restart = text(c["restartPolicy"]);
  return {
    name: textOr(c["name"], ""),
    image: textOr(c["image"], ""),
    imagePullPolicy: text(c["imagePullPolicy"]),
    command: texts(c["command"]),
    args: texts(c["args"]),
    workingDir: text(c["workingDir"]) || undefined,
    env: listOf(c["env"]).map(decodeEnv),
    envFrom: listOf(c["envFrom"]).flatMap(decodeEnvFrom),
    ports: listOf(c["ports"]).map((entry) => {
      const port = fieldsOf(entry);
      return {
        name: text(port["name"]),
        containerPort: numberOr(port["containerPort"], 0),
        hostPort: number(port["hostPort"]) || undefined,
        hostIp: text(port["hostIP"]) || undefined,
        protocol: textOr(port["protocol"], "TCP"),
      };
    }),
    mounts: listOf(c["volumeMounts"]).map((entry) => {
      const mount = fieldsOf(entry);
      return {
        name: textOr(mount["name"], ""),
        mountPath: textOr(mount["mountPath"], ""),
        subPath: text(mount["subPath"]) || undefined,
        subPathExpr: text(mount["subPathExpr"]) || undefined,
        readOnly: flag(mount["readOnly"]) ?? false,
      };
    }),
    security: decodeSecurity(fieldsOf(c["securityContext"]), podSecurity),
    restartPolicy: restart === "Always" || restart === "OnFailure" || restart === "Never" ? restart : undefined,
    startupProbe: decodeProbe(c["startupProbe"]),
    readinessProbe: decodeProbe(c["readinessProbe"]),
    livenessProbe: decodeProbe(c["livenessProbe"]),
    postStart: decodeAction(fieldsOf(lifecycle["postStart"])),
    preStop: decodeAction(fieldsOf(lifecycle["preStop"])),
    stdin: flag(c["stdin"]) ?? false,
    tty: flag(c["tty"]) ?? false,
    terminationMessagePath: textOr(c["terminationMessagePath"], "/dev/termination-log"),
    terminationMessageFromLogs: c["terminationMessagePolicy"] === "FallbackToLogsOnError",
    requests: quantities(resources["requests"]),
    limits: quantities(resources["limits"]),
  };
}

function quantities(value: unknown): Readonly<Record<string, string>> {
  const numbers = Object.entries(fieldsOf(value)).filter(([, quantity]) => typeof quantity === "number");
  return { ...textMap(value), ...Object.fromEntries(numbers.map(([name, quantity]) => [name, String(quantity)])) };
}
