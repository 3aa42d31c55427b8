import type { KubeObject } from "../../contract/index.ts";
import type { AdmissionStep, Operation } from "../admission/admission.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalidObject,
  methodNotAllowed,
  notFound,
  STALE,
} from "../errors/api-errors.ts";
import type { FieldError } from "../errors/field-errors.ts";
import { at, child, cloneDict, type Dict, type Draft, dict, freeze, int, sameJson, text } from "../json/json-value.ts";
import { kubeObject } from "../json/kube-object.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { Store } from "../store/store.ts";
import { checkBody } from "./body.ts";
import { type DeleteRequest, finalizersFor, gracePeriod, mayVanish } from "./deletion.ts";
import {
  contentDiffers,
  metadataErrors,
  metadataUpdateErrors,
  type Stamps,
  stampCreate,
  stampUpdate,
} from "./metadata.ts";
import type { WriteRequest } from "./write-request.ts";

export interface WriterDeps {
  readonly store: Store;
  readonly admission: readonly AdmissionStep[];
  stamps(): Stamps;
  /** Cluster-wide allocation (addresses, ports), run without a pause before the write. */
  readonly allocate: Readonly<Record<string, (draft: Draft, present: KubeObject | undefined) => readonly FieldError[]>>;
  /** Records who owns which field; changes the draft's `managedFields`. */
  trackFields(def: ResourceDefinition, draft: Draft, present: KubeObject | undefined, request: WriteRequest): void;
}

export type Deleted = { readonly kind: "gone" | "pending"; readonly object: KubeObject };

/** The one way into the store: decode, default, admit, validate, write. */
export interface Writer {
  create(def: ResourceDefinition, namespace: string, body: Draft, request: WriteRequest): Promise<KubeObject>;
  update(
    def: ResourceDefinition,
    namespace: string,
    name: string,
    body: Draft,
    request: WriteRequest,
  ): Promise<KubeObject>;
  /** Applies `next` to the present object; again on the newer object when another write came between. */
  change(
    def: ResourceDefinition,
    namespace: string,
    name: string,
    request: WriteRequest,
    next: (present: KubeObject) => Draft,
  ): Promise<KubeObject>;
  delete(
    def: ResourceDefinition,
    namespace: string,
    name: string,
    options: DeleteRequest,
    request: WriteRequest,
  ): Promise<Deleted>;
}

export function createWriter(deps: WriterDeps): Writer {
  return new ObjectWriter(deps);
}

const ATTEMPTS = 6;

