import { createHash } from "node:crypto";
import type { Descriptions, KubernetesSchema } from "../../api-schema/schema-format.ts";
import { joinApiVersion } from "../json/kube-object.ts";
import type { Registry } from "../resources/registry.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import { type BuiltinSchemas, createBuiltinSchemas, type RefPrefix } from "./builtin-schemas.ts";

/** `/openapi/v2` and `/openapi/v3`. Loads descriptions at the first question. */
export interface OpenApi {
  /** Undefined for a path without a document. */
  document(path: string): Promise<object | undefined>;
}

export interface OpenApiDeps {
  readonly registry: Registry;
  readonly schema: KubernetesSchema;
  /** OpenAPI schema of a custom resource's version, as its CRD has it. */
  customSchema(def: ResourceDefinition): object | undefined;
}

const INFO = { title: "Kubernetes", version: "v1.34.4+heddle" };
const OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

function groupPath(group: string, version: string): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

function resourcePath(def: ResourceDefinition): string {
  const scope = def.namespaced ? "/namespaces/{namespace}" : "";
  return `/${groupPath(def.group, def.version)}${scope}/${def.resource}`;
}

function customName(def: ResourceDefinition): string {
  return [...def.group.split(".").reverse(), def.version, def.kind].join(".");
}

function queryParameter(name: string): object {
  return { name, in: "query", schema: { type: "string", uniqueItems: true } };
}

const WRITE_PARAMETERS = ["dryRun", "fieldManager", "fieldValidation"].map(queryParameter);

export function createOpenApi(deps: OpenApiDeps): OpenApi {
  let loading: Promise<BuiltinSchemas> | undefined;
  let cache = { revision: -1, documents: new Map<string, object>() };

  function schemas(): Promise<BuiltinSchemas> {
    loading ??= import("../../api-schema/gen/descriptions.ts").then(({ json }) => {
      const descriptions: Descriptions = JSON.parse(json);
      return createBuiltinSchemas(deps.schema, descriptions);
    });
    return loading;
  }

  function groupVersions(): ReadonlyMap<string, readonly ResourceDefinition[]> {
    const found = new Map<string, ResourceDefinition[]>();
    for (const def of deps.registry.all()) {
      const path = groupPath(def.group, def.version);
      const present = found.get(path);
      if (present) present.push(def);
      else found.set(path, [def]);
    }
    return found;
  }

  function definitionOf(def: ResourceDefinition): string | undefined {
    return def.custom ? customName(def) : deps.schema.kinds[`${def.group}/${def.version}/${def.kind}`];
  }

  function components(defs: readonly ResourceDefinition[], builtin: BuiltinSchemas, prefix: RefPrefix): object {
    const names = defs.filter((def) => !def.custom).flatMap((def) => definitionOf(def) ?? []);
    if (defs.some((def) => def.custom)) names.push(OBJECT_META);
    const found = builtin.closure(names, prefix);
    for (const def of defs) {
      if (!def.custom) continue;
      const schema = deps.customSchema(def) ?? { type: "object", "x-kubernetes-preserve-unknown-fields": true };
      found[customName(def)] = customDefinition(def, schema, prefix);
    }
    return found;
  }

  function paths(defs: readonly ResourceDefinition[], prefix: RefPrefix): object {
    const found: Record<string, object> = {};
    for (const def of defs) {
      const definition = definitionOf(def);
      if (definition === undefined) continue;
      const gvk = { "x-kubernetes-group-version-kind": { group: def.group, version: def.version, kind: def.kind } };
      const body = { content: { "application/json": { schema: { $ref: prefix + definition } } } };
      const operation = (action: string, extra: object = {}) => ({
        ...gvk,
        "x-kubernetes-action": action,
        ...extra,
        responses: { "200": { description: "OK", ...body } },
      });
      const write = { parameters: WRITE_PARAMETERS, requestBody: body };
      const base = resourcePath(def);
      if (def.verbs.includes("create")) found[base] = { get: operation("list"), post: operation("post", write) };
      if (!def.stored) continue;
      found[`${base}/{name}`] = {
        get: operation("get"),
        put: operation("put", write),
        patch: operation("patch", { parameters: [...WRITE_PARAMETERS, queryParameter("force")] }),
        delete: operation("delete"),
      };
    }
    return found;
  }

  async function build(path: string): Promise<object | undefined> {
    if (path === "/openapi/v3") {
      const entries = [...groupVersions()].map(([key, defs]) => [
        key,
        { serverRelativeURL: `/openapi/v3/${key}?hash=${hashOf(defs)}` },
      ]);
      return { paths: Object.fromEntries(entries) };
    }
    const builtin = await schemas();
    if (path === "/openapi/v2") {
      const defs = deps.registry.all();
      const prefix = "#/definitions/";
      return { swagger: "2.0", info: INFO, paths: paths(defs, prefix), definitions: components(defs, builtin, prefix) };
    }
    const defs = groupVersions().get(path.slice("/openapi/v3/".length));
    if (!defs) return undefined;
    const prefix = "#/components/schemas/";
    return {
      openapi: "3.0.0",
      info: INFO,
      paths: paths(defs, prefix),
      components: { schemas: components(defs, builtin, prefix) },
    };
  }

  function hashOf(defs: readonly ResourceDefinition[]): string {
    const hash = createHash("sha256").update(deps.schema.version);
    for (const def of defs) {
      hash.update(`${joinApiVersion(def.group, def.version)}/${def.resource}/${def.kind}`);
      if (def.custom) hash.update(JSON.stringify(deps.customSchema(def) ?? null));
    }
    return hash.digest("hex").slice(0, 32).toUpperCase();
  }

  return {
    async document(path) {
      if (!path.startsWith("/openapi/")) return undefined;
      if (cache.revision !== deps.registry.revision) {
        cache = { revision: deps.registry.revision, documents: new Map() };
      }
      const { documents } = cache;
      const present = documents.get(path);
      if (present) return present;
      const made = await build(path);
      if (made) documents.set(path, made);
      return made;
    },
  };
}

function customDefinition(def: ResourceDefinition, schema: object, prefix: RefPrefix): object {
  const properties = "properties" in schema && typeof schema.properties === "object" ? schema.properties : {};
  return {
    ...schema,
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      ...properties,
      metadata: {
        allOf: [{ $ref: prefix + OBJECT_META }],
        description:
          "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
      },
    },
    "x-kubernetes-group-version-kind": [{ group: def.group, version: def.version, kind: def.kind }],
  };
}
