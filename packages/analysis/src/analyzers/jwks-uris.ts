import { readObjects, readString, refOf } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { fields } from "../pod-template.ts";

const privateAddress = /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|localhost$|\[)/;

/** Keys come from a place that can't be made to answer for something inside. */
export const jwksUris: Analyzer = {
  name: "security.JwksUri",
  about: "keys of RequestAuthentications are fetched over HTTPS, and not from addresses of the inside",
  codes: ["IST0175"],
  analyze: (input) =>
    input.ofKind("security.istio.io", "RequestAuthentication").flatMap((object) =>
      readObjects(fields(object["spec"])["jwtRules"]).flatMap((rule, index) => {
        const uri = readString(rule["jwksUri"]);
        if (uri === "") return [];
        const parsed = URL.canParse(uri) ? new URL(uri) : undefined;
        const reason =
          parsed === undefined
            ? "is no address"
            : parsed.protocol !== "https:"
              ? "is fetched without TLS, so that anyone on the way may put in keys; use https"
              : privateAddress.test(parsed.hostname)
                ? "is an address of the inside, which whoever may write this resource makes the mesh call; use a host name that others can check"
                : undefined;
        return reason === undefined
          ? []
          : [finding("IST0175", refOf(object), `spec.jwtRules[${index}].jwksUri`, `${uri} ${reason}`)];
      }),
    ),
};
