import type { JsonValue } from "@bufbuild/protobuf";
import { extensionOf, movedType } from "./extension-names.ts";
import { type Fields, isFields, listOf } from "./json-value.ts";

/** A bootstrap in today's form, with what was old in it. */
export interface UpgradedBootstrap {
  readonly json: JsonValue;
  /** One sentence for each old spelling; empty when the file was v3 already. */
  readonly changes: readonly string[];
  /** Old spellings that have no present form. */
  readonly problems: readonly string[];
}

/** Fields that only changed their name, by the object that they stand in (recognised by the field before). */
const RENAMED: Readonly<Record<string, string>> = {
  host_rewrite: "host_rewrite_literal",
  auto_host_rewrite_header: "host_rewrite_header",
  per_filter_config: "typed_per_filter_config",
};

const TLS = "envoy.extensions.transport_sockets.tls.v3";

class Upgrade {
  readonly changes: string[] = [];
  readonly problems: string[] = [];

  note(path: string, text: string): void {
    this.changes.push(`${path}: ${text}`);
  }

  value(value: JsonValue, path: string): JsonValue {
    if (Array.isArray(value)) return value.map((item, i) => this.value(item, `${path}[${i}]`));
    if (!isFields(value)) return value;
    let fields: Fields = { ...value };
    fields = this.#extension(fields, path);
    fields = this.#type(fields, path);
    fields = this.#names(fields, path);
    fields = this.#routeMatch(fields, path);
    const out: Fields = {};
    for (const [key, item] of Object.entries(fields)) out[key] = this.value(item, path === "" ? key : `${path}.${key}`);
    return out;
  }

  /** `name` + `config` → `name` + `typed_config`. */
  #extension(fields: Fields, path: string): Fields {
    const name = fields["name"];
    if (typeof name !== "string") return fields;
    const known = extensionOf(name);
    const config = fields["config"];
    if (config === undefined) {
      if (known === undefined) return fields;
      const out = { ...fields };
      if (known.name !== name) {
        this.note(`${path}.name`, `${name} is called ${known.name}`);
        out["name"] = known.name;
      }
      // In v2 an extension without configuration could stand alone.
      if (out["typed_config"] === undefined && out["config_discovery"] === undefined) {
        this.note(`${path}.typed_config`, "is needed");
        out["typed_config"] = { "@type": `type.googleapis.com/${known.type}` };
      }
      return out;
    }
    if (known === undefined) {
      this.problems.push(
        `${path}.config: the extension ${name} has no present form that this proxy knows; write typed_config with its @type`,
      );
      return fields;
    }
    const out: Fields = { ...fields };
    delete out["config"];
    out["name"] = known.name;
    out["typed_config"] = { "@type": `type.googleapis.com/${known.type}`, ...(isFields(config) ? config : {}) };
    this.note(`${path}.config`, "is written typed_config with @type");
    if (known.name !== name) this.note(`${path}.name`, `${name} is called ${known.name}`);
    return out;
  }

  #type(fields: Fields, path: string): Fields {
    const type = fields["@type"];
    if (typeof type !== "string") return fields;
    const moved = movedType(type.slice(type.lastIndexOf("/") + 1));
    if (moved === undefined) return fields;
    this.note(`${path}.@type`, `is type.googleapis.com/${moved}`);
    return { ...fields, "@type": `type.googleapis.com/${moved}` };
  }

  #names(fields: Fields, path: string): Fields {
    const out: Fields = {};
    for (const [key, item] of Object.entries(fields)) {
      const renamed = RENAMED[key];
      if (renamed !== undefined) {
        this.note(`${path}.${key}`, `is called ${renamed}`);
        out[renamed] = item;
      } else if (key === "operation_name" && path.endsWith(".tracing")) {
        this.note(`${path}.${key}`, "is the listener's traffic_direction");
      } else if (key === "request_mirror_policy") {
        this.note(`${path}.${key}`, "is the list request_mirror_policies");
        out["request_mirror_policies"] = [item];
      } else {
        out[key] = item;
      }
    }
    return out;
  }

  #routeMatch(fields: Fields, path: string): Fields {
    const out = { ...fields };
    if (typeof out["regex"] === "string" && /\.match$/.test(path)) {
      this.note(`${path}.regex`, "is safe_regex: {regex}");
      out["safe_regex"] = { regex: out["regex"] };
      delete out["regex"];
    }
    if (typeof out["regex_match"] === "string") {
      this.note(`${path}.regex_match`, "is safe_regex_match: {regex}");
      out["safe_regex_match"] = { regex: out["regex_match"] };
      delete out["regex_match"];
    }
    return out;
  }

  cluster(value: JsonValue, path: string): JsonValue {
    if (!isFields(value)) return value;
    const out: Fields = { ...value };
    const hosts = out["hosts"];
    if (hosts !== undefined) {
      this.note(`${path}.hosts`, "is load_assignment");
      delete out["hosts"];
      const endpoints = listOf(hosts).map((address): Fields => ({ endpoint: { address } }));
      out["load_assignment"] = { cluster_name: out["name"] ?? "", endpoints: [{ lb_endpoints: endpoints }] };
    }
    this.#tls(out, path, "UpstreamTlsContext");
    return out;
  }

  listener(value: JsonValue, path: string): JsonValue {
    if (!isFields(value)) return value;
    const out: Fields = { ...value };
    let proxyProtocol = false;
    out["filter_chains"] = listOf(out["filter_chains"]).map((chain, i): JsonValue => {
      if (!isFields(chain)) return chain;
      const at = `${path}.filter_chains[${i}]`;
      const fields: Fields = { ...chain };
      this.#tls(fields, at, "DownstreamTlsContext");
      if (fields["use_proxy_proto"] !== undefined) {
        this.note(`${at}.use_proxy_proto`, "is the listener filter envoy.filters.listener.proxy_protocol");
        proxyProtocol ||= fields["use_proxy_proto"] === true;
        delete fields["use_proxy_proto"];
      }
      return fields;
    });
    if (proxyProtocol)
      out["listener_filters"] = [{ name: "envoy.filters.listener.proxy_protocol" }, ...listOf(out["listener_filters"])];
    return out;
  }

  #tls(fields: Fields, path: string, kind: string): void {
    const context = fields["tls_context"];
    if (context === undefined) return;
    this.note(`${path}.tls_context`, "is transport_socket");
    delete fields["tls_context"];
    fields["transport_socket"] = {
      name: "envoy.transport_sockets.tls",
      typed_config: { "@type": `type.googleapis.com/${TLS}.${kind}`, ...(isFields(context) ? context : {}) },
    };
  }
}

