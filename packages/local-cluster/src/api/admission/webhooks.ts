import { ApiError } from "../../contract/index.ts";
import { internalError } from "../errors/api-errors.ts";
import { at, type Dict, type Draft, dict, int, isDict, list, sameJson, text } from "../json/json-value.ts";
import { joinApiVersion } from "../json/kube-object.ts";
import { jsonPatched } from "../patch/json-patch.ts";
import type { Registry } from "../resources/registry.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { Store } from "../store/store.ts";
import type { AdmissionCall, AdmissionStep } from "./admission.ts";
import type { WebhookClient } from "./webhook-client.ts";
import { matchWebhook } from "./webhook-match.ts";

export interface WebhookDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly client: WebhookClient;
  readonly uuid: () => string;
  /** A webhook failed and its failurePolicy lets the request pass. */
  onIgnored(name: string, reason: string): void;
}

const GROUP = "admissionregistration.k8s.io";

interface Hook {
  readonly name: string;
  readonly config: Dict;
}

interface Answer {
  readonly patch: unknown;
}

function hooksOf(store: Store, resource: string): readonly Hook[] {
  return store
    .collection(`${GROUP}/${resource}`)
    .list(undefined)
    .flatMap((object) => list(object["webhooks"]))
    .map((item) => ({ name: text(dict(item)["name"]), config: dict(item) }));
}

/** Webhook configurations themselves are out of reach of webhooks: a broken one can always be removed. */
function isExempt(call: AdmissionCall): boolean {
  return call.def.group === GROUP || !call.def.stored;
}

function review(
  call: AdmissionCall,
  def: ResourceDefinition,
  draft: Draft | undefined,
  uid: string,
  version: string,
): string {
  const { request } = call;
  const apiVersion = joinApiVersion(def.group, def.version);
  const gvk = (of: ResourceDefinition) => ({ group: of.group, version: of.version, kind: of.kind });
  const gvr = (of: ResourceDefinition) => ({ group: of.group, version: of.version, resource: of.resource });
  const sub = request.subresource;
  const { actor } = request;
  return JSON.stringify({
    kind: "AdmissionReview",
    apiVersion: `admission.k8s.io/${version}`,
    request: {
      uid,
      kind: gvk(def),
      resource: gvr(def),
      ...(sub === "" ? {} : { subResource: sub, requestSubResource: sub }),
      requestKind: gvk(call.def),
      requestResource: gvr(call.def),
      ...(call.name === "" ? {} : { name: call.name }),
      ...(call.namespace === "" ? {} : { namespace: call.namespace }),
      operation: call.operation,
      userInfo: {
        username: actor.name,
        ...(actor.uid === "" ? {} : { uid: actor.uid }),
        groups: actor.groups,
        ...(Object.keys(actor.extra).length === 0 ? {} : { extra: actor.extra }),
      },
      object: draft ? { ...draft, apiVersion } : null,
      oldObject: call.present ? { ...call.present, apiVersion } : null,
      dryRun: request.dryRun,
      options: call.options,
    },
  });
}

/** Kubernetes' words and codes for a refusal. */
function denied(name: string, result: Dict): ApiError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`;
  const explained = text(result["message"]) || text(result["reason"]);
  const code = int(result["code"]);
  return new ApiError(
    code < 400 ? 400 : code,
    text(result["reason"]),
    explained === "" ? `${by} without explanation` : `${by}: ${explained}`,
    isDict(result["details"]) ? result["details"] : undefined,
  );
}

function readAnswer(source: string, uid: string, name: string, warnings: string[]): Answer {
  let parsed: unknown;
  try {
    parsed = JSON.parse(source);
  } catch {
    throw new Error("couldn't get version/kind; json parse error: the answer is no JSON");
  }
  if (at(parsed, "kind") !== "AdmissionReview") {
    throw new Error(
      `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${text(at(parsed, "apiVersion"))}, Kind=${text(at(parsed, "kind"))}`,
    );
  }
  const response = at(parsed, "response");
  if (!isDict(response)) throw new Error("webhook response was absent");
  if (response["uid"] !== uid)
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(text(response["uid"]))}`);
  for (const warning of list(response["warnings"])) warnings.push(text(warning));
  if (response["allowed"] !== true) throw denied(name, dict(response["status"]));
  const patch = text(response["patch"]);
  if (patch === "") return { patch: undefined };
  if (text(response["patchType"], "JSONPatch") !== "JSONPatch") {
    throw new Error(
      `webhook returned response.patchType=${JSON.stringify(response["patchType"])}: only JSONPatch is supported`,
    );
  }
  return { patch: JSON.parse(Buffer.from(patch, "base64").toString()) };
}

