import { isKubeError, type KubeClient, type KubeObject, type Watch } from "@heddle/kube-client";
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
  /** Asked for what the API server is known not to have, or not to give this service account. */
  readonly otherwise?: Pick<CredentialSecrets, "setFor">;
  /** Proxies of this namespace may see something new. */
  onChange(namespace: string): void;
  /** A proxy asked for what nobody has for it: no such Secret, none that it may have, or one without a certificate. */
  onUnavailable?(): void;
}

interface Followed {
  readonly watch: Watch;
  /** Whether the API server has said what there is, if anything. */
  known: boolean;
  data: SecretData | undefined;
}

/** `unanswered`: the API server did not say. */
type Access =
  | { readonly kind: "asking" | "allowed" }
  | { readonly kind: "denied" | "unanswered"; readonly retry: ClockTimer };

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
    const otherwise = this.#options.otherwise?.setFor(namespace, serviceAccount);
    return {
      version: [this.#versions.get(namespace) ?? 0, ...(otherwise === undefined ? [] : [otherwise.version])].join("/"),
      get: (name) => {
        if (!told.has(name)) told.set(name, this.#get(name, namespace, serviceAccount, otherwise));
        return told.get(name);
      },
      names: () => [],
    };
  }

  close(): void {
    this.#closed = true;
    for (const { watch } of this.#followed.values()) watch.close();
    for (const access of this.#access.values()) if ("retry" in access) access.retry.cancel();
  }

  #get(
    name: string,
    namespace: string,
    serviceAccount: string,
    otherwise: ResourceSet | undefined,
  ): EncodedResource | undefined {
    const wanted = parseSecretName(name);
    if (wanted === undefined) return undefined;
    const access = this.#accessOf(namespace, serviceAccount);
    if (access === "denied") return this.#elsewhere(name, otherwise);
    if (access !== "allowed") return undefined;
    const found = wanted.secrets.map((secret) => this.#follow(namespace, secret));
    const credential = credentialOf(
      name,
      wanted.roots,
      found.map(({ data }) => data),
    );
    return credential ?? (found.every(({ known }) => known) ? this.#elsewhere(name, otherwise) : undefined);
  }

  #elsewhere(name: string, otherwise: ResourceSet | undefined): EncodedResource | undefined {
    if (otherwise === undefined) this.#options.onUnavailable?.();
    return otherwise?.get(name);
  }

  #accessOf(namespace: string, serviceAccount: string): Access["kind"] {
    const access = this.#access.get(`${namespace}/${serviceAccount}`);
    if (access === undefined) void this.#ask(namespace, serviceAccount);
    return access?.kind ?? "asking";
  }

  async #ask(namespace: string, serviceAccount: string): Promise<void> {
    const { kube, log, clock } = this.#options;
    const key = `${namespace}/${serviceAccount}`;
    const before = this.#access.get(key);
    // What was known holds until there is another answer.
    if (before === undefined) this.#access.set(key, { kind: "asking" });
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
    const kind = allowed.ok ? "denied" : "unanswered";
    this.#access.set(key, {
      kind,
      retry: clock.after(accessRetryMs, () => void this.#ask(namespace, serviceAccount)),
    });
    if (kind === "denied" && before?.kind !== kind && this.#options.otherwise !== undefined) this.#changed(namespace);
  }

  #follow(namespace: string, name: string): Followed {
    const key = `${namespace}/${name}`;
    const known = this.#followed.get(key);
    if (known !== undefined) return known;
    const { kube, log, otherwise } = this.#options;
    const isKnown = () => {
      if (followed.known) return;
      followed.known = true;
      if (otherwise !== undefined) this.#changed(namespace);
    };
    const watch = kube.watch(
      { group: "", version: "v1", resource: "secrets", namespace },
      {
        onSync: isKnown,
        onEvent: ({ type, object }: { type: string; object: KubeObject }) => {
          if (object.metadata.name !== name) return;
          followed.data = type === "DELETED" ? undefined : secretDataOf(object);
          this.#changed(namespace);
        },
        onError: (error) => {
          if (!isKubeError(error, 403) || followed.known) return;
          log.warn("this control plane may not read a Secret that a gateway names", { namespace, secret: name });
          isKnown();
        },
      },
      { fieldSelector: `metadata.name=${name}` },
    );
    const followed: Followed = { watch, known: false, data: undefined };
    this.#followed.set(key, followed);
    return followed;
  }

  #changed(namespace: string): void {
    this.#versions.set(namespace, (this.#versions.get(namespace) ?? 0) + 1);
    this.#options.onChange(namespace);
  }
}

export function createCredentialSecrets(options: CredentialSecretsOptions): CredentialSecrets {
  return new Secrets(options);
}