class ObjectWriter implements Writer {
  readonly #deps: WriterDeps;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  async create(def: ResourceDefinition, namespace: string, body: Draft, request: WriteRequest): Promise<KubeObject> {
    let draft = body;
    checkBody(draft, def, namespace, undefined, request);
    if (text(at(draft, "metadata", "resourceVersion")) !== "") {
      throw badRequest("resourceVersion should not be set on objects to be created");
    }
    const stamps = this.#deps.stamps();
    stampCreate(draft, def, def.namespaced ? namespace : "", stamps);
    const name = text(at(draft, "metadata", "name"));
    if (name !== "" && !request.dryRun && this.#present(def, namespace, name)) throw alreadyExists(def, name);
    if (def.hasStatus && !request.trusted) delete draft["status"];
    def.rules.prepareCreate?.(draft);
    this.#fill(def, draft);
    draft = await this.#mutate("CREATE", def, namespace, draft, undefined, request);
    this.#fill(def, draft);
    this.#refuse(def, text(at(draft, "metadata", "name")), this.#errors(def, draft), request);
    request.warnings.push(...(def.rules.warnings?.(draft) ?? []));
    await this.#validate("CREATE", def, namespace, draft, undefined, request);
    this.#refuse(def, name, this.#deps.allocate[def.storageKey]?.(draft, undefined) ?? [], request);
    this.#deps.trackFields(def, draft, undefined, request);
    if (request.dryRun) {
      if (this.#present(def, namespace, name)) throw alreadyExists(def, name);
      return freeze(kubeObject(draft));
    }
    const written = this.#deps.store.insert(def.storageKey, draft);
    if (!written) throw alreadyExists(def, name);
    return written;
  }

  update(
    def: ResourceDefinition,
    namespace: string,
    name: string,
    body: Draft,
    request: WriteRequest,
  ): Promise<KubeObject> {
    checkBody(body, def, namespace, name, request);
    return this.change(def, namespace, name, request, () => cloneDict(body));
  }

  async change(
    def: ResourceDefinition,
    namespace: string,
    name: string,
    request: WriteRequest,
    next: (present: KubeObject) => Draft,
  ): Promise<KubeObject> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = this.#present(def, namespace, name);
      if (!present) throw notFound(def, name);
      const draft = await this.#prepareUpdate(def, namespace, present, next(present), request);
      if (sameJson(draft, present)) return present;
      if (request.dryRun) return freeze(kubeObject(draft));
      if (mayVanish(draft)) {
        const removed = this.#deps.store.remove(def.storageKey, present);
        if (removed) return freeze(kubeObject(draft));
        continue;
      }
      const written = this.#deps.store.replace(def.storageKey, present, draft);
      if (written) return written;
    }
    throw conflict(def, name, STALE);
  }

  async delete(
    def: ResourceDefinition,
    namespace: string,
    name: string,
    options: DeleteRequest,
    request: WriteRequest,
  ): Promise<Deleted> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = this.#present(def, namespace, name);
      if (!present) throw notFound(def, name);
      checkPreconditions(def, present, options);
      await this.#validate("DELETE", def, namespace, undefined, present, request);
      const draft = this.#markDeleted(def, present, options);
      if (request.dryRun) return { kind: mayVanish(draft) ? "gone" : "pending", object: freeze(kubeObject(draft)) };
      if (mayVanish(draft)) {
        const removed = this.#deps.store.remove(def.storageKey, present);
        if (removed) return { kind: "gone", object: removed };
        continue;
      }
      if (sameJson(draft, present)) return { kind: "pending", object: present };
      const written = this.#deps.store.replace(def.storageKey, present, draft);
      if (written) return { kind: "pending", object: written };
    }
    throw conflict(def, name, STALE);
  }

  #markDeleted(def: ResourceDefinition, present: KubeObject, options: DeleteRequest): Draft {
    const draft = cloneDict(present);
    const metadata = child(draft, "metadata");
    const grace = gracePeriod(def, present, options.gracePeriodSeconds);
    const finalizers = finalizersFor(present, options.propagationPolicy);
    if (finalizers.length > 0) metadata["finalizers"] = finalizers;
    else delete metadata["finalizers"];
    const before = int(metadata["deletionGracePeriodSeconds"]);
    if (present.metadata.deletionTimestamp === undefined) {
      metadata["deletionTimestamp"] = later(this.#deps.stamps().now, grace);
      metadata["deletionGracePeriodSeconds"] = grace;
      if (def.countsGeneration) metadata["generation"] = int(metadata["generation"]) + 1;
      if (def.storageKey === "/namespaces") child(draft, "status")["phase"] = "Terminating";
    } else if (grace < before && (options.gracePeriodSeconds !== undefined || grace === 0)) {
      metadata["deletionTimestamp"] = later(present.metadata.deletionTimestamp, grace - before);
      metadata["deletionGracePeriodSeconds"] = grace;
    }
    return draft;
  }

  async #prepareUpdate(
    def: ResourceDefinition,
    namespace: string,
    present: KubeObject,
    proposed: Draft,
    request: WriteRequest,
  ): Promise<Draft> {
    let draft = proposed;
    const { name } = present.metadata;
    checkVersion(def, present, draft);
    draft["apiVersion"] = present.apiVersion;
    draft["kind"] = present.kind;
    if (draft["metadata"] === undefined) child(draft, "metadata")["name"] = name;
    this.#separate(def, draft, present, request);
    stampUpdate(draft, present, def);
    if (request.subresource === "") def.rules.prepareUpdate?.(draft, present);
    this.#fill(def, draft);
    draft = await this.#mutate("UPDATE", def, namespace, draft, present, request);
    this.#fill(def, draft);
    const errors = [
      ...this.#errors(def, draft),
      ...metadataUpdateErrors(draft, present),
      ...(request.subresource === "" ? (def.rules.validateUpdate?.(draft, present) ?? []) : []),
    ];
    this.#refuse(def, name, errors, request);
    await this.#validate("UPDATE", def, namespace, draft, present, request);
    this.#refuse(def, name, this.#deps.allocate[def.storageKey]?.(draft, present) ?? [], request);
    if (def.countsGeneration && contentDiffers(draft, present, def)) {
      child(draft, "metadata")["generation"] = int(present.metadata.generation) + 1;
    }
    this.#deps.trackFields(def, draft, present, request);
    return draft;
  }

  /** Main resource and status each change only their own part. */
  #separate(def: ResourceDefinition, draft: Draft, present: KubeObject, request: WriteRequest): void {
    const before = dict(present);
    if (request.subresource === "status") {
      const status = draft["status"];
      const managed = at(draft, "metadata", "managedFields");
      for (const key of Object.keys(draft)) delete draft[key];
      Object.assign(draft, cloneDict(before));
      if (managed !== undefined) child(draft, "metadata")["managedFields"] = managed;
      if (status === undefined) delete draft["status"];
      else draft["status"] = status;
    } else if (def.hasStatus && request.subresource === "") {
      if (before["status"] === undefined) delete draft["status"];
      else draft["status"] = before["status"];
    } else if (request.subresource === "" || request.subresource === "finalize") return;
    else if (before["status"] !== undefined && draft["status"] === undefined) draft["status"] = before["status"];
  }

  #fill(def: ResourceDefinition, draft: Draft): void {
    def.decoder?.fillDefaults?.(draft);
    def.rules.defaults?.(draft);
  }

  #errors(def: ResourceDefinition, draft: Dict): readonly FieldError[] {
    const early = metadataErrors(draft, def);
    return [...early, ...(def.decoder?.validate?.(draft) ?? []), ...(def.rules.validate?.(draft) ?? [])];
  }

  #refuse(def: ResourceDefinition, name: string, errors: readonly FieldError[], _request: WriteRequest): void {
    if (errors.length > 0) throw invalidObject(def, name, errors);
  }

  async #mutate(
    operation: Operation,
    def: ResourceDefinition,
    namespace: string,
    draft: Draft,
    present: KubeObject | undefined,
    request: WriteRequest,
  ): Promise<Draft> {
    let current = draft;
    for (const step of this.#deps.admission) {
      if (!step.mutate) continue;
      const name = text(at(current, "metadata", "name"));
      const options = optionsOf(operation, request);
      const answer = step.mutate({ operation, def, namespace, name, draft: current, present, request, options });
      // Awaiting only what is really asynchronous keeps in-process writes within one turn.
      const changed = answer instanceof Promise ? await answer : answer;
      current = changed ?? current;
    }
    return current;
  }

  async #validate(
    operation: Operation,
    def: ResourceDefinition,
    namespace: string,
    draft: Draft | undefined,
    present: KubeObject | undefined,
    request: WriteRequest,
  ): Promise<void> {
    for (const step of this.#deps.admission) {
      if (!step.validate) continue;
      const name = text(at(draft ?? present, "metadata", "name"));
      const options = optionsOf(operation, request);
      const answer = step.validate({ operation, def, namespace, name, draft, present, request, options });
      if (answer instanceof Promise) await answer;
    }
  }

  #present(def: ResourceDefinition, namespace: string, name: string): KubeObject | undefined {
    if (!def.stored) throw methodNotAllowed();
    return this.#deps.store.collection(def.storageKey).get(def.namespaced ? namespace : "", name);
  }
}