/** Calls mutating and validating webhooks. Errors: the webhook's refusal, or 500 when it cannot be asked and its failurePolicy is Fail. */
export function createWebhookAdmission(deps: WebhookDeps): AdmissionStep {
  /** Undefined: the webhook failed and may be ignored. */
  async function ask(
    hook: Hook,
    call: AdmissionCall,
    def: ResourceDefinition,
    draft: Draft | undefined,
  ): Promise<Answer | undefined> {
    const { name, config } = hook;
    const uid = deps.uuid();
    const version = list(config["admissionReviewVersions"]).includes("v1") ? "v1" : "v1beta1";
    try {
      const body = review(call, def, draft, uid, version);
      const source = await deps.client.post(
        dict(config["clientConfig"]),
        body,
        int(config["timeoutSeconds"], 10) * 1000,
      );
      return readAnswer(source, uid, name, call.request.warnings);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      if (config["failurePolicy"] === "Ignore") {
        deps.onIgnored(name, reason);
        return undefined;
      }
      throw internalError(`failed calling webhook ${JSON.stringify(name)}: failed to call webhook: ${reason}`);
    }
  }

  async function mutateWith(hook: Hook, call: AdmissionCall, def: ResourceDefinition, draft: Draft): Promise<Draft> {
    const answer = await ask(hook, call, def, draft);
    if (answer?.patch === undefined) return draft;
    let patched: Draft;
    try {
      patched = jsonPatched(draft, answer.patch);
    } catch (error) {
      throw internalError(
        `failed calling webhook ${JSON.stringify(hook.name)}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    patched["apiVersion"] = draft["apiVersion"];
    call.def.decoder?.decode(patched, call.def);
    return patched;
  }

  async function mutateAll(hooks: readonly Hook[], call: AdmissionCall, first: Draft): Promise<Draft> {
    let draft = first;
    /** Hooks that want another look, with what they left behind. */
    const again: { hook: Hook; left: Draft }[] = [];
    for (const hook of hooks) {
      const def = matchWebhook(hook.config, { ...call, draft }, deps.store, deps.registry);
      if (!def) continue;
      draft = await mutateWith(hook, call, def, draft);
      if (hook.config["reinvocationPolicy"] === "IfNeeded") again.push({ hook, left: draft });
    }
    for (const { hook, left } of again) {
      if (sameJson(left, draft)) continue;
      const def = matchWebhook(hook.config, { ...call, draft }, deps.store, deps.registry);
      if (def) draft = await mutateWith(hook, call, def, draft);
    }
    return draft;
  }

  return {
    mutate(call) {
      if (!call.draft || isExempt(call)) return call.draft;
      const hooks = hooksOf(deps.store, "mutatingwebhookconfigurations");
      return hooks.length === 0 ? call.draft : mutateAll(hooks, call, call.draft);
    },
    validate(call) {
      if (isExempt(call)) return undefined;
      const hooks = hooksOf(deps.store, "validatingwebhookconfigurations");
      const concerned = hooks.flatMap((hook) => {
        const def = matchWebhook(hook.config, call, deps.store, deps.registry);
        return def ? [{ hook, def }] : [];
      });
      if (concerned.length === 0) return undefined;
      return Promise.all(concerned.map(({ hook, def }) => ask(hook, call, def, call.draft))).then(() => undefined);
    },
  };
}
