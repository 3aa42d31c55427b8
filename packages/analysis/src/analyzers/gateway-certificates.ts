import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** One certificate in two gateways: clients that coalesce HTTP/2 connections meet the wrong one. */
export const gatewayCertificates: Analyzer = {
  name: "gateway.Certificate",
  about: "no certificate is used by two Gateways of the same pods",
  codes: ["IST0138"],
  analyze: ({ state }) => {
    const uses = [...state.objects.gateways.values()].flatMap(({ ref, spec }) =>
      spec.servers.flatMap(({ tls }, index) => {
        const credential = tls?.credentialName ?? tls?.serverCertificate;
        return credential === undefined || credential === ""
          ? []
          : [{ ref, index, key: `${credential} ${JSON.stringify(Object.entries(spec.selector).sort())}`, credential }];
      }),
    );
    return uses.flatMap((one) => {
      const others = uses.filter(({ key, ref }) => key === one.key && ref !== one.ref);
      return others.length === 0
        ? []
        : [
            finding(
              "IST0138",
              one.ref,
              `spec.servers[${one.index}].tls`,
              `Duplicate certificate in multiple gateways [${[one, ...others]
                .map(({ ref }) => `${ref.namespace}/${ref.name}`)
                .sort()
                .join(
                  " ",
                )}] may cause 404s if clients re-use HTTP2 connections (here they are answered 421); put the hosts into one Gateway`,
            ),
          ];
    });
  },
};
