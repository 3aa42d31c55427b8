import { heldType, isHeldEmpty } from "./any-field.ts";
import type { TypedExtensionConfig } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";

/** The system's resolver, which the proxy asks. Its only field is how often it repeats. */
const SYSTEM = "envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig";

/** Errors: any resolver but the system's, as the system is set up. */
export function checkDnsResolver(message: TypedExtensionConfig | undefined, scope: DecodeScope): void {
  const config = message?.typedConfig;
  if (message === undefined || (config !== undefined && heldType(config) === SYSTEM && isHeldEmpty(config))) return;
  scope
    .field("typed_config")
    .problem(`refused: names are resolved by the system; leave the field out, or name ${SYSTEM} without fields`);
}
