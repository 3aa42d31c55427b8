import { type Fields, fieldsOf, flag, listOf, number, numberOr, optionalFields, text, textOr } from "./decode.ts";

/** One `key` of a ConfigMap or Secret written to `path`. */
export interface KeyToPath {
  readonly key: string;
  readonly path: string;
  readonly mode: number | undefined;
}

export type FileSource =
  | {
      readonly kind: "configMap" | "secret";
      readonly name: string;
      /** Undefined: every key, under its own name. */
      readonly items: readonly KeyToPath[] | undefined;
      readonly optional: boolean;
    }
  | { readonly kind: "downwardAPI"; readonly items: readonly DownwardItem[] }
  | {
      readonly kind: "serviceAccountToken";
      readonly audience: string | undefined;
      readonly expirationSeconds: number;
      readonly path: string;
    };

export interface DownwardItem {
  readonly path: string;
  readonly mode: number | undefined;
  readonly fieldPath: string | undefined;
  readonly resource: { readonly container: string; readonly resource: string; readonly divisor: string } | undefined;
}

export type VolumeSource =
  | { readonly kind: "files"; readonly sources: readonly FileSource[]; readonly defaultMode: number }
  | { readonly kind: "emptyDir"; readonly memory: boolean; readonly sizeLimit: string | undefined }
  | { readonly kind: "hostPath"; readonly path: string; readonly type: string }
  | { readonly kind: "unsupported"; readonly what: string };

export interface VolumeSpec {
  readonly name: string;
  readonly source: VolumeSource;
}

function itemsOf(value: unknown): readonly KeyToPath[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return value.map((entry) => {
    const item = fieldsOf(entry);
    return { key: textOr(item["key"], ""), path: textOr(item["path"], ""), mode: number(item["mode"]) };
  });
}

function downwardItems(value: unknown): readonly DownwardItem[] {
  return listOf(value).map((entry) => {
    const item = fieldsOf(entry);
    const resource = optionalFields(item["resourceFieldRef"]);
    return {
      path: textOr(item["path"], ""),
      mode: number(item["mode"]),
      fieldPath: text(fieldsOf(item["fieldRef"])["fieldPath"]),
      resource: resource && {
        container: textOr(resource["containerName"], ""),
        resource: textOr(resource["resource"], ""),
        divisor: textOr(resource["divisor"], "1"),
      },
    };
  });
}

function keyed(kind: "configMap" | "secret", source: Fields, nameField: string): FileSource {
  const optional = flag(source["optional"]) ?? false;
  return { kind, name: textOr(source[nameField], ""), items: itemsOf(source["items"]), optional };
}

function decodeProjection(value: unknown): readonly FileSource[] {
  const entry = fieldsOf(value);
  const configMap = optionalFields(entry["configMap"]);
  if (configMap) return [keyed("configMap", configMap, "name")];
  const secret = optionalFields(entry["secret"]);
  if (secret) return [keyed("secret", secret, "name")];
  const downward = optionalFields(entry["downwardAPI"]);
  if (downward) return [{ kind: "downwardAPI", items: downwardItems(downward["items"]) }];
  const token = optionalFields(entry["serviceAccountToken"]);
  if (!token) return [];
  return [
    {
      kind: "serviceAccountToken",
      audience: text(token["audience"]) || undefined,
      expirationSeconds: numberOr(token["expirationSeconds"], 3600),
      path: textOr(token["path"], "token"),
    },
  ];
}

function decodeSource(volume: Fields): VolumeSource {
  const files = (source: Fields, sources: readonly FileSource[]): VolumeSource => ({
    kind: "files",
    sources,
    defaultMode: numberOr(source["defaultMode"], 0o644),
  });
  const configMap = optionalFields(volume["configMap"]);
  if (configMap) return files(configMap, [keyed("configMap", configMap, "name")]);
  const secret = optionalFields(volume["secret"]);
  if (secret) return files(secret, [keyed("secret", secret, "secretName")]);
  const downward = optionalFields(volume["downwardAPI"]);
  if (downward) return files(downward, [{ kind: "downwardAPI", items: downwardItems(downward["items"]) }]);
  const projected = optionalFields(volume["projected"]);
  if (projected) return files(projected, listOf(projected["sources"]).flatMap(decodeProjection));
  const hostPath = optionalFields(volume["hostPath"]);
  if (hostPath) return { kind: "hostPath", path: textOr(hostPath["path"], ""), type: textOr(hostPath["type"], "") };
  const emptyDir = optionalFields(volume["emptyDir"]);
  const other = Object.keys(volume).find((key) => key !== "name" && key !== "emptyDir");
  if (emptyDir || other === undefined) {
    const limit = emptyDir?.["sizeLimit"];
    return {
      kind: "emptyDir",
      memory: emptyDir?.["medium"] === "Memory",
      sizeLimit: limit === undefined ? undefined : String(limit),
    };
  }
  return { kind: "unsupported", what: other };
}

export function decodeVolume(value: unknown): VolumeSpec {
  const volume = fieldsOf(value);
  return { name: textOr(volume["name"], ""), source: decodeSource(volume) };
}
