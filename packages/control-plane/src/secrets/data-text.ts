import { isObject } from "@heddle/config";

type Holder = Readonly<Record<string, unknown>> | undefined;

/** A value in the `data` of a ConfigMap; "" when there is none. */
export function configText(object: Holder, key: string): string {
  const data = object?.["data"];
  const value = isObject(data) ? data[key] : undefined;
  return typeof value === "string" ? value : "";
}

/** A value in the `data` of a Secret, decoded; undefined when there is none or it is empty. Never printed. */
export function secretText(object: Holder, key: string): string | undefined {
  const value = configText(object, key);
  return value === "" ? undefined : Buffer.from(value, "base64").toString("utf8");
}
