import type { KubeObject } from "../../contract/index.ts";
import { type FieldError, invalid, required, unsupportedInOrder } from "../errors/field-errors.ts";
import { at, type Dict, dict, isDict, isEmpty, text } from "../json/json-value.ts";
import { labelErrors } from "../validate/names.ts";
import { podSpecErrors } from "./pod-validation.ts";
import { immutable, labelSelectorErrors, nonNegative, oneOf, selectsLabels } from "./validation-kit.ts";

function selectorErrors(spec: Dict): FieldError[] {
  if (!isDict(spec["selector"])) return [required("spec.selector")];
  const errors = labelSelectorErrors("spec.selector", spec["selector"]);
  const { matchLabels, matchExpressions } = spec["selector"];
  if (isEmpty(matchLabels) && isEmpty(matchExpressions)) {
    errors.push(invalid("spec.selector", spec["selector"], "empty selector is invalid for deployment"));
  }
  return errors;
}

export function templateErrors(spec: Dict, restart: readonly string[]): FieldError[] {
  const labels = at(spec, "template", "metadata", "labels");
  const errors: FieldError[] = [];
  const selector = spec["selector"];
  if (!isDict(selector) || !selectsLabels(selector, labels)) {
    errors.push(
      invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`"),
    );
  }
  errors.push(...labelErrors("spec.template.labels", labels));
  errors.push(...podSpecErrors(at(spec, "template", "spec"), "spec.template.spec"));
  const policy = text(at(spec, "template", "spec", "restartPolicy"));
  if (!restart.includes(policy)) errors.push(unsupportedInOrder("spec.template.spec.restartPolicy", policy, restart));
  return errors;
}

const ALWAYS = ["Always"];

export function deploymentErrors(object: Dict): readonly FieldError[] {
  const spec = dict(object["spec"]);
  const errors = [
    ...nonNegative("spec.replicas", spec["replicas"]),
    ...selectorErrors(spec),
    ...templateErrors(spec, ALWAYS),
  ];
  const type = at(spec, "strategy", "type");
  errors.push(...oneOf("spec.strategy.type", type, ["Recreate", "RollingUpdate"]));
  if (type === "Recreate" && at(spec, "strategy", "rollingUpdate") !== undefined) {
    errors.push({
      path: "spec.strategy.rollingUpdate",
      reason: "FieldValueForbidden",
      body: "Forbidden: may not be specified when strategy `type` is 'Recreate'",
    });
  }
  const unavailable = at(spec, "strategy", "rollingUpdate", "maxUnavailable");
  const surge = at(spec, "strategy", "rollingUpdate", "maxSurge");
  const zero = (value: unknown) => value === 0 || value === "0%";
  if (type === "RollingUpdate" && zero(unavailable) && zero(surge)) {
    errors.push(
      invalid("spec.strategy.rollingUpdate.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0"),
    );
  }
  return errors;
}

export function selectorUpdateErrors(object: Dict, present: KubeObject): readonly FieldError[] {
  return immutable("spec.selector", object, present, "spec", "selector");
}

export function replicaSetErrors(object: Dict): readonly FieldError[] {
  const spec = dict(object["spec"]);
  return [...nonNegative("spec.replicas", spec["replicas"]), ...selectorErrors(spec), ...templateErrors(spec, ALWAYS)];
}

export function daemonSetErrors(object: Dict): readonly FieldError[] {
  const spec = dict(object["spec"]);
  return [...selectorErrors(spec), ...templateErrors(spec, ALWAYS)];
}

export function statefulSetErrors(object: Dict): readonly FieldError[] {
  const spec = dict(object["spec"]);
  return [
    ...oneOf("spec.podManagementPolicy", spec["podManagementPolicy"], ["OrderedReady", "Parallel"]),
    ...nonNegative("spec.replicas", spec["replicas"]),
    ...selectorErrors(spec),
    ...templateErrors(spec, ALWAYS),
  ];
}

const STATEFULSET_FREE = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];

export function statefulSetUpdateErrors(object: Dict, present: KubeObject): readonly FieldError[] {
  const fixed = (spec: unknown) =>
    JSON.stringify(
      Object.entries(dict(spec))
        .filter(([key]) => !STATEFULSET_FREE.includes(key))
        .sort(),
    );
  if (fixed(object["spec"]) === fixed(present["spec"])) return [];
  return [
    {
      path: "spec",
      reason: "FieldValueForbidden",
      body: "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    },
  ];
}

const JOB_RESTART = ["OnFailure", "Never"];

export function jobErrors(object: Dict): readonly FieldError[] {
  const spec = dict(object["spec"]);
  const errors = [
    "parallelism",
    "completions",
    "backoffLimit",
    "activeDeadlineSeconds",
    "ttlSecondsAfterFinished",
  ].flatMap((key) => nonNegative(`spec.${key}`, spec[key]));
  const template = templateErrors(spec, JOB_RESTART).map((error) =>
    error.path === "spec.template.spec.restartPolicy" && error.reason === "FieldValueNotSupported"
      ? required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')
      : error,
  );
  return [...errors, ...template];
}

export function jobUpdateErrors(object: Dict, present: KubeObject): readonly FieldError[] {
  return [
    ...immutable("spec.selector", object, present, "spec", "selector"),
    ...immutable("spec.template", object, present, "spec", "template"),
  ];
}

const FIELD = "(\\*|\\?|[\\w,\\-/*]+)";
const SCHEDULE = new RegExp(
  `^(@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \\S+)|${FIELD}(\\s+${FIELD}){4})$`,
);

export function cronJobErrors(object: Dict): readonly FieldError[] {
  const spec = dict(object["spec"]);
  const errors: FieldError[] = [];
  const schedule = text(spec["schedule"]);
  if (schedule === "") errors.push(required("spec.schedule"));
  else if (!SCHEDULE.test(schedule.trim())) {
    const count = schedule.trim().split(/\s+/).length;
    errors.push(
      invalid(
        "spec.schedule",
        schedule,
        `expected exactly 5 fields, found ${count}: [${schedule.trim().split(/\s+/).join(" ")}]`,
      ),
    );
  }
  errors.push(...oneOf("spec.concurrencyPolicy", spec["concurrencyPolicy"], ["Allow", "Forbid", "Replace"]));
  const inner = podSpecErrors(
    at(spec, "jobTemplate", "spec", "template", "spec"),
    "spec.jobTemplate.spec.template.spec",
  );
  errors.push(...inner);
  const policy = text(at(spec, "jobTemplate", "spec", "template", "spec", "restartPolicy"));
  if (!JOB_RESTART.includes(policy)) {
    errors.push(required("spec.jobTemplate.spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'));
  }
  return errors;
}
