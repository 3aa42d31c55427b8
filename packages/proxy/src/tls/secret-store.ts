import type { KeyPair, ValidationConfig } from "../config/tls-context.ts";

/** Certificates and roots by SDS name, from the agent or over SDS. */
export interface SecretStore {
  certificate(name: string): KeyPair | undefined;
  validation(name: string): ValidationConfig | undefined;
  setCertificate(name: string, pair: KeyPair): void;
  setValidation(name: string, validation: ValidationConfig): void;
  remove(name: string): void;
  /** Grows with each change, so that what was built from secrets knows when it is old. */
  readonly version: number;
  names(): readonly string[];
  /** Called after each change. */
  onChange(listener: () => void): void;
}

class MapStore implements SecretStore {
  readonly #certificates = new Map<string, KeyPair>();
  readonly #validations = new Map<string, ValidationConfig>();
  readonly #listeners: (() => void)[] = [];
  version = 0;

  certificate(name: string): KeyPair | undefined {
    return this.#certificates.get(name);
  }

  validation(name: string): ValidationConfig | undefined {
    return this.#validations.get(name);
  }

  setCertificate(name: string, pair: KeyPair): void {
    this.#certificates.set(name, pair);
    this.#changed();
  }

  setValidation(name: string, validation: ValidationConfig): void {
    this.#validations.set(name, validation);
    this.#changed();
  }

  remove(name: string): void {
    this.#certificates.delete(name);
    this.#validations.delete(name);
    this.#changed();
  }

  names(): readonly string[] {
    return [...this.#certificates.keys(), ...this.#validations.keys()];
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #changed(): void {
    this.version++;
    for (const listener of this.#listeners) listener();
  }
}

export function createSecretStore(): SecretStore {
  return new MapStore();
}
