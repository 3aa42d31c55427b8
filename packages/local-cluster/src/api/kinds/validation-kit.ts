import { type FieldError, invalid, required, unsupported } from "../errors/field-errors.ts";
import { at, type Dict, dict, list, sameJson, text } from "../json/json-value.ts";
import { labelErrors, labelValueErrors, qualifiedNameErrors } from "../validate/names.ts";

/** Collects the problems of one object. */
export class Problems {
  readonly #errors: FieldError[] = [];

  add(...errors: readonly FieldError[]): void {
    this.#errors.push(...errors);
  }

  get all(): readonly FieldError[] {
    return this.#errors;
  }
}

export function nonNegative(path: string, value: unknown): FieldError[] {
  return typeof value === "number" && value < 0 ? [invalid(path, value, "must be greater than or equal to 0")] : [];
}

export function portErrors(path: string, value: unknown): FieldError[] {
  if (typeof value !== "number" || value < 1 || value > 65535) {
    return [invalid(path, value, "must be between 1 and 65535, inclusive")];
  }
  return [];
}

export function oneOf(path: string, value: unknown, choices: readonly string[]): FieldError[] {
  return typeof value === "string" && choices.includes(value) ? [] : [unsupported(path, value ?? "", choices)];
}

export function labelSelectorErrors(path: string, selector: unknown): FieldError[] {
  const errors = labelErrors(`${path}.matchLabels`, dict(selector)["matchLabels"]);
  list(dict(selector)["matchExpressions"]).forEach((item, index) => {
    const here = `${path}.matchExpressions[${index}]`;
    const { key, operator, values } = dict(item);
    const given = list(values);
    if (operator === "In" || operator === "NotIn") {
      if (given.length === 0)
        errors.push(required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (given.length > 0) {
        errors.push({
          path: `${here}.values`,
          reason: "FieldValueForbidden",
          body: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        });
      }
    } else errors.push(invalid(`${here}.operator`, operator ?? "", "not a valid selector operator"));
    errors.push(...qualifiedNameErrors(`${here}.key`, text(key)));
    given.forEach((value, position) => {
      errors.push(...labelValueErrors(`${here}.values[${position}]`, text(value)));
    });
  });
  return errors;
}

/** Whether `matchLabels` would select the labels; expressions are left to the controllers. */
export function selectsLabels(selector: unknown, labels: unknown): boolean {
  const wanted = dict(dict(selector)["matchLabels"]);
  const present = dict(labels);
  return Object.entries(wanted).every(([key, value]) => present[key] === value);
}

export function immutable(path: string, after: Dict, before: Dict, ...keys: readonly string[]): FieldError[] {
  const now = at(after, ...keys);
  const then = at(before, ...keys);
  return sameJson(now, then) ? [] : [invalid(path, now ?? null, "field is immutable")];
}
