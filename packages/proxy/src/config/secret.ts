import { stampOf } from "../file-stamp.ts";
import { type DataSource, type Secret, SecretSchema } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeKeyPair, decodeValidation, type KeyPair, type ValidationConfig } from "./tls-context.ts";

/** A file, and its stamp from before it was read: what is written meanwhile shows. */
export interface SeenFile {
  readonly path: string;
  readonly stamp: string;
}

/** A decoded SDS secret. */
export type SecretConfig = {
  readonly name: string;
  /** Where it was read from. */
  readonly files: readonly SeenFile[];
} & (
  | { readonly kind: "certificate"; readonly pair: KeyPair }
  | { readonly kind: "validation"; readonly validation: ValidationConfig }
);

export const SECRET_SHAPE = shape(
  SecretSchema,
  ["name", "tls_certificate", "validation_context"],
  {},
  {
    session_ticket_keys: "the runtime makes its own ticket keys",
    generic_secret: "nothing here reads one",
  },
);

export function decodeSecret(message: Secret, scope: DecodeScope): SecretConfig | undefined {
  checkShape(SECRET_SHAPE, message, scope);
  switch (message.type.case) {
    case "tlsCertificate": {
      const { certificateChain, privateKey, password } = message.type.value;
      const files = filesOf(certificateChain, privateKey, password);
      const pair = decodeKeyPair(message.type.value, scope.field("tls_certificate"));
      return pair === undefined ? undefined : { kind: "certificate", name: message.name, files, pair };
    }
    case "validationContext": {
      const files = filesOf(message.type.value.trustedCa, message.type.value.crl);
      const validation = decodeValidation(message.type.value, scope.field("validation_context"));
      return { kind: "validation", name: message.name, files, validation };
    }
    default:
      return undefined;
  }
}

function filesOf(...sources: readonly (DataSource | undefined)[]): readonly SeenFile[] {
  return sources.flatMap((source) => {
    if (source?.specifier.case !== "filename") return [];
    const path = source.specifier.value;
    return [{ path, stamp: stampOf(path) }];
  });
}
