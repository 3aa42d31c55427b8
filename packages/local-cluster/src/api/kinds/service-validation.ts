import type { KubeObject } from "../../contract/index.ts";
import { duplicate, type FieldError, invalid, required } from "../errors/field-errors.ts";
import { at, type Dict, dict, list, text } from "../json/json-value.ts";
import { labelErrors, nameErrors } from "../validate/names.ts";
import { immutable, oneOf, portErrors } from "./validation-kit.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const ADDRESS = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

export function isIpAddress(value: string): boolean {
  const found = ADDRESS.exec(value);
  return found ? found.slice(1).every((part) => Number(part) <= 255) : value.includes(":");
}

function servicePortErrors(spec: Dict): FieldError[] {
  const errors: FieldError[] = [];
  const ports = list(spec["ports"]);
  const names = new Set<string>();
  const taken = new Set<string>();
  ports.forEach((item, index) => {
    const port = dict(item);
    const here = `spec.ports[${index}]`;
    const name = text(port["name"]);
    if (name === "") {
      if (ports.length > 1) errors.push(required(`${here}.name`));
    } else {
      errors.push(...nameErrors(`${here}.name`, name, "label"));
      if (names.has(name)) errors.push(duplicate(`${here}.name`, name));
      names.add(name);
    }
    errors.push(...portErrors(`${here}.port`, port["port"] ?? 0));
    errors.push(...oneOf(`${here}.protocol`, port["protocol"], PROTOCOLS));
    const target = port["targetPort"];
    if (typeof target === "number") errors.push(...portErrors(`${here}.targetPort`, target));
    else if (typeof target === "string" && !/^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/.test(target)) {
      errors.push(
        invalid(`${here}.targetPort`, target, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"),
      );
    }
    const key = `${text(port["protocol"])}/${String(port["port"])}`;
    if (taken.has(key)) errors.push(duplicate(here, { protocol: port["protocol"], port: port["port"] }));
    taken.add(key);
    const outside = spec["type"] === "NodePort" || spec["type"] === "LoadBalancer";
    if (port["nodePort"] !== undefined && !outside) {
      errors.push({
        path: `${here}.nodePort`,
        reason: "FieldValueForbidden",
        body: "Forbidden: may not be used when `type` is 'ClusterIP'",
      });
    }
  });
  return errors;
}

export function serviceErrors(object: Dict): readonly FieldError[] {
  const spec = dict(object["spec"]);
  const errors: FieldError[] = [];
  const { type, clusterIP } = spec;
  const headless = clusterIP === "None";
  if (list(spec["ports"]).length === 0 && !headless && type !== "ExternalName") errors.push(required("spec.ports"));
  errors.push(...oneOf("spec.type", type, TYPES));
  if (type === "ExternalName") {
    if (text(spec["externalName"]) === "") errors.push(required("spec.externalName"));
    else errors.push(...nameErrors("spec.externalName", text(spec["externalName"]).replace(/\.$/, ""), "subdomain"));
    if (text(clusterIP) !== "") {
      errors.push({
        path: "spec.clusterIPs",
        reason: "FieldValueForbidden",
        body: "Forbidden: may not be set for ExternalName services",
      });
    }
  } else if (text(clusterIP) !== "" && !headless && !isIpAddress(text(clusterIP))) {
    errors.push(
      invalid("spec.clusterIPs[0]", clusterIP, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    );
  }
  if (headless && (type === "NodePort" || type === "LoadBalancer")) {
    errors.push(invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${text(type)} services`));
  }
  errors.push(...servicePortErrors(spec), ...labelErrors("spec.selector", spec["selector"]));
  errors.push(...oneOf("spec.sessionAffinity", spec["sessionAffinity"], ["ClientIP", "None"]));
  if (spec["internalTrafficPolicy"] !== undefined) {
    errors.push(...oneOf("spec.internalTrafficPolicy", spec["internalTrafficPolicy"], ["Cluster", "Local"]));
  }
  if (spec["externalTrafficPolicy"] !== undefined) {
    errors.push(...oneOf("spec.externalTrafficPolicy", spec["externalTrafficPolicy"], ["Cluster", "Local"]));
  }
  return errors;
}

export function serviceUpdateErrors(object: Dict, present: KubeObject): readonly FieldError[] {
  const leaves = at(object, "spec", "type") === "ExternalName" || at(present, "spec", "type") === "ExternalName";
  if (leaves || text(at(present, "spec", "clusterIP")) === "") return [];
  return immutable("spec.clusterIPs[0]", object, present, "spec", "clusterIP").map((error) =>
    invalid(error.path, list(at(object, "spec", "clusterIPs")), "may not change once set"),
  );
}
