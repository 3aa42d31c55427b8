import { parseQuantity } from "../../quantity.ts";
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  notFoundField,
  required,
} from "../errors/field-errors.ts";
import { type Dict, dict, isDict, isEmpty, list, text } from "../json/json-value.ts";
import { nameErrors } from "../validate/names.ts";
import { nonNegative, oneOf, portErrors } from "./validation-kit.ts";

const PORT_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const ENV_NAME = /^[^=\p{Cc}]+$/u;
const PROTOCOLS = ["TCP", "UDP", "SCTP"];
const SCHEMES = ["HTTP", "HTTPS"];

export interface ContainerContext {
  readonly path: string;
  readonly kind: "container" | "init" | "ephemeral";
  readonly volumes: ReadonlySet<string>;
  /** Names seen so far in the pod. */
  readonly names: Set<string>;
}

function portNameErrors(path: string, name: string): FieldError[] {
  const errors: FieldError[] = [];
  const say = (detail: string) => errors.push(invalid(path, name, detail));
  if (name.length > 15) say("must be no more than 15 characters");
  if (!PORT_NAME.test(name)) say("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(name)) say("must contain at least one letter (a-z)");
  if (name.includes("--")) say("must not contain consecutive hyphens");
  return errors;
}

function containerPortErrors(container: Dict, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  list(container["ports"]).forEach((item, index) => {
    const port = dict(item);
    const here = `${path}.ports[${index}]`;
    const name = text(port["name"]);
    if (name !== "") {
      errors.push(...portNameErrors(`${here}.name`, name));
      if (names.has(name)) errors.push(duplicate(`${here}.name`, name));
      names.add(name);
    }
    if (port["containerPort"] === undefined || port["containerPort"] === 0)
      errors.push(required(`${here}.containerPort`));
    else errors.push(...portErrors(`${here}.containerPort`, port["containerPort"]));
    if (port["hostPort"] !== undefined && port["hostPort"] !== 0)
      errors.push(...portErrors(`${here}.hostPort`, port["hostPort"]));
    errors.push(...oneOf(`${here}.protocol`, port["protocol"], PROTOCOLS));
  });
  return errors;
}

function targetPortErrors(path: string, value: unknown): FieldError[] {
  if (typeof value === "string") return portNameErrors(path, value);
  return portErrors(path, value ?? 0);
}

function handlerErrors(handler: Dict, path: string): FieldError[] {
  const kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"].filter((name) => isDict(handler[name]));
  const errors: FieldError[] = [];
  if (kinds.length === 0) return [required(path, "must specify a handler type")];
  for (const extra of kinds.slice(1)) {
    errors.push(forbiddenField(`${path}.${extra}`, "may not specify more than 1 handler type"));
  }
  if (isDict(handler["exec"]) && list(handler["exec"]["command"]).length === 0)
    errors.push(required(`${path}.exec.command`));
  if (isDict(handler["httpGet"])) {
    errors.push(...targetPortErrors(`${path}.httpGet.port`, handler["httpGet"]["port"]));
    errors.push(...oneOf(`${path}.httpGet.scheme`, handler["httpGet"]["scheme"], SCHEMES));
  }
  if (isDict(handler["tcpSocket"]))
    errors.push(...targetPortErrors(`${path}.tcpSocket.port`, handler["tcpSocket"]["port"]));
  if (isDict(handler["grpc"])) errors.push(...portErrors(`${path}.grpc.port`, handler["grpc"]["port"]));
  return errors;
}

function probeErrors(container: Dict, name: string, path: string): FieldError[] {
  const probe = container[name];
  if (!isDict(probe)) return [];
  const here = `${path}.${name}`;
  const errors = handlerErrors(probe, here);
  for (const key of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ]) {
    errors.push(...nonNegative(`${here}.${key}`, probe[key]));
  }
  if (name !== "readinessProbe" && probe["successThreshold"] !== 1) {
    errors.push(invalid(`${here}.successThreshold`, probe["successThreshold"], "must be 1"));
  }
  return errors;
}

