import type { KubeObject } from "../../contract/index.ts";
import { badRequest, methodNotAllowed, noSuchPath, unsupportedMediaType } from "../errors/api-errors.ts";
import { at, type Draft, dict, int, isDict, list, text } from "../json/json-value.ts";
import { joinApiVersion } from "../json/kube-object.ts";
import type { Patcher } from "../patch/patcher.ts";
import type { Encoding } from "../read/encoding.ts";
import { getObject, listPage } from "../read/reader.ts";
import { parseSelection, select } from "../read/selection.ts";
import { partialMetadata, tableOf } from "../read/table.ts";
import type { ResourceDefinition, Verb } from "../resources/resource-definition.ts";
import type { ResourceTarget } from "../resources/resource-target.ts";
import { scaleOf, withReplicas } from "../resources/scale.ts";
import type { ProtobufDecoder } from "../schema/protobuf.ts";
import type { Store } from "../store/store.ts";
import type { DeleteRequest } from "../write/deletion.ts";
import type { FieldValidation, WriteRequest } from "../write/write-request.ts";
import { type Deleted, namespaceProtection, type Writer } from "../write/writer.ts";
import { sendJson, sendObject } from "./answer.ts";
import { type Exchange, parseBody, readBody, readBytes } from "./exchange.ts";
import { isTrue } from "./request-info.ts";
import { includeOf, streamWatch } from "./watch-stream.ts";

export interface ResourceHandlerDeps {
  readonly store: Store;
  readonly writer: Writer;
  readonly patcher: Patcher;
  readonly encoding: Encoding;
  readonly protobuf: ProtobufDecoder;
  readonly now: () => number;
}

const ENDPOINTS_DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

