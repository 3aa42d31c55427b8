import {
  type BindConfig,
  BindConfigSchema,
  ExtraSourceAddressSchema,
} from "@heddle/xds-api/envoy/config/core/v3/address";
import { sameFamily } from "../transport/address.ts";
import type { DecodeScope } from "./scope.ts";
import { shape } from "./shape.ts";

export const EXTRA_SOURCE_SHAPE = shape(
  ExtraSourceAddressSchema,
  ["address"],
  {},
  { socket_options: "the runtime gives no access to options of its sockets" },
);
export const BIND_CONFIG_SHAPE = shape(
  BindConfigSchema,
  ["source_address", "extra_source_addresses"],
  {},
  {
    socket_options: "the runtime gives no access to options of its sockets",
    "additional_source_addresses local_address_selector": "use source_address and extra_source_addresses",
  },
  {
    only: { freebind: { values: ["false"], reason: "the runtime gives no access to this option of its sockets" } },
    inside: { extra_source_addresses: EXTRA_SOURCE_SHAPE },
  },
);
/** Errors: a second address of a family. Source: Envoy takes the one of the server's family. */
export function decodeSources(bind: BindConfig | undefined, scope: DecodeScope): readonly string[] {
  const sources: string[] = [];
  const add = (ip: string | undefined, at: DecodeScope) => {
    if (ip === undefined || ip === "") return;
    if (sources.some((other) => sameFamily(other, ip)))
      at.problem("refused: connections come from one address of each family");
    sources.push(ip);
  };
  add(bind?.sourceAddress?.address, scope.field("source_address"));
  bind?.extraSourceAddresses.forEach(({ address }, i) => {
    add(address?.address, scope.field("extra_source_addresses").item(i));
  });
  return sources;
}