function envErrors(container: Dict, path: string): FieldError[] {
  const errors: FieldError[] = [];
  list(container["env"]).forEach((item, index) => {
    const here = `${path}.env[${index}]`;
    const { name, value, valueFrom } = dict(item);
    if (isEmpty(name)) errors.push(required(`${here}.name`));
    else if (!ENV_NAME.test(text(name))) {
      errors.push(
        invalid(
          `${here}.name`,
          name,
          "a valid environment variable name must consist only of printable ASCII characters other than '='",
        ),
      );
    }
    if (!isDict(valueFrom)) return;
    if (!isEmpty(value))
      errors.push(invalid(`${here}.valueFrom`, "", "may not be specified when `value` is not empty"));
    const sources = Object.keys(valueFrom).filter((key) => isDict(valueFrom[key]));
    if (sources.length === 0) {
      errors.push(
        invalid(
          `${here}.valueFrom`,
          "",
          "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        ),
      );
    }
    for (const key of ["configMapKeyRef", "secretKeyRef"]) {
      const reference = valueFrom[key];
      if (isDict(reference) && isEmpty(reference["key"])) errors.push(required(`${here}.valueFrom.${key}.key`));
    }
  });
  return errors;
}

function mountErrors(container: Dict, context: ContainerContext, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  list(container["volumeMounts"]).forEach((item, index) => {
    const here = `${path}.volumeMounts[${index}]`;
    const name = text(dict(item)["name"]);
    const mountPath = text(dict(item)["mountPath"]);
    if (name === "") errors.push(required(`${here}.name`));
    else if (!context.volumes.has(name)) errors.push(notFoundField(`${here}.name`, name));
    if (mountPath === "") errors.push(required(`${here}.mountPath`));
    else if (seen.has(mountPath)) errors.push(invalid(`${here}.mountPath`, mountPath, "must be unique"));
    seen.add(mountPath);
  });
  return errors;
}

function resourceErrors(container: Dict, path: string): FieldError[] {
  const limits = dict(dict(container["resources"])["limits"]);
  const requests = dict(dict(container["resources"])["requests"]);
  return Object.entries(requests).flatMap(([name, amount]) => {
    const limit = limits[name];
    if (limit === undefined || quantity(amount) <= quantity(limit)) return [];
    return [
      invalid(`${path}.resources.requests`, amount, `must be less than or equal to ${name} limit of ${text(limit)}`),
    ];
  });
}

const quantity = (amount: unknown): number => parseQuantity(text(amount)) ?? Number.NaN;

export function containerErrors(item: unknown, context: ContainerContext): FieldError[] {
  const container = dict(item);
  const { path } = context;
  const errors: FieldError[] = [];
  const name = text(container["name"]);
  if (name === "") errors.push(required(`${path}.name`));
  else {
    errors.push(...nameErrors(`${path}.name`, name, "label"));
    if (context.names.has(name)) errors.push(duplicate(`${path}.name`, name));
    context.names.add(name);
  }
  const image = text(container["image"]);
  if (image === "") errors.push(required(`${path}.image`));
  else if (image !== image.trim())
    errors.push(invalid(`${path}.image`, image, "must not have leading or trailing whitespace"));
  errors.push(...oneOf(`${path}.imagePullPolicy`, container["imagePullPolicy"], ["Always", "IfNotPresent", "Never"]));
  errors.push(
    ...oneOf(`${path}.terminationMessagePolicy`, container["terminationMessagePolicy"], [
      "File",
      "FallbackToLogsOnError",
    ]),
  );
  errors.push(...containerPortErrors(container, path), ...envErrors(container, path));
  errors.push(...mountErrors(container, context, path), ...resourceErrors(container, path));
  const sidecar = container["restartPolicy"] === "Always";
  if (container["restartPolicy"] !== undefined && context.kind === "init") {
    errors.push(...oneOf(`${path}.restartPolicy`, container["restartPolicy"], ["Always", "Never", "OnFailure"]));
  }
  for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    if (container[probe] === undefined) continue;
    if (context.kind === "init" && !sidecar) {
      errors.push(
        forbiddenField(`${path}.${probe}`, "may not be set for init containers without restartPolicy=Always"),
      );
    } else errors.push(...probeErrors(container, probe, path));
  }
  const lifecycle = dict(container["lifecycle"]);
  for (const hook of ["postStart", "preStop"]) {
    if (isDict(lifecycle[hook])) errors.push(...handlerErrors(lifecycle[hook], `${path}.lifecycle.${hook}`));
  }
  return errors;
}
