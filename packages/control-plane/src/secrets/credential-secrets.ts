import type { KubeClient, KubeObject, Watch } from "@heddle/kube-client";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import type { EncodedResource, ResourceSet } from "@heddle/xds";
import { mayReadSecrets } from "./secret-access.ts";
import { credentialOf, parseSecretName, type SecretData, secretDataOf } from "./secret-resource.ts";

/** Kubernetes Secrets that gateways and TLS origination name (`credentialName`), served by SDS to proxies of the Secret's namespace. */
export interface CredentialSecrets {
  /** What a proxy that runs as this service account may ask for. The answer to a first question comes later, by `onChange`. */
  setFor(namespace: string, serviceAccount: string): ResourceSet;
  close(): void;
}

export interface CredentialSecretsOptions {
  readonly kube: Pick<KubeClient, "watch" | "request">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Proxies of this namespace may see something new. */
  onChange(namespace: string): void;
}

interface Followed {
  readonly watch: Watch;
  data: SecretData | undefined;
}

type Access = { readonly kind: "asking" | "allowed" } | { readonly kind: "denied"; readonly retry: ClockTimer };

/** How soon a refused service account is looked at again: its Role may be created after it. Units: ms. */
const accessRetryMs = 5_000;

/** Only Secrets that a proxy has asked for are watched, each by its name. */
class Secrets implements CredentialSecrets {
  readonly #options: CredentialSecretsOptions;
  readonly #followed = new Map<string, Followed>();
  readonly #access = new Map<string, Access>();
  readonly #versions = new Map<string, number>();
  #closed = false;

  constructor(options: CredentialSecretsOptions) {
    this.#options = options;
  }

  setFor(namespace: string, serviceAccount: string): ResourceSet {
    // A set is compared with later ones, so what it has answered once it answers for ever.
    const told = new Map<string, EncodedResource | undefined>();
    return {
      version: String(this.#versions.get(namespace) ?? 0),
      get: (name) => {
        if (!told.has(name)) told.set(name, this.#get(name, namespace, serviceAccount));
        return told.get(name);
      },
      names: () => [],
    };
  }

  close(): void {
    this.#closed = true;
    for (const { watch } of this.#followed.values()) watch.close();
    for (const access of this.#access.values()) if (access.kind === "denied") access.retry.cancel();
  }

  #get(name: string, namespace: string, serviceAccount: string): EncodedResource | undefined {
    const wanted = parseSecretName(name);
    if (wanted === undefined || !this.#allowed(namespace, serviceAccount)) return undefined;
    const data = wanted.secrets.map((secret) => this.#dataOf(namespace, secret));
    return credentialOf(name, wanted.roots, data);
  }

  #allowed(namespace: string, serviceAccount: string): boolean {
    const key = `${namespace}/${serviceAccount}`;
    const known = this.#access.get(key);
    if (known === undefined) void this.#ask(namespace, serviceAccount);
    return known?.kind === "allowed";
  }

  async #ask(namespace: string, serviceAccount: string): Promise<void> {
    const { kube, log, clock } = this.#options;
    const key = `${namespace}/${serviceAccount}`;
    this.#access.set(key, { kind: "asking" });
    const allowed = await mayReadSecrets(kube, namespace, serviceAccount);
    if (this.#closed) return;
    if (allowed.ok && allowed.value) {
      this.#access.set(key, { kind: "allowed" });
      this.#changed(namespace);
      return;
    }
    const reason = allowed.ok
      ? "the service account may not list secrets; give it a Role with get, list, watch on secrets"
      : allowed.error;
    log.warn("a proxy asks for Secrets and gets none", { namespace, serviceAccount, reason });
    this.#access.set(key, {
      kind: "denied",
      retry: clock.after(accessRetryMs, () => void this.#ask(namespace, serviceAccount)),
    });
  }

  #dataOf(namespace: string, name: string): SecretData | undefined {
    const key = `${namespace}/${name}`;
    const known = this.#followed.get(key);
    if (known !== undefined) return known.data;
    const watch = this.#options.kube.watch(
      { group: "", version: "v1", resource: "secrets", namespace },
      {
        onSync: () => undefined,
        onEvent: ({ type, object }: { type: string; object: KubeObject }) => {
          const followed = this.#followed.get(key);
          if (followed === undefined || object.metadata.name !== name) return;
          followed.data = type === "DELETED" ? undefined : secretDataOf(object);
          this.#changed(namespace);
        },
      },
      { fieldSelector: `metadata.name=${name}` },
    );
    this.#followed.set(key, { watch, data: undefined });
    return undefined;
  }

  #changed(namespace: string): void {
    this.#versions.set(namespace, (this.#versions.get(namespace) ?? 0) + 1);
    this.#options.onChange(namespace);
  }
}

export function createCredentialSecrets(options: CredentialSecretsOptions): CredentialSecrets {
  return new Secrets(options);
}
