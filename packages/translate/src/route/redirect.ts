import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HttpMatch, HttpRoute } from "@heddle/config";
import {
  RedirectAction_RedirectResponseCode,
  type RedirectActionSchema,
} from "@heddle/xds-api/envoy/config/route/v3/route_components";

const codes: Readonly<Record<number, RedirectAction_RedirectResponseCode>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

/** @param port The port that the request came to, for `derivePort`. */
export function redirectAction(
  redirect: NonNullable<HttpRoute["redirect"]>,
  match: HttpMatch | undefined,
  port: number,
): MessageInitShape<typeof RedirectActionSchema> {
  const target = redirect.port ?? (redirect.derivePort === "FROM_REQUEST_PORT" ? port : undefined);
  const regex = match?.uri?.regex;
  const path = redirect.prefixRewrite;
  return {
    hostRedirect: redirect.authority ?? "",
    ...(target === undefined ? {} : { portRedirect: target }),
    ...(redirect.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: "schemeRedirect", value: redirect.scheme } }),
    ...(redirect.uri === undefined ? {} : { pathRewriteSpecifier: { case: "pathRedirect", value: redirect.uri } }),
    ...(path === undefined
      ? {}
      : regex === undefined
        ? { pathRewriteSpecifier: { case: "prefixRewrite", value: path } }
        : { pathRewriteSpecifier: { case: "regexRewrite", value: { pattern: { regex }, substitution: path } } }),
    responseCode: codes[redirect.redirectCode] ?? RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  };
}
