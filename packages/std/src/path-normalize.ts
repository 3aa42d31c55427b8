// Hot path: once per request of the proxy; what explains requests walks by the same rules.

/** Envoy's `normalize_path`, `merge_slashes`, `path_with_escaped_slashes_action` of an HttpConnectionManager. */
export interface PathRules {
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: "keep" | "reject" | "unescape" | "redirect";
}

/** The path by the configured rules; undefined when it must be refused. Source: Envoy path normalisation, RFC 3986 6. */
export function normalizePath(path: string, rules: PathRules): string | undefined {
  if (!path.startsWith("/") || isNormal(path)) return path;
  const query = path.indexOf("?");
  let bare = query < 0 ? path : path.slice(0, query);
  const rest = query < 0 ? "" : path.slice(query);
  if (rules.escapedSlashes !== "keep" && /%2f|%5c/i.test(bare)) {
    if (rules.escapedSlashes === "reject") return undefined;
    bare = bare.replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
  }
  if (rules.normalizePath) {
    // What reads the path as a C string would see another one than the routes and policies did.
    if (bare.includes("%00")) return undefined;
    const normal = removeDots(decodeUnreserved(bare.replaceAll("\\", "/")));
    if (normal === undefined) return undefined;
    bare = normal;
  }
  if (rules.mergeSlashes) bare = bare.replace(/\/{2,}/g, "/");
  return bare + rest;
}

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const QUESTION = 0x3f;

/** Nothing that any rule could change; true of nearly all paths. */
function isNormal(path: string): boolean {
  let before = 0;
  for (let i = 0; i < path.length; i++) {
    const char = path.charCodeAt(i);
    if (char === QUESTION) return true;
    if (char === PERCENT || char === BACKSLASH) return false;
    if (before === SLASH && (char === SLASH || char === DOT)) return false;
    before = char;
  }
  return true;
}

function decodeUnreserved(path: string): string {
  if (!path.includes("%")) return path;
  return path.replace(/%([0-9a-fA-F]{2})/g, (whole, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(char) ? char : whole.toUpperCase();
  });
}

/** Errors: undefined when `..` leads above the root. */
function removeDots(path: string): string | undefined {
  if (!path.includes("/.")) return path;
  const kept: string[] = [];
  const parts = path.slice(1).split("/");
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? "";
    const last = i === parts.length - 1;
    if (part === "..") {
      if (kept.length === 0) return undefined;
      kept.pop();
      if (last) kept.push("");
    } else if (part === ".") {
      if (last) kept.push("");
    } else {
      kept.push(part);
    }
  }
  return `/${kept.join("/")}`;
}
