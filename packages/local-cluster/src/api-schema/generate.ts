/**
 * Writes `gen/types.ts` and `gen/descriptions.ts` from the Go modules that define the Kubernetes API.
 * They are the only published source with field numbers, merge keys and documentation together. Needs `go` on PATH; run by hand
 * when the Kubernetes version below changes: `bin/bun packages/local-cluster/src/api-schema/generate.ts`.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GoField, type GoFile, type GoType, readGoFile } from "./go-types.ts";
import type { FieldSchema, TypeSchema } from "./schema-format.ts";

const VERSION = "0.34.4";
const MODULES = ["k8s.io/api", "k8s.io/apimachinery", "k8s.io/apiextensions-apiserver", "k8s.io/kube-aggregator"];

const API = [
  "core/v1",
  "apps/v1",
  "batch/v1",
  "autoscaling/v2",
  "autoscaling/v1",
  "policy/v1",
  "rbac/v1",
  "networking/v1",
  "discovery/v1",
  "events/v1",
  "coordination/v1",
  "storage/v1",
  "scheduling/v1",
  "admissionregistration/v1",
  "authentication/v1",
  "authorization/v1",
];
const META = "k8s.io/apimachinery/pkg/apis/meta/v1";
const APIEXTENSIONS = "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1";
const APIREGISTRATION = "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1";
const PACKAGES = [...API.map((path) => `k8s.io/api/${path}`), META, APIEXTENSIONS, APIREGISTRATION];

/** Kinds whose definitions (and all they refer to) are written. */
const ROOTS: Readonly<Record<string, readonly string[]>> = {
  "/v1": [
    "Binding",
    "ConfigMap",
    "Endpoints",
    "Event",
    "LimitRange",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "PodTemplate",
    "ReplicationController",
    "ResourceQuota",
    "Secret",
    "Service",
    "ServiceAccount",
  ],
  "apps/v1": ["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
  "batch/v1": ["CronJob", "Job"],
  "autoscaling/v2": ["HorizontalPodAutoscaler"],
  "autoscaling/v1": ["Scale"],
  "policy/v1": ["Eviction", "PodDisruptionBudget"],
  "rbac.authorization.k8s.io/v1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
  "networking.k8s.io/v1": ["Ingress", "IngressClass", "NetworkPolicy"],
  "discovery.k8s.io/v1": ["EndpointSlice"],
  "events.k8s.io/v1": ["Event"],
  "coordination.k8s.io/v1": ["Lease"],
  "storage.k8s.io/v1": ["StorageClass"],
  "scheduling.k8s.io/v1": ["PriorityClass"],
  "admissionregistration.k8s.io/v1": [
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
  ],
  "authentication.k8s.io/v1": ["SelfSubjectReview", "TokenRequest", "TokenReview"],
  "authorization.k8s.io/v1": [
    "LocalSubjectAccessReview",
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "SubjectAccessReview",
  ],
  "apiextensions.k8s.io/v1": ["CustomResourceDefinition"],
  "apiregistration.k8s.io/v1": ["APIService"],
  "meta.k8s.io/v1": ["DeleteOptions"],
};

/** Types with an encoding of their own. */
const SPECIAL: Readonly<Record<string, string>> = {
  [`${META}.Time`]: "Time",
  [`${META}.MicroTime`]: "MicroTime",
  [`${META}.Duration`]: "Duration",
  [`${META}.FieldsV1`]: "Any",
  "k8s.io/apimachinery/pkg/api/resource.Quantity": "Quantity",
  "k8s.io/apimachinery/pkg/util/intstr.IntOrString": "IntOrString",
  "k8s.io/apimachinery/pkg/runtime.RawExtension": "Any",
  "k8s.io/apimachinery/pkg/types.UID": "string",
  "k8s.io/apimachinery/pkg/types.NodeName": "string",
  [`${APIEXTENSIONS}.JSON`]: "Any",
  [`${APIEXTENSIONS}.JSONSchemaPropsOrArray`]: "Any",
  [`${APIEXTENSIONS}.JSONSchemaPropsOrBool`]: "Any",
  [`${APIEXTENSIONS}.JSONSchemaPropsOrStringArray`]: "Any",
};

const SCALARS: Readonly<Record<string, string>> = {
  string: "string",
  bool: "boolean",
  int32: "int32",
  int64: "int64",
  int: "int64",
  uint32: "int64",
  float64: "double",
  "[]byte": "bytes",
};

interface Place {
  readonly path: string;
  readonly file: GoFile;
  readonly type: GoType;
}

function packageOf(groupVersion: string): string {
  const [group = "", version = ""] = groupVersion.split("/");
  if (group === "meta.k8s.io") return META;
  if (group === "apiextensions.k8s.io") return APIEXTENSIONS;
  if (group === "apiregistration.k8s.io") return APIREGISTRATION;
  const folder = group === "" ? "core" : (group.split(".")[0] ?? "");
  return `k8s.io/api/${folder}/${version}`;
}

/** `k8s.io/api/core/v1` → `io.k8s.api.core.v1`. */
function definitionName(path: string, name: string): string {
  return `io.${path.replace("k8s.io/", "k8s.").replaceAll("/", ".")}.${name}`;
}

function downloadModules(): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "heddle-schema-"));
  try {
    writeFileSync(join(folder, "go.mod"), "module schema\n");
    const names = MODULES.map((module) => `${module}@v${VERSION}`);
    const answer = execFileSync("go", ["mod", "download", "-json", ...names], { cwd: folder, encoding: "utf8" });
    const found = new Map<string, string>();
    for (const part of answer.split(/\n(?=\{)/)) {
      const { Path, Dir } = JSON.parse(part);
      if (typeof Path === "string" && typeof Dir === "string") found.set(Path, Dir);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readPackages(): Map<string, Place> {
  const modules = downloadModules();
  const places = new Map<string, Place>();
  for (const path of PACKAGES) {
    const module = MODULES.find((name) => path.startsWith(`${name}/`)) ?? "";
    const folder = join(modules.get(module) ?? "", path.slice(module.length + 1));
    for (const entry of readdirSync(folder)) {
      if (!/^types.*\.go$/.test(entry)) continue;
      const file = readGoFile(readFileSync(join(folder, entry), "utf8"));
      for (const [name, type] of file.types) places.set(`${path}.${name}`, { path, file, type });
    }
  }
  return places;
}

const places = readPackages();
const types: Record<string, TypeSchema> = {};
const descriptions: Record<string, Record<string, string>> = {};

function fullName(type: string, place: Place): string {
  const [alias = "", name] = type.split(".");
  if (name === undefined) return `${place.path}.${type}`;
  return `${place.file.imports.get(alias) ?? alias}.${name}`;
}

/** The schema's word for a Go type; queues struct types that are new. */
function typeWord(type: string, place: Place): string {
  const bare = type.replace(/^\*/, "");
  const scalar = SCALARS[bare];
  if (scalar) return scalar;
  if (bare.startsWith("[]")) return `[]${typeWord(bare.slice(2), place)}`;
  const map = /^map\[[\w.]+\](.+)$/.exec(bare);
  if (map?.[1] !== undefined) return `{}${typeWord(map[1], place)}`;
  const full = fullName(bare, place);
  const special = SPECIAL[full];
  if (special) return special;
  const found = places.get(full);
  if (!found) throw new Error(`unknown type ${full} (in ${place.path})`);
  if (found.type.kind === "named") return typeWord(found.type.of, found);
  addStruct(found, full.split(".").at(-1) ?? "");
  return definitionName(found.path, full.split(".").at(-1) ?? "");
}

function fieldSchema(field: GoField, place: Place, embedded: readonly number[]): FieldSchema {
  const marker = (name: string) => field.markers.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  const keys = field.markers.filter((text) => text.startsWith("listMapKey=")).map((text) => text.slice(11));
  const listType =
    marker("listType") ?? marker("mapType") ?? (marker("structType") === "atomic" ? "atomic" : undefined);
  return {
    t: typeWord(field.type, place),
    p: [...embedded, field.proto],
    ...(field.optional ? {} : { r: 1 }),
    ...(field.type.startsWith("*") ? { n: 1 } : {}),
    ...(field.patchStrategy === "" ? {} : { s: field.patchStrategy }),
    ...(field.patchMergeKey === "" ? {} : { k: field.patchMergeKey }),
    ...(listType === undefined ? {} : { l: listType }),
    ...(keys.length === 0 ? {} : { m: keys }),
  };
}

function collect(
  place: Place,
  embedded: readonly number[],
  f: Record<string, FieldSchema>,
  docs: Record<string, string>,
): void {
  if (place.type.kind !== "struct") return;
  for (const field of place.type.fields) {
    if (field.json !== "") {
      f[field.json] = fieldSchema(field, place, embedded);
      if (field.doc !== "") docs[field.json] = field.doc;
      continue;
    }
    const full = fullName(field.type.replace(/^\*/, ""), place);
    if (full === `${META}.TypeMeta`) {
      f["apiVersion"] = { t: "string", p: [] };
      f["kind"] = { t: "string", p: [] };
      docs["apiVersion"] =
        "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
      docs["kind"] =
        "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
      continue;
    }
    const inner = places.get(full);
    if (!inner) throw new Error(`unknown embedded type ${full}`);
    collect(inner, [...embedded, field.proto], f, docs);
  }
}

function addStruct(place: Place, name: string): void {
  const definition = definitionName(place.path, name);
  if (types[definition] || place.type.kind !== "struct") return;
  const f: Record<string, FieldSchema> = {};
  const docs: Record<string, string> = place.type.doc === "" ? {} : { "": place.type.doc };
  types[definition] = { f, ...(place.type.markers.includes("structType=atomic") ? { atomic: 1 } : {}) };
  descriptions[definition] = docs;
  collect(place, [], f, docs);
}

const kinds: Record<string, string> = {};
for (const [groupVersion, names] of Object.entries(ROOTS)) {
  const path = packageOf(groupVersion);
  for (const name of names) {
    const place = places.get(`${path}.${name}`);
    if (!place) throw new Error(`${path} has no ${name}`);
    addStruct(place, name);
    kinds[`${groupVersion}/${name}`] = definitionName(path, name);
  }
}

const out = join(import.meta.dirname, "gen");
mkdirSync(out, { recursive: true });
writeText("types", { version: VERSION, kinds, types });
writeText("descriptions", descriptions);

/** JSON inside a string: the type checker has nothing to infer, and a compiled program carries it. */
function writeText(name: string, value: object): void {
  const source = `// Made by generate.ts. Do not edit.\nexport const json: string =\n  ${JSON.stringify(JSON.stringify(value))};\n`;
  writeFileSync(join(out, `${name}.ts`), source);
}

console.log(`${Object.keys(types).length} types of Kubernetes API ${VERSION}`);
