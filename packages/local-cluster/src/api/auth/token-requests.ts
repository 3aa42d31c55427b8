import type { KubeObject } from "../../contract/index.ts";
import { conflict, invalidObject, type Named, notFound } from "../errors/api-errors.ts";
import { invalid } from "../errors/field-errors.ts";
import { at, type Dict, dict, int, isDict, list, text } from "../json/json-value.ts";
import type { Store } from "../store/store.ts";
import type { BoundObject, ServiceAccountTokens } from "./service-account-tokens.ts";

const ACCOUNT: Named = { group: "", resource: "serviceaccounts", kind: "ServiceAccount" };
const REQUEST: Named = { group: "authentication.k8s.io", resource: "tokenrequests", kind: "TokenRequest" };
const SHORTEST_SECONDS = 600;
const LONGEST_SECONDS = 2 ** 32;

/** Answers `POST …/serviceaccounts/x/token`. Errors: 404 for the account or the bound object, 409 for another uid, 422. */
export function createTokenRequests(
  store: Store,
  tokens: ServiceAccountTokens,
): (namespace: string, name: string, body: Dict) => Promise<KubeObject> {
  function boundObject(namespace: string, reference: unknown): { bound: BoundObject; nodeName: string } | undefined {
    if (!isDict(reference)) return undefined;
    const kind = text(reference["kind"]);
    const name = text(reference["name"]);
    if (kind !== "Pod" && kind !== "Secret" && kind !== "Node") {
      throw invalidObject(REQUEST, "", [
        invalid("spec.boundObjectRef", kind, "cannot bind token for object of this kind: must be Pod, Secret or Node"),
      ]);
    }
    const resource = `${kind.toLowerCase()}s`;
    const named: Named = { group: "", resource, kind };
    const found = store.collection(`/${resource}`).get(kind === "Node" ? "" : namespace, name);
    if (!found) throw notFound(named, name);
    const uid = text(reference["uid"]);
    const actual = found.metadata.uid ?? "";
    if (uid !== "" && uid !== actual) {
      throw conflict(
        named,
        name,
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    }
    return { bound: { kind, name, uid: actual }, nodeName: text(at(found, "spec", "nodeName")) };
  }

  return async (namespace, name, body) => {
    const account = store.collection("/serviceaccounts").get(namespace, name);
    if (!account) throw notFound(ACCOUNT, name);
    const spec = dict(body["spec"]);
    const seconds = int(spec["expirationSeconds"], 3600);
    if (seconds < SHORTEST_SECONDS) {
      throw invalidObject(REQUEST, "", [
        invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes"),
      ]);
    }
    if (seconds > LONGEST_SECONDS) {
      throw invalidObject(REQUEST, "", [
        invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds"),
      ]);
    }
    const wanted = list(spec["audiences"]).map((item) => text(item));
    const audiences = wanted.length === 0 ? [tokens.issuer] : wanted;
    const reference = boundObject(namespace, spec["boundObjectRef"]);
    const subject = { namespace, name, uid: account.metadata.uid ?? "" };
    const issued = await tokens.issue(subject, audiences, seconds, reference?.bound, reference?.nodeName ?? "");
    const { creationTimestamp } = account.metadata;
    return {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name, namespace, ...(creationTimestamp === undefined ? {} : { creationTimestamp }) },
      spec: {
        audiences,
        expirationSeconds: seconds,
        boundObjectRef: isDict(spec["boundObjectRef"]) ? spec["boundObjectRef"] : null,
      },
      status: { token: issued.token, expirationTimestamp: issued.expirationTimestamp },
    };
  };
}