function optionsOf(operation: Operation, request: WriteRequest): object {
  const kinds = { CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions", CONNECT: "" };
  return {
    kind: kinds[operation],
    apiVersion: "meta.k8s.io/v1",
    ...(request.dryRun ? { dryRun: ["All"] } : {}),
    ...(request.fieldManager === "" || operation === "DELETE" ? {} : { fieldManager: request.fieldManager }),
    ...(operation === "DELETE" ? {} : { fieldValidation: request.fieldValidation }),
  };
}

function later(timestamp: string, seconds: number): string {
  return new Date(Date.parse(timestamp) + seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}

function checkVersion(def: ResourceDefinition, present: KubeObject, draft: Draft): void {
  const asked = text(at(draft, "metadata", "resourceVersion"));
  if (asked !== "" && asked !== present.metadata.resourceVersion) throw conflict(def, present.metadata.name, STALE);
  const uid = text(at(draft, "metadata", "uid"));
  if (uid !== "" && uid !== present.metadata.uid) {
    throw conflict(
      def,
      present.metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present.metadata.uid}`,
    );
  }
}

function checkPreconditions(def: ResourceDefinition, present: KubeObject, options: DeleteRequest): void {
  const { name, uid, resourceVersion } = present.metadata;
  if (options.uid !== undefined && options.uid !== uid) {
    throw conflict(def, name, `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    throw conflict(
      def,
      name,
      `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
    );
  }
}

export function isProtectedNamespace(name: string): boolean {
  return name === "default" || name === "kube-system" || name === "kube-public";
}

export function namespaceProtection(def: ResourceDefinition, name: string): void {
  if (def.storageKey === "/namespaces" && isProtectedNamespace(name)) {
    throw forbidden(def, name, "this namespace may not be deleted");
  }
}
