import type { KubeObject } from "../../contract/index.ts";
import {
  type FieldError,
  forbiddenField,
  invalid,
  required,
  tooLong,
  unsupported,
  unsupportedInOrder,
} from "../errors/field-errors.ts";
import { at, type Dict, dict, isDict, isEmpty, list, sameJson, text } from "../json/json-value.ts";
import { nameErrors } from "../validate/names.ts";
import { immutable, labelSelectorErrors, oneOf, portErrors } from "./validation-kit.ts";

const KEY = /^[-._a-zA-Z0-9]+$/;
const KEY_TEXT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const MOST_BYTES = 1024 * 1024;

function keyErrors(path: string, data: unknown): { errors: FieldError[]; size: number } {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(dict(data))) {
    if (!KEY.test(key)) errors.push(invalid(`${path}[${key}]`, key, KEY_TEXT));
    size += text(value).length;
  }
  return { errors, size };
}

export function configMapErrors(object: Dict): readonly FieldError[] {
  const data = keyErrors("data", object["data"]);
  const binary = keyErrors("binaryData", object["binaryData"]);
  const errors = [...data.errors, ...binary.errors];
  for (const key of Object.keys(dict(object["binaryData"]))) {
    if (dict(object["data"])[key] !== undefined)
      errors.push(invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
  }
  if (data.size + binary.size > MOST_BYTES) errors.push(tooLong("", MOST_BYTES));
  return errors;
}

export function immutableDataErrors(object: Dict, present: KubeObject): readonly FieldError[] {
  if (present["immutable"] !== true) return [];
  const errors: FieldError[] = [];
  if (object["immutable"] !== true)
    errors.push(forbiddenField("immutable", "field is immutable when `immutable` is set"));
  for (const key of ["data", "binaryData"]) {
    if (!sameJson(object[key], present[key]))
      errors.push(forbiddenField(key, "field is immutable when `immutable` is set"));
  }
  return errors;
}

const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
};

export function secretErrors(object: Dict): readonly FieldError[] {
  const data = dict(object["data"]);
  const { errors, size } = keyErrors("data", data);
  if (size > (MOST_BYTES * 4) / 3) errors.push(tooLong("data", MOST_BYTES));
  for (const key of SECRET_KEYS[text(object["type"])] ?? []) {
    if (data[key] === undefined) errors.push(required(`data[${key}]`));
  }
  return errors;
}

export function secretUpdateErrors(object: Dict, present: KubeObject): readonly FieldError[] {
  return [...immutable("type", object, present, "type"), ...immutableDataErrors(object, present)];
}

export function roleErrors(object: Dict): readonly FieldError[] {
  const clusterWide = object["kind"] === "ClusterRole";
  return list(object["rules"]).flatMap((item, index) => {
    const rule = dict(item);
    const here = `rules[${index}]`;
    const errors: FieldError[] = [];
    if (list(rule["verbs"]).length === 0)
      errors.push(required(`${here}.verbs`, "verbs must contain at least one value"));
    if (list(rule["nonResourceURLs"]).length > 0) {
      if (!clusterWide)
        errors.push(
          invalid(
            `${here}.nonResourceURLs`,
            rule["nonResourceURLs"],
            "namespaced rules cannot apply to non-resource URLs",
          ),
        );
      return errors;
    }
    if (list(rule["apiGroups"]).length === 0)
      errors.push(required(`${here}.apiGroups`, "resource rules must supply at least one api group"));
    if (list(rule["resources"]).length === 0)
      errors.push(required(`${here}.resources`, "resource rules must supply at least one resource"));
    return errors;
  });
}

export function roleBindingErrors(object: Dict): readonly FieldError[] {
  const role = dict(object["roleRef"]);
  const errors: FieldError[] = [];
  const kinds = object["kind"] === "ClusterRoleBinding" ? ["ClusterRole"] : ["Role", "ClusterRole"];
  if (role["apiGroup"] !== "rbac.authorization.k8s.io") {
    errors.push(unsupported("roleRef.apiGroup", role["apiGroup"] ?? "", ["rbac.authorization.k8s.io"]));
  }
  if (!kinds.includes(text(role["kind"]))) errors.push(unsupportedInOrder("roleRef.kind", role["kind"] ?? "", kinds));
  if (isEmpty(role["name"])) errors.push(required("roleRef.name"));
  list(object["subjects"]).forEach((item, index) => {
    const subject = dict(item);
    const here = `subjects[${index}]`;
    if (isEmpty(subject["name"])) errors.push(required(`${here}.name`));
    if (subject["kind"] === "ServiceAccount") {
      if (isEmpty(subject["namespace"])) errors.push(required(`${here}.namespace`));
    } else if (subject["kind"] !== "User" && subject["kind"] !== "Group") {
      errors.push(unsupported(`${here}.kind`, subject["kind"] ?? "", ["ServiceAccount", "User", "Group"]));
    }
  });
  return errors;
}

export function roleBindingUpdateErrors(object: Dict, present: KubeObject): readonly FieldError[] {
  if (sameJson(object["roleRef"], present["roleRef"])) return [];
  return [invalid("roleRef", object["roleRef"], "cannot change roleRef")];
}

