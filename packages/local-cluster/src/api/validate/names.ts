import { type FieldError, invalid, tooLong } from "../errors/field-errors.ts";
import { isDict } from "../json/json-value.ts";

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035_TEXT =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

export type NameForm = "subdomain" | "label" | "label1035" | "path";

const FORMS = {
  subdomain: { regex: SUBDOMAIN, message: SUBDOMAIN_TEXT, most: 253 },
  label: { regex: LABEL, message: LABEL_TEXT, most: 63 },
  label1035: { regex: LABEL_1035, message: LABEL_1035_TEXT, most: 63 },
} as const;

export function nameErrors(path: string, name: string, form: NameForm): FieldError[] {
  if (form === "path") {
    if (name === "." || name === "..") return [invalid(path, name, `may not be '${name}'`)];
    return ["/", "%"].filter((bad) => name.includes(bad)).map((bad) => invalid(path, name, `may not contain '${bad}'`));
  }
  const { regex, message, most } = FORMS[form];
  const errors: FieldError[] = [];
  if (name.length > most) errors.push(invalid(path, name, `must be no more than ${most} characters`));
  if (!regex.test(name)) errors.push(invalid(path, name, message));
  return errors;
}

export function qualifiedNameErrors(path: string, key: string, shown: unknown = key): FieldError[] {
  const parts = key.split("/");
  const errors: FieldError[] = [];
  const say = (detail: string) => errors.push(invalid(path, shown, detail));
  if (parts.length > 2) {
    say(
      "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    );
    return errors;
  }
  const name = parts.length === 2 ? (parts[1] ?? "") : key;
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    if (prefix === "") say("prefix part must be non-empty");
    else if (!SUBDOMAIN.test(prefix)) say(`prefix part ${SUBDOMAIN_TEXT}`);
  }
  if (name === "") say("name part must be non-empty");
  else if (name.length > 63) say("name part must be no more than 63 characters");
  if (!QUALIFIED_NAME.test(name)) say(QUALIFIED_TEXT);
  return errors;
}

export function labelValueErrors(path: string, value: string): FieldError[] {
  const errors: FieldError[] = [];
  if (value.length > 63) errors.push(invalid(path, value, "must be no more than 63 characters"));
  if (value !== "" && !QUALIFIED_NAME.test(value)) errors.push(invalid(path, value, VALUE_TEXT));
  return errors;
}

export function labelErrors(path: string, labels: unknown): FieldError[] {
  if (!isDict(labels)) return [];
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedNameErrors(path, key),
    ...labelValueErrors(path, typeof value === "string" ? value : ""),
  ]);
}

const ANNOTATION_BYTES = 256 * 1024;

export function annotationErrors(path: string, annotations: unknown): FieldError[] {
  if (!isDict(annotations)) return [];
  let size = 0;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(annotations)) {
    errors.push(...qualifiedNameErrors(path, key.toLowerCase(), key));
    size += key.length + (typeof value === "string" ? value.length : 0);
  }
  if (size > ANNOTATION_BYTES) errors.push(tooLong(path, ANNOTATION_BYTES));
  return errors;
}
