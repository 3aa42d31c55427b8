import { type KubeObject, readObjects, readString, refOf } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";
import { fields } from "../pod-template.ts";

const group = "admissionregistration.k8s.io";

/** The mesh's webhooks lead to a Service that exists; addresses outside are host names. */
export const webhooks: Analyzer = {
  name: "webhook.Analyzer",
  about: "the mesh's webhooks lead to a Service that exists, and no two of them inject the same pods",
  codes: ["IST0139", "IST0163", "IST0164"],
  analyze: (input) => {
    const all = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"].flatMap((kind) =>
      input.ofKind(group, kind).filter(isOurs),
    );
    return [...all.flatMap((object) => ofConfiguration(object, input)), ...overlaps(all)];
  },
};

function isOurs(object: KubeObject): boolean {
  return /istio|heddle/.test(object.metadata.name);
}

function ofConfiguration(object: KubeObject, input: AnalysisInput): readonly Finding[] {
  return readObjects(object["webhooks"]).flatMap((webhook, index) => {
    const client = fields(webhook["clientConfig"]);
    const path = `webhooks[${index}].clientConfig`;
    const service = fields(client["service"]);
    const url = readString(client["url"]);
    if (url !== "") return ofAddress(object, `${path}.url`, url);
    const ref = {
      group: "",
      kind: "Service",
      namespace: readString(service["namespace"]),
      name: readString(service["name"]),
    };
    // Files often hold no Services of the control plane at all.
    if (input.ofKind("", "Service").length === 0 || input.find(ref) !== undefined) return [];
    return [
      finding(
        "IST0139",
        refOf(object),
        `${path}.service`,
        `leads to Service ${ref.namespace}/${ref.name}, which does not exist: what it guards is refused or let through unchecked. Delete the webhook, or install the control plane again`,
      ),
    ];
  });
}

function ofAddress(object: KubeObject, path: string, url: string): readonly Finding[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "https:" || parsed.hostname === "")
    return [
      finding(
        "IST0163",
        refOf(object),
        path,
        `The hostname (${url}) that was provided for the webhook to reach the injection service is invalid; it has to be https://host/path`,
      ),
    ];
  return /^[\d.]+$/.test(parsed.hostname) || parsed.hostname.startsWith("[")
    ? [
        finding(
          "IST0164",
          refOf(object),
          path,
          `The address (${parsed.hostname}) that was provided for the webhook to reach the control plane is an IP address and not a hostname; its certificate needs this address`,
        ),
      ]
    : [];
}

/** Two injectors for the same selectors would both add a sidecar. */
function overlaps(all: readonly KubeObject[]): readonly Finding[] {
  const entries = all
    .filter(({ kind }) => kind === "MutatingWebhookConfiguration")
    .flatMap((object) =>
      readObjects(object["webhooks"]).map((webhook, index) => ({
        object,
        index,
        key: JSON.stringify([webhook["namespaceSelector"] ?? {}, webhook["objectSelector"] ?? {}]),
      })),
    );
  return entries.flatMap(({ object, index, key }) => {
    const other = entries.find((one) => one.key === key && one.object !== object);
    return other === undefined
      ? []
      : [
          finding(
            "IST0139",
            refOf(object),
            `webhooks[${index}]`,
            `Webhook overlaps with others: ${other.object.metadata.name} selects the same pods, which would be injected twice. Remove one of the revisions`,
          ),
        ];
  });
}