export function networkPolicyErrors(object: Dict): readonly FieldError[] {
  const choices = ["Ingress", "Egress"];
  return list(at(object, "spec", "policyTypes")).flatMap((type, index) =>
    choices.includes(text(type)) ? [] : [unsupportedInOrder(`spec.policyTypes[${index}]`, type, choices)],
  );
}

export function webhookErrors(object: Dict): readonly FieldError[] {
  const names = new Set<string>();
  return list(object["webhooks"]).flatMap((item, index) => {
    const hook = dict(item);
    const here = `webhooks[${index}]`;
    const errors: FieldError[] = [];
    const name = text(hook["name"]);
    if (name === "") errors.push(required(`${here}.name`));
    else if (name.split(".").length < 3) {
      errors.push(invalid(`${here}.name`, name, "should be a domain with at least three segments separated by dots"));
    } else errors.push(...nameErrors(`${here}.name`, name, "subdomain"));
    if (names.has(name))
      errors.push({
        path: `${here}.name`,
        reason: "FieldValueDuplicate",
        body: `Duplicate value: ${JSON.stringify(name)}`,
      });
    names.add(name);
    errors.push(...oneOf(`${here}.failurePolicy`, hook["failurePolicy"], ["Fail", "Ignore"]));
    errors.push(...oneOf(`${here}.matchPolicy`, hook["matchPolicy"], ["Equivalent", "Exact"]));
    if (hook["sideEffects"] === undefined)
      errors.push(required(`${here}.sideEffects`, "must specify one of None, NoneOnDryRun"));
    else errors.push(...oneOf(`${here}.sideEffects`, hook["sideEffects"], ["None", "NoneOnDryRun"]));
    const client = dict(hook["clientConfig"]);
    if ((client["url"] === undefined) === (client["service"] === undefined)) {
      errors.push(required(`${here}.clientConfig`, "exactly one of url or service is required"));
    }
    if (isDict(client["service"])) {
      for (const key of ["name", "namespace"]) {
        if (isEmpty(client["service"][key])) errors.push(required(`${here}.clientConfig.service.${key}`));
      }
    }
    const versions = list(hook["admissionReviewVersions"]);
    if (versions.length === 0)
      errors.push(required(`${here}.admissionReviewVersions`, "must specify one of v1, v1beta1"));
    else if (!versions.includes("v1") && !versions.includes("v1beta1")) {
      errors.push(invalid(`${here}.admissionReviewVersions`, versions, "must include at least one of v1, v1beta1"));
    }
    const seconds = hook["timeoutSeconds"];
    if (typeof seconds !== "number" || seconds < 1 || seconds > 30) {
      errors.push(
        invalid(`${here}.timeoutSeconds`, seconds ?? 0, "the timeout value must be between 1 and 30 seconds"),
      );
    }
    if (list(hook["matchConditions"]).length > 0) {
      errors.push(
        forbiddenField(
          `${here}.matchConditions`,
          "this cluster evaluates no CEL expressions; use namespaceSelector, objectSelector or rules",
        ),
      );
    }
    errors.push(...labelSelectorErrors(`${here}.namespaceSelector`, hook["namespaceSelector"]));
    errors.push(...labelSelectorErrors(`${here}.objectSelector`, hook["objectSelector"]));
    return errors;
  });
}

export function ingressErrors(object: Dict): readonly FieldError[] {
  const spec = dict(object["spec"]);
  const errors: FieldError[] = [];
  if (list(spec["rules"]).length === 0 && spec["defaultBackend"] === undefined) {
    errors.push(invalid("spec", {}, "either `defaultBackend` or `rules` must be specified"));
  }
  list(spec["rules"]).forEach((rule, index) => {
    list(at(rule, "http", "paths")).forEach((item, position) => {
      const here = `spec.rules[${index}].http.paths[${position}]`;
      const { path, pathType, backend } = dict(item);
      if (pathType === undefined) errors.push(required(`${here}.pathType`, "pathType must be specified"));
      else errors.push(...oneOf(`${here}.pathType`, pathType, ["Exact", "ImplementationSpecific", "Prefix"]));
      if (pathType !== "ImplementationSpecific" && !text(path).startsWith("/")) {
        errors.push(invalid(`${here}.path`, path ?? "", "must be an absolute path"));
      }
      const service = at(backend, "service");
      if (!isDict(service) && at(backend, "resource") === undefined)
        errors.push(required(`${here}.backend`, "either service or resource backend must be specified"));
      if (isDict(service) && typeof at(service, "port", "number") === "number") {
        errors.push(...portErrors(`${here}.backend.service.port.number`, at(service, "port", "number")));
      }
    });
  });
  return errors;
}

export function endpointSliceErrors(object: Dict): readonly FieldError[] {
  const errors = [...oneOf("addressType", object["addressType"], ["FQDN", "IPv4", "IPv6"])];
  list(object["endpoints"]).forEach((item, index) => {
    if (list(dict(item)["addresses"]).length === 0) {
      errors.push(required(`endpoints[${index}].addresses`, "must contain at least 1 address"));
    }
  });
  return errors;
}