/** Create, read, change, delete and watch: what all stored resources have in common. */
export function createResourceHandler(
  deps: ResourceHandlerDeps,
): (exchange: Exchange, target: ResourceTarget) => Promise<void> {
  return async (exchange, target) => {
    const { def, name, subresource } = target;
    if (def.storageKey === "/endpoints") exchange.warnings.push(ENDPOINTS_DEPRECATED);
    if (subresource === "status" ? !def.hasStatus : subresource === "scale" && !def.scale) throw noSuchPath();
    switch (exchange.method) {
      case "GET":
      case "HEAD":
        if (name === "") return list_(exchange, target);
        return answer(exchange, def, 200, read(target), subresource);
      case "POST":
        if (name !== "") throw methodNotAllowed();
        needVerb(def, "create");
        return create(exchange, target);
      case "PUT":
        if (name === "") throw methodNotAllowed();
        return update(exchange, target);
      case "PATCH":
        if (name === "") throw methodNotAllowed();
        return patch(exchange, target);
      case "DELETE":
        if (subresource !== "") throw methodNotAllowed();
        return name === "" ? deleteMany(exchange, target) : deleteOne(exchange, target);
      default:
        throw methodNotAllowed();
    }
  };

  async function jsonBody(exchange: Exchange): Promise<Draft> {
    const type = exchange.headers["content-type"] ?? "application/json";
    return parseBody(await readBytes(exchange.request), type, deps.protobuf);
  }

  function read(target: ResourceTarget): KubeObject {
    needVerb(target.def, "get");
    return getObject(deps.store, target.def, target.namespace, target.name);
  }

  function list_(exchange: Exchange, { def, namespace }: ResourceTarget): void {
    needVerb(def, "list");
    const { query } = exchange;
    const selection = parseSelection(
      def,
      namespace === "" ? undefined : namespace,
      query.get("labelSelector") ?? undefined,
      query.get("fieldSelector") ?? undefined,
    );
    if (isTrue(query.get("watch")) || (exchange.info.kind === "resource" && exchange.info.watch)) {
      streamWatch(exchange, def, selection, deps);
      return;
    }
    const page = listPage(deps.store, def, selection, {
      limit: Number(query.get("limit") ?? "0"),
      continueToken: query.get("continue") ?? "",
      resourceVersion: query.get("resourceVersion") ?? "",
      resourceVersionMatch: query.get("resourceVersionMatch") ?? "",
    });
    const { as } = exchange.form;
    if (as === "Table") {
      const shown = page.items.map((object) => deps.encoding.view(def, object));
      sendObject(exchange, 200, tableOf(def, shown, page.metadata, includeOf(query), deps.now()));
      return;
    }
    if (as !== "") {
      const items = page.items.map((object) => ({ metadata: object.metadata }));
      sendObject(exchange, 200, {
        kind: "PartialObjectMetadataList",
        apiVersion: "meta.k8s.io/v1",
        metadata: page.metadata,
        items: items.map((item) => ({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", ...item })),
      });
      return;
    }
    const head = JSON.stringify({
      kind: def.listKind,
      apiVersion: joinApiVersion(def.group, def.version),
      metadata: page.metadata,
    });
    const items = page.items.map((object) => deps.encoding.text(def, object));
    sendJson(exchange, 200, `${head.slice(0, -1)},"items":[${items.join(",")}]}`);
  }

  async function create(exchange: Exchange, { def, namespace }: ResourceTarget): Promise<void> {
    const body = await jsonBody(exchange);
    const written = await deps.writer.create(def, namespace, body, writeRequest(exchange, ""));
    answer(exchange, def, 201, written, "");
  }

  async function update(exchange: Exchange, target: ResourceTarget): Promise<void> {
    const { def, namespace, name, subresource } = target;
    needVerb(def, "update");
    const body = await jsonBody(exchange);
    const request = writeRequest(exchange, subresource);
    if (subresource === "scale") {
      const written = await deps.writer.change(def, namespace, name, request, (present) =>
        withReplicas(def, present, body),
      );
      return answer(exchange, def, 200, written, subresource);
    }
    answer(exchange, def, 200, await deps.writer.update(def, namespace, name, body, request), subresource);
  }

  async function patch(exchange: Exchange, target: ResourceTarget): Promise<void> {
    needVerb(target.def, "patch");
    const source = await readBody(exchange.request);
    const type = (exchange.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
    const request = writeRequest(exchange, target.subresource);
    const force = isTrue(exchange.query.get("force"));
    const done = await deps.patcher.patch(target, type, source, request, force);
    answer(exchange, target.def, done.created ? 201 : 200, done.object, target.subresource);
  }

  async function deleteOne(exchange: Exchange, target: ResourceTarget): Promise<void> {
    const { def, namespace, name } = target;
    needVerb(def, "delete");
    const options = await deleteOptions(exchange, deps.protobuf);
    namespaceProtection(def, name);
    const request = { ...writeRequest(exchange, ""), dryRun: options.dryRun };
    const deleted = await deps.writer.delete(def, namespace, name, options, request);
    if (deleted.kind === "pending" || def.storageKey === "/pods") {
      answer(exchange, def, 200, deleted.object, "");
      return;
    }
    sendObject(exchange, 200, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: {
        name,
        ...(def.group === "" ? {} : { group: def.group }),
        kind: def.resource,
        uid: deleted.object.metadata.uid,
      },
    });
  }

  async function deleteMany(exchange: Exchange, target: ResourceTarget): Promise<void> {
    const { def, namespace } = target;
    needVerb(def, "deletecollection");
    const { query } = exchange;
    const options = await deleteOptions(exchange, deps.protobuf);
    const selection = parseSelection(
      def,
      namespace === "" ? undefined : namespace,
      query.get("labelSelector") ?? undefined,
      query.get("fieldSelector") ?? undefined,
    );
    const request = { ...writeRequest(exchange, ""), dryRun: options.dryRun };
    const deleted: Deleted[] = [];
    for (const object of select(deps.store.collection(def.storageKey).list(selection.namespace), selection)) {
      const { name, namespace: home = "" } = object.metadata;
      deleted.push(await deps.writer.delete(def, home, name, options, request));
    }
    sendObject(exchange, 200, {
      kind: def.listKind,
      apiVersion: joinApiVersion(def.group, def.version),
      metadata: { resourceVersion: String(deps.store.version) },
      items: deleted.map((item) => deps.encoding.view(def, item.object)),
    });
  }

  function answer(
    exchange: Exchange,
    def: ResourceDefinition,
    code: number,
    object: KubeObject,
    subresource: string,
  ): void {
    const { as } = exchange.form;
    if (subresource === "scale") sendObject(exchange, code, scaleOf(def, object));
    else if (as === "Table") {
      const meta = { resourceVersion: object.metadata.resourceVersion ?? "" };
      const shown = [deps.encoding.view(def, object)];
      sendObject(exchange, code, tableOf(def, shown, meta, includeOf(exchange.query), deps.now()));
    } else if (as === "PartialObjectMetadata") sendObject(exchange, code, partialMetadata(object));
    else sendJson(exchange, code, deps.encoding.text(def, object));
  }
}

function needVerb(def: ResourceDefinition, verb: Verb): void {
  if (!def.verbs.includes(verb)) throw methodNotAllowed();
}

function fieldValidation(query: URLSearchParams): FieldValidation {
  const asked = query.get("fieldValidation") ?? "";
  if (asked === "Strict" || asked === "Ignore") return asked;
  if (asked === "" || asked === "Warn") return "Warn";
  throw badRequest(`fieldValidation: Unsupported value: "${asked}": supported values: "Ignore", "Strict", "Warn"`);
}

function isDryRun(values: readonly unknown[]): boolean {
  for (const value of values) {
    if (value !== "All") throw badRequest(`dryRun: Unsupported value: "${text(value)}": supported values: "All"`);
  }
  return values.length > 0;
}

/** Default of the field manager: the first word of the user agent, as Kubernetes has it. */
export function writeRequest(exchange: Exchange, subresource: string): WriteRequest {
  const agent = (exchange.headers["user-agent"] ?? "unknown").split("/")[0] ?? "unknown";
  return {
    actor: exchange.actor,
    dryRun: isDryRun(exchange.query.getAll("dryRun")),
    fieldManager: exchange.query.get("fieldManager") ?? agent,
    fieldValidation: fieldValidation(exchange.query),
    subresource,
    trusted: false,
    warnings: exchange.warnings,
  };
}

async function deleteOptions(
  exchange: Exchange,
  protobuf: ProtobufDecoder,
): Promise<DeleteRequest & { readonly dryRun: boolean }> {
  const source = await readBytes(exchange.request);
  const { query } = exchange;
  const body = source.length === 0 ? {} : await parseBody(source, exchange.headers["content-type"] ?? "", protobuf);
  if (body["kind"] !== undefined && body["kind"] !== "DeleteOptions") {
    throw unsupportedMediaType(["application/json"], `kind ${text(body["kind"])}, expected DeleteOptions`);
  }
  const preconditions = dict(body["preconditions"]);
  const seconds = query.get("gracePeriodSeconds");
  const orphan =
    body["orphanDependents"] ?? (query.has("orphanDependents") ? isTrue(query.get("orphanDependents")) : undefined);
  const policy = text(body["propagationPolicy"], query.get("propagationPolicy") ?? "");
  return {
    gracePeriodSeconds:
      typeof body["gracePeriodSeconds"] === "number"
        ? int(body["gracePeriodSeconds"])
        : seconds === null
          ? undefined
          : Number(seconds),
    propagationPolicy:
      policy !== "" ? policy : orphan === undefined ? undefined : orphan === true ? "Orphan" : "Background",
    uid: isDict(preconditions) && preconditions["uid"] !== undefined ? text(preconditions["uid"]) : undefined,
    resourceVersion:
      preconditions["resourceVersion"] === undefined ? undefined : text(preconditions["resourceVersion"]),
    dryRun: isDryRun([...query.getAll("dryRun"), ...list(at(body, "dryRun"))]),
  };
}
