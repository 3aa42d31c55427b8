import type { KubeObject } from "../../contract/index.ts";
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  required,
  unsupportedInOrder,
} from "../errors/field-errors.ts";
import {
  at,
  child,
  children,
  cloneDict,
  type Dict,
  type Draft,
  dict,
  isDict,
  list,
  sameJson,
  text,
} from "../json/json-value.ts";
import { nameErrors } from "../validate/names.ts";
import { containerErrors } from "./container-validation.ts";
import { nonNegative, oneOf } from "./validation-kit.ts";

const DNS_POLICIES = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
const RESTART_POLICIES = ["Always", "OnFailure", "Never"];

function volumeErrors(volumes: readonly unknown[], path: string): { errors: FieldError[]; names: Set<string> } {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  volumes.forEach((item, index) => {
    const volume = dict(item);
    const here = `${path}.volumes[${index}]`;
    const name = text(volume["name"]);
    if (name === "") errors.push(required(`${here}.name`));
    else {
      errors.push(...nameErrors(`${here}.name`, name, "label"));
      if (names.has(name)) errors.push(duplicate(`${here}.name`, name));
      names.add(name);
    }
    const sources = Object.keys(volume).filter((key) => key !== "name" && isDict(volume[key]));
    for (const extra of sources.slice(1)) {
      errors.push(forbiddenField(`${here}.${extra}`, "may not specify more than 1 volume type"));
    }
    const needed = { secret: "secretName", configMap: "name", hostPath: "path", persistentVolumeClaim: "claimName" };
    for (const [source, field] of Object.entries(needed)) {
      const value = volume[source];
      if (isDict(value) && text(value[field]) === "") errors.push(required(`${here}.${source}.${field}`));
    }
    const projected = dict(volume["projected"]);
    list(projected["sources"]).forEach((part, position) => {
      const token = dict(part)["serviceAccountToken"];
      if (!isDict(token)) return;
      const where = `${here}.projected.sources[${position}].serviceAccountToken`;
      const seconds = token["expirationSeconds"];
      if (typeof seconds === "number" && seconds < 600) {
        errors.push(invalid(`${where}.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes"));
      }
      if (text(token["path"]) === "") errors.push(required(`${where}.path`));
    });
  });
  return { errors, names };
}

/** Problems of a pod's or a template's spec. */
export function podSpecErrors(value: unknown, path: string): FieldError[] {
  const spec = dict(value);
  const { errors, names: volumes } = volumeErrors(list(spec["volumes"]), path);
  const names = new Set<string>();
  const containers = list(spec["containers"]);
  if (containers.length === 0) errors.push(required(`${path}.containers`));
  containers.forEach((item, index) => {
    errors.push(...containerErrors(item, { path: `${path}.containers[${index}]`, kind: "container", volumes, names }));
  });
  list(spec["initContainers"]).forEach((item, index) => {
    errors.push(...containerErrors(item, { path: `${path}.initContainers[${index}]`, kind: "init", volumes, names }));
  });
  list(spec["ephemeralContainers"]).forEach((item, index) => {
    const here = `${path}.ephemeralContainers[${index}]`;
    errors.push(...containerErrors(item, { path: here, kind: "ephemeral", volumes, names }));
  });
  if (!RESTART_POLICIES.includes(text(spec["restartPolicy"])))
    errors.push(unsupportedInOrder(`${path}.restartPolicy`, spec["restartPolicy"] ?? "", RESTART_POLICIES));
  errors.push(...oneOf(`${path}.dnsPolicy`, spec["dnsPolicy"], DNS_POLICIES));
  errors.push(...nonNegative(`${path}.terminationGracePeriodSeconds`, spec["terminationGracePeriodSeconds"]));
  const account = text(spec["serviceAccountName"]);
  if (account !== "") errors.push(...nameErrors(`${path}.serviceAccountName`, account, "subdomain"));
  const hostname = text(spec["hostname"]);
  if (hostname !== "") errors.push(...nameErrors(`${path}.hostname`, hostname, "label"));
  return errors;
}

export function podErrors(pod: Dict): readonly FieldError[] {
  return podSpecErrors(pod["spec"], "spec");
}

const UPDATE_TEXT =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** The spec without what may change. */
function fixedPart(pod: Dict): Draft {
  const spec = cloneDict(dict(pod["spec"]));
  for (const list of ["containers", "initContainers"]) {
    for (const container of children(spec, list)) delete container["image"];
  }
  for (const key of ["activeDeadlineSeconds", "tolerations", "ephemeralContainers", "schedulingGates"])
    delete spec[key];
  return spec;
}

export function podUpdateErrors(pod: Dict, present: KubeObject): readonly FieldError[] {
  const after = fixedPart(pod);
  const before = fixedPart(present);
  // The scheduler's binding sets the node once.
  if (text(before["nodeName"]) === "") delete after["nodeName"];
  if (sameJson(after, before)) return [];
  if (list(at(pod, "spec", "containers")).length !== list(at(present, "spec", "containers")).length) {
    return [forbiddenField("spec.containers", "may not add or remove containers")];
  }
  return [forbiddenField("spec", UPDATE_TEXT)];
}

export function preparePod(draft: Draft): void {
  const status = child(draft, "status");
  for (const key of Object.keys(status)) delete status[key];
}
