import { labelText } from "@heddle/std";
import type { StatsSettings, TagConfig } from "../../config/stats-config.ts";

/** A name as Prometheus has it. */
export interface TaggedName {
  readonly metric: string;
  /** The name without its labels, in Envoy's form. */
  readonly dotted: string;
  readonly tags: readonly string[];
  /** `{a="b"}` without the braces' content changed; "" without labels. */
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** Finds the labels in a name. Source: Envoy's tag extraction: the first group leaves the name, the second (else the first) is the value. */
export interface StatTags {
  of(name: string): TaggedName;
}

interface DefaultTag {
  readonly name: string;
  /** Names that can have the tag begin so. */
  readonly prefix: string;
  readonly regex: RegExp;
}

/** The tags that Envoy has by itself, from the most to the least specific. Source: Envoy `TagNameValues`. */
const DEFAULT_TAGS: readonly DefaultTag[] = [
  { name: "envoy.response_code", prefix: "", regex: /_rq(_(\d{3}))$/ },
  { name: "envoy.response_code_class", prefix: "", regex: /_rq_(\d)xx$/ },
  { name: "envoy.virtual_cluster", prefix: "vhost.", regex: /^vhost\..+?\.vcluster\.((.+?)\.)\w+$/ },
  { name: "envoy.route", prefix: "vhost.", regex: /^vhost\..+?\.route\.((.+?)\.)\w+$/ },
  { name: "envoy.ssl_version", prefix: "listener.", regex: /^listener\..+?\.ssl\.versions(\.(.+))$/ },
  { name: "envoy.ssl_version", prefix: "cluster.", regex: /^cluster\..+?\.ssl\.versions(\.(.+))$/ },
  { name: "envoy.worker_id", prefix: "listener.", regex: /^listener\..+?\.worker_((\d+)\.)/ },
  { name: "envoy.tcp_prefix", prefix: "tcp.", regex: /^tcp\.((.+?)\.)\w+$/ },
  { name: "envoy.cluster_name", prefix: "cluster.", regex: /^cluster\.(([^.]+)\.)/ },
  { name: "envoy.http_conn_manager_prefix", prefix: "listener.", regex: /^listener\..+?\.http\.((.+?)\.)/ },
  { name: "envoy.http_conn_manager_prefix", prefix: "http.", regex: /^http\.((.+?)\.)/ },
  { name: "envoy.listener_address", prefix: "listener.", regex: /^listener\.(([_.\d]+|[_[\]a-fA-F\d]+)\.)/ },
  { name: "envoy.virtual_host", prefix: "vhost.", regex: /^vhost\.((.+?)\.)/ },
  {
    name: "envoy.local_http_ratelimit_prefix",
    prefix: "",
    regex: /^((.+)\.)http_local_rate_limit\.\w+$/,
  },
];

/** Remembered names; beyond it the memory starts afresh. */
const MAX_REMEMBERED = 20_000;

export function createStatTags(settings: Pick<StatsSettings, "tags" | "defaultTags">): StatTags {
  const fixed = settings.tags.filter((tag) => tag.kind === "fixed");
  const own = settings.tags.filter((tag): tag is Extract<TagConfig, { kind: "regex" }> => tag.kind === "regex");
  const regexes: readonly DefaultTag[] = [
    ...own.map(({ name, regex }) => ({ name, prefix: "", regex })),
    ...(settings.defaultTags ? DEFAULT_TAGS : []),
    // With places: what a group matches may stand elsewhere in the name, too.
  ].map((tag) => ({ ...tag, regex: new RegExp(tag.regex, "d") }));
  const known = new Map<string, TaggedName>();
  const find = (name: string): TaggedName => {
    const tags = fixed.map((tag) => tag.name);
    const values = fixed.map((tag) => tag.value);
    const removed: [number, number][] = [];
    const found = new Set<string>();
    for (const { name: tag, prefix, regex } of regexes) {
      if (!name.startsWith(prefix) || found.has(tag)) continue;
      const match = regex.exec(name);
      const part = match?.[1];
      if (match === null || part === undefined || part === "") continue;
      found.add(tag);
      tags.push(tag);
      values.push(match[2] ?? part);
      const place = match.indices?.[1];
      if (place !== undefined) removed.push(place);
    }
    const dotted = without(name, removed);
    return { metric: `envoy_${sanitize(dotted)}`, dotted, tags, names: tags.map(sanitize), values };
  };
  return {
    of: (name) => {
      let tagged = known.get(name);
      if (tagged === undefined) {
        tagged = find(name);
        if (known.size >= MAX_REMEMBERED) known.clear();
        known.set(name, tagged);
      }
      return tagged;
    },
  };
}

/** Labels in the exposition format; `extra` stands last. */
export function taggedLabels(tagged: TaggedName, extra?: readonly [name: string, value: string]): string {
  return extra === undefined
    ? labelText(tagged.names, tagged.values)
    : labelText([...tagged.names, extra[0]], [...tagged.values, extra[1]]);
}

function without(name: string, removed: readonly (readonly [number, number])[]): string {
  let text = "";
  for (let i = 0; i < name.length; i++) {
    if (!removed.some(([from, to]) => i >= from && i < to)) text += name[i];
  }
  return text;
}

function sanitize(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, "_");
}
