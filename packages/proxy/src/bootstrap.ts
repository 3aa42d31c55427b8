import { readFileSync } from "node:fs";
import { fromJson, type JsonValue, type Registry, toBinary } from "@bufbuild/protobuf";
import { err, ok, type Result } from "@heddle/std";
import { typeUrls } from "@heddle/xds-api";
import { parse } from "yaml";
import { type Bootstrap, BootstrapSchema, ClusterSchema, ListenerSchema, SecretSchema } from "./config/proto.ts";
import { createScope } from "./config/scope.ts";
import { decodeAddress } from "./config/socket-address.ts";
import type { IncomingResource } from "./resources.ts";
import type { SocketAddress } from "./transport/address.ts";

/** Resources of one type that the bootstrap brings. */
export interface StaticResources {
  readonly typeUrl: string;
  readonly resources: readonly IncomingResource[];
}

/** What the proxy takes from an Envoy v3 bootstrap. */
export interface BootstrapSettings {
  readonly nodeId: string;
  readonly nodeCluster: string;
  readonly admin: SocketAddress | undefined;
  /** In the order in which they must be applied. */
  readonly resources: readonly StaticResources[];
  /** Cluster of the ADS server; undefined: nothing is dynamic. */
  readonly adsCluster: string | undefined;
  readonly message: Bootstrap;
}

/** Reads a bootstrap file in YAML or JSON. Errors: a sentence that names the file and the field. */
export function readBootstrap(path: string, registry: Registry): Result<BootstrapSettings> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return err(`can't read the bootstrap ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    const json: JsonValue = parse(text);
    return parseBootstrap(fromJson(BootstrapSchema, json, { registry }), path);
  } catch (error) {
    return err(`${path} is not an Envoy v3 bootstrap: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parseBootstrap(message: Bootstrap, path: string): Result<BootstrapSettings> {
  const scope = createScope();
  let admin: SocketAddress | undefined;
  if (message.admin?.address !== undefined) {
    const decoded = decodeAddress(message.admin.address, scope.field("admin.address"));
    if (decoded?.kind === "tcp") admin = decoded.address;
  }
  if (scope.problems.length > 0)
    return err(`${path}: ${scope.problems.map((p) => `${p.path}: ${p.reason}`).join("; ")}`);
  const fixed = message.staticResources;
  const ads = message.dynamicResources?.adsConfig?.grpcServices[0]?.targetSpecifier;
  return ok({
    nodeId: message.node?.id ?? "",
    nodeCluster: message.node?.cluster ?? "",
    admin,
    resources: [
      {
        typeUrl: typeUrls.secret,
        resources: (fixed?.secrets ?? []).map((s) => ({ name: s.name, version: "", bytes: toBinary(SecretSchema, s) })),
      },
      {
        typeUrl: typeUrls.cluster,
        resources: (fixed?.clusters ?? []).map((c) => ({
          name: c.name,
          version: "",
          bytes: toBinary(ClusterSchema, c),
        })),
      },
      {
        typeUrl: typeUrls.listener,
        resources: (fixed?.listeners ?? []).map((l, i) => {
          // Envoy names nameless listeners too.
          if (l.name === "") l.name = `listener_${i}`;
          return { name: l.name, version: "", bytes: toBinary(ListenerSchema, l) };
        }),
      },
    ],
    adsCluster: ads?.case === "envoyGrpc" ? ads.value.clusterName : undefined,
    message,
  });
}
