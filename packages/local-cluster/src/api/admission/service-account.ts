import { forbidden } from "../errors/api-errors.ts";
import { at, child, children, type Draft, list, text } from "../json/json-value.ts";
import type { Store } from "../store/store.ts";
import type { AdmissionStep } from "./admission.ts";

export const TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const TOKEN_SECONDS = 3607;

function tokenVolume(name: string): object {
  return {
    name,
    projected: {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
    },
  };
}

function addToken(spec: Draft, suffix: string): void {
  const containers = [...children(spec, "containers"), ...children(spec, "initContainers")];
  const lacking = containers.filter(
    (container) => !children(container, "volumeMounts").some((mount) => mount["mountPath"] === TOKEN_MOUNT),
  );
  if (lacking.length === 0) return;
  const present = children(spec, "volumes").find((volume) => text(volume["name"]).startsWith("kube-api-access-"));
  const name = present ? text(present["name"]) : `kube-api-access-${suffix}`;
  if (!present) spec["volumes"] = [...list(spec["volumes"]), tokenVolume(name)];
  for (const container of lacking) {
    container["volumeMounts"] = [...list(container["volumeMounts"]), { name, readOnly: true, mountPath: TOKEN_MOUNT }];
  }
}

/** Gives every pod its service account, the account's pull secrets and a projected token. Errors: 403 for a missing account. */
export function createServiceAccountAdmission(store: Store, suffix: () => string): AdmissionStep {
  return {
    mutate(call) {
      const { def, operation, draft, namespace } = call;
      if (def.storageKey !== "/pods" || operation !== "CREATE" || !draft) return draft;
      // Mirror pods belong to the kubelet.
      if (at(draft, "metadata", "annotations", "kubernetes.io/config.mirror") !== undefined) return draft;
      const spec = child(draft, "spec");
      const name = text(spec["serviceAccountName"]) || "default";
      spec["serviceAccountName"] = name;
      spec["serviceAccount"] = name;
      const account = store.collection("/serviceaccounts").get(namespace, name);
      if (!account) {
        throw forbidden(
          def,
          call.name,
          `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
        );
      }
      const wanted = spec["automountServiceAccountToken"] ?? account["automountServiceAccountToken"];
      if (wanted !== false) addToken(spec, suffix());
      if (list(spec["imagePullSecrets"]).length === 0 && list(account["imagePullSecrets"]).length > 0) {
        spec["imagePullSecrets"] = account["imagePullSecrets"];
      }
      return draft;
    },
  };
}
