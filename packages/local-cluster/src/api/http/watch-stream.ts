import { ApiError, type KubeObject, type WatchEventType } from "../../contract/index.ts";
import { expired, statusOf } from "../errors/api-errors.ts";
import { joinApiVersion } from "../json/kube-object.ts";
import type { Encoding } from "../read/encoding.ts";
import { type ParsedSelection, select, selectChange } from "../read/selection.ts";
import { type IncludeObject, partialMetadata, tableOf } from "../read/table.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { Store } from "../store/store.ts";
import type { Exchange } from "./exchange.ts";
import { isTrue } from "./request-info.ts";

export interface WatchDeps {
  readonly store: Store;
  readonly encoding: Encoding;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const BOOKMARK_MS = 60_000;
const LONGEST_MS = 3_600_000;
/** A client that lets this much pile up is cut off; it lists again. */
const MOST_BUFFERED_BYTES = 64 * 1024 * 1024;

function encoder(def: ResourceDefinition, exchange: Exchange, deps: WatchDeps): (object: KubeObject) => string {
  const { as } = exchange.form;
  if (as === "Table") {
    const include = includeOf(exchange.query);
    let headers = true;
    return (object) => {
      const meta = { resourceVersion: object.metadata.resourceVersion ?? "" };
      const shown = deps.encoding.view(def, object);
      const table = tableOf(def, [shown], meta, include, deps.now(), headers);
      headers = false;
      return JSON.stringify(table);
    };
  }
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") {
    return (object) => JSON.stringify(partialMetadata(object));
  }
  return (object) => deps.encoding.text(def, object);
}

export function includeOf(query: URLSearchParams): IncludeObject {
  const wanted = query.get("includeObject");
  return wanted === "None" || wanted === "Object" ? wanted : "Metadata";
}

/** Serves one watch until the client leaves, the time is up or the server closes. */
export function streamWatch(
  exchange: Exchange,
  def: ResourceDefinition,
  selection: ParsedSelection,
  deps: WatchDeps,
): void {
  const { query, response } = exchange;
  const collection = deps.store.collection(def.storageKey);
  const encode = encoder(def, exchange, deps);
  const since = query.get("resourceVersion") ?? "";
  const bookmarks = isTrue(query.get("allowWatchBookmarks"));
  const initial = isTrue(query.get("sendInitialEvents"));
  let open = true;

  function write(type: WatchEventType | "BOOKMARK" | "ERROR", object: string): void {
    if (!open) return;
    response.write(`{"type":"${type}","object":${object}}\n`);
    if (response.writableLength > MOST_BUFFERED_BYTES) response.destroy();
  }

  function bookmark(endsInitial: boolean): void {
    const annotations = endsInitial ? { annotations: { "k8s.io/initial-events-end": "true" } } : {};
    const metadata = { resourceVersion: String(deps.store.version), creationTimestamp: null, ...annotations };
    const table = exchange.form.as === "Table";
    const type = table
      ? { kind: "Table", apiVersion: "meta.k8s.io/v1" }
      : { kind: def.kind, apiVersion: joinApiVersion(def.group, def.version) };
    write("BOOKMARK", JSON.stringify({ ...type, metadata, ...(table ? { columnDefinitions: [], rows: [] } : {}) }));
  }

  const version = Number(since);
  if (!Number.isSafeInteger(version) || version < 0) {
    const why = `resourceVersion: Invalid value: ${JSON.stringify(since)}: strconv.ParseUint: parsing ${JSON.stringify(since)}: invalid syntax`;
    throw new ApiError(500, "", why);
  }
  response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-cache, private" });
  response.flushHeaders();

  const fresh = since === "" || since === "0" || initial;
  const missed = fresh ? [] : version > deps.store.version ? undefined : collection.since(version);
  if (!missed) {
    const oldest = Math.max(collection.forgotten, 0);
    write("ERROR", JSON.stringify(statusOf(expired(`too old resource version: ${since} (${oldest})`)).body));
    response.end();
    return;
  }
  if (fresh && (initial || query.get("sendInitialEvents") !== "false")) {
    for (const object of select(collection.list(selection.namespace), selection)) write("ADDED", encode(object));
    if (initial) bookmark(true);
  }
  for (const change of missed) {
    const event = selectChange(change, selection);
    if (event) write(event.type, encode(event.object));
  }
  const subscription = collection.subscribe((change) => {
    const event = selectChange(change, selection);
    if (event) write(event.type, encode(event.object));
  });
  const ticker = bookmarks ? setInterval(() => bookmark(false), BOOKMARK_MS) : undefined;
  const seconds = Number(query.get("timeoutSeconds") ?? "0");
  const timer = setTimeout(finish, seconds > 0 ? Math.min(seconds * 1000, LONGEST_MS) : LONGEST_MS);

  function finish(): void {
    if (!open) return;
    if (bookmarks) bookmark(false);
    stop();
    response.end();
  }

  function stop(): void {
    open = false;
    subscription.close();
    clearInterval(ticker);
    clearTimeout(timer);
  }

  if (exchange.signal.aborted) stop();
  else exchange.signal.addEventListener("abort", stop, { once: true });
}