/** Brings a bootstrap from Envoy's v2 form (before 1.18) to v3; a v3 file comes out as it is. */
export function upgradeBootstrap(json: JsonValue): UpgradedBootstrap {
  const upgrade = new Upgrade();
  if (!isFields(json)) return { json, changes: [], problems: [] };
  const out: Fields = { ...json };
  const fixed = out["static_resources"];
  if (isFields(fixed)) {
    const resources: Fields = { ...fixed };
    const each = (key: string, change: (value: JsonValue, path: string) => JsonValue) => {
      if (resources[key] === undefined) return;
      resources[key] = listOf(resources[key]).map((item, i) => change(item, `static_resources.${key}[${i}]`));
    };
    each("listeners", (item, path) => upgrade.listener(item, path));
    each("clusters", (item, path) => upgrade.cluster(item, path));
    out["static_resources"] = resources;
  }
  const runtime = out["runtime"];
  if (isFields(runtime)) {
    upgrade.note("runtime", "is layered_runtime");
    delete out["runtime"];
    out["layered_runtime"] = { layers: runtimeLayers(runtime) };
  }
  return { json: upgrade.value(out, ""), changes: upgrade.changes, problems: upgrade.problems };
}

/** Source: Envoy 1.16 read the older form so. */
function runtimeLayers(runtime: Fields): JsonValue[] {
  const { base, symlink_root, subdirectory = "", override_subdirectory } = runtime;
  const layers: JsonValue[] = [];
  if (base !== undefined) layers.push({ name: "base", static_layer: base });
  if (symlink_root !== undefined) layers.push({ name: "root", disk_layer: { symlink_root, subdirectory } });
  if (symlink_root !== undefined && override_subdirectory !== undefined)
    layers.push({
      name: "override",
      disk_layer: { symlink_root, subdirectory: override_subdirectory, append_service_cluster: true },
    });
  return [...layers, { name: "admin", admin_layer: {} }];
}
