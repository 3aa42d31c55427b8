import type { DescField, Message } from "@bufbuild/protobuf";
import { isReflectList, isReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** A field's value as its writer would write it: `false`, `10`, `5s`, `STRICT_STAPLING`; `{}` for an empty message or list, `{…}` for what is longer. */
export function fieldText(message: Message, field: DescField): string {
  return valueText(reflect(field.parent, message).get(field), field);
}

function valueText(value: unknown, field: DescField): string {
  if (field.fieldKind === "enum") return field.enum.value[Number(value)]?.name ?? String(value);
  if (field.fieldKind === "list" || field.fieldKind === "map") return "{…}";
  if (!isReflectMessage(value)) return String(value);
  const { typeName, fields } = value.desc;
  const [first, second] = fields;
  if (typeName === "google.protobuf.Duration" && first !== undefined && second !== undefined)
    return `${Number(value.get(first)) + Number(value.get(second)) / 1e9}s`;
  if (typeName.startsWith("google.protobuf.") && typeName.endsWith("Value") && first !== undefined)
    return String(value.get(first));
  return fields.some((inner) => value.isSet(inner)) ? "{…}" : "{}";
}

/** The messages in a field that is set: one, or those of a list. */
export function messagesIn(message: Message, field: DescField): readonly Message[] {
  const value: unknown = reflect(field.parent, message).get(field);
  if (isReflectMessage(value)) return [value.message];
  if (!isReflectList(value)) return [];
  const found: Message[] = [];
  for (const item of value) if (isReflectMessage(item)) found.push(item.message);
  return found;
}
