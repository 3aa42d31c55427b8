import type { NameEntry } from "@heddle/dns";
import { readMessage, typeUrls } from "@heddle/xds-api";
import { NameTableSchema } from "@heddle/xds-api/istio/networking/nds/v1/nds";
import type { AdsClientDeps } from "../xds/ads-client.ts";

type Resources = AdsClientDeps["resources"];

/** Takes the name table out of a discovery stream; the other types go to `rest`, or nowhere. */
export function withNameTable(onTable: (entries: readonly NameEntry[]) => void, rest?: Resources): Resources {
  return {
    prepare: (typeUrl, resources) => (typeUrl === typeUrls.nameTable ? undefined : rest?.prepare(typeUrl, resources)),
    apply(typeUrl, resources, removed) {
      if (typeUrl !== typeUrls.nameTable) return rest?.apply(typeUrl, resources, removed);
      const [table] = resources;
      if (table === undefined) return undefined;
      try {
        onTable(readNameTable(table.bytes));
        return undefined;
      } catch (error) {
        return `NameTable: ${error instanceof Error ? error.message : String(error)}`;
      }
    },
    wanted: (typeUrl) => rest?.wanted(typeUrl) ?? [],
    held: (typeUrl) => rest?.held(typeUrl) ?? [],
  };
}

/** Errors: throws on bytes that are no name table. */
export function readNameTable(bytes: Uint8Array): readonly NameEntry[] {
  const { table } = readMessage(NameTableSchema, bytes);
  return Object.entries(table).map(([host, info]) => ({
    host,
    addresses: info.ips,
    registry: info.registry,
    shortName: info.shortname,
    namespace: info.namespace,
  }));
}
