/** The two halves of an address of a service; the cluster beside it says where connections go. */
export interface HttpUriParts {
  /** With the port, if one is written. */
  readonly authority: string;
  /** With the query; "/" where there is none. */
  readonly path: string;
}

/** `http://a:80/b?c`, also without the scheme. Source: Envoy's reading of `HttpUri.uri`, which drops no port and changes no byte. */
export function splitHttpUri(uri: string): HttpUriParts {
  const scheme = uri.indexOf("://");
  const start = scheme < 0 ? 0 : scheme + 3;
  const slash = uri.indexOf("/", start);
  if (slash < 0) return { authority: uri.slice(start), path: "/" };
  return { authority: uri.slice(start, slash), path: uri.slice(slash) };
}
