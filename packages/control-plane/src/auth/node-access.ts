import type { PeerIdentity } from "@heddle/identity";
import { err, ok, type Result } from "@heddle/std";

/** What a discovery client says of itself, as far as access is concerned. */
export interface ClaimedNode {
  readonly id: string;
  readonly namespace: string;
  /** Undefined when it does not say. */
  readonly serviceAccount: string | undefined;
}

/** A proxy gets only what its own identity may see. Errors: a sentence that names both sides. */
export function mayActAs(identity: PeerIdentity, node: ClaimedNode): Result<void> {
  if (identity.namespace !== node.namespace) {
    return err(`node ${node.id} is of namespace ${node.namespace}, but the caller is ${identity.id}`);
  }
  if (node.serviceAccount !== undefined && node.serviceAccount !== identity.serviceAccount) {
    return err(`node ${node.id} says service account ${node.serviceAccount}, but the caller is ${identity.id}`);
  }
  return ok(undefined);
}
