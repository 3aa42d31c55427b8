import type { TypedExtensionConfig } from "@heddle/xds-api/envoy/config/core/v3/extension";
import { type AnyTable, decodeAny, heldType } from "../config/any-field.ts";
import { checkDnsResolver } from "../config/dns-resolver.ts";
import type { Bootstrap } from "../config/proto.ts";
import type { DecodeScope } from "../config/scope.ts";

const REGEX_ENGINE = "envoy.extensions.regex_engines.v3.GoogleRE2";
const LISTENER_MANAGER = "envoy.config.listener.v3.ListenerManager";

/** Istio's bootstrap always has it; it only makes room for listeners without an address, which are refused one by one. */
const BOOTSTRAP_EXTENSIONS: AnyTable<true> = {
  "envoy.extensions.bootstrap.internal_listener.v3.InternalListener": { kind: "struct", decode: () => true },
};

/** Extensions of which a bootstrap may name the one that there is. Errors: any other. */
export function checkExtensions(message: Bootstrap, scope: DecodeScope): void {
  checkDnsResolver(message.typedDnsResolverConfig, scope.field("typed_dns_resolver_config"));
  only(message.defaultRegexEngine, REGEX_ENGINE, scope.field("default_regex_engine"));
  message.bootstrapExtensions.forEach(({ typedConfig }, i) => {
    decodeAny(typedConfig, BOOTSTRAP_EXTENSIONS, scope.field("bootstrap_extensions").item(i).field("typed_config"));
  });
  only(message.listenerManager, LISTENER_MANAGER, scope.field("listener_manager"));
}

function only(message: TypedExtensionConfig | undefined, type: string, scope: DecodeScope): void {
  if (message === undefined || heldType(message.typedConfig) === type) return;
  scope.field("typed_config").problem(`refused: there is ${type} only; leave the field out`);
}
