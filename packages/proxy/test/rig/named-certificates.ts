import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkloadFiles } from "./workloads.ts";

/** Other names of every kind that has a text of its own. Source: X.690; openssl's ASN1_generate_nconf. */
const OTHER_NAMES = [
  "UTF8:zoë@x.test",
  "IA5:plain",
  "PRINTABLE:Printed",
  "FORMAT:ASCII,OCTETSTRING:eight",
  "FORMAT:ASCII,BITSTRING:bits",
  "INTEGER:-129",
  "INTEGER:1208925819614629174706176",
  "ENUM:7",
  "BOOL:TRUE",
  "NULL",
  "OID:1.2.840.113549.1.9.1",
  "FORMAT:UTF8,BMP:wide ö",
  "FORMAT:UTF8,UNIV:wider ö",
  "GENTIME:20260101000000Z",
  "VISIBLE:seen",
  "NUMERIC:12345",
  "SEQWRAP,UTF8:inside",
];

const config = (accounts: readonly string[]): string => `
[req]
distinguished_name = names
[names]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
${accounts
  .map(
    (account) => `[${account}]
subjectAltName = @${account}_names
[${account}_names]
URI.1 = ${spiffeId(account)}
DNS.1 = ${account}.test
email.1 = ${account}@x.test
IP.1 = 10.0.0.1
${OTHER_NAMES.map((value, i) => `otherName.${i} = 1.3.6.1.4.1.99999.${i};${value}`).join("\n")}
`,
  )
  .join("")}`;

const spiffeId = (account: string): string => `spiffe://cluster.local/ns/test/sa/${account}`;

/** As operators do it, with openssl; each chain has the root behind the leaf. */
const script = (accounts: readonly string[]): string => `
key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out $1.key; }
key root
openssl req -x509 -utf8 -new -key root.key -subj /O=root -days 30 -out root.pem -config ca.cnf -extensions authority
for name in ${accounts.join(" ")}; do
  key $name
  openssl req -new -key $name.key -subj "/O=test/CN=$name" -out $name.csr -config ca.cnf
  openssl x509 -req -in $name.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20 -out leaf.pem -extfile ca.cnf -extensions $name
  cat leaf.pem root.pem > $name.pem
done
`;

/** A CA, and for each account a certificate with names of all kinds. Errors: throws with what openssl said. */
export function makeNamedCertificates<Name extends string>(
  folder: string,
  accounts: readonly Name[],
): Readonly<Record<Name, WorkloadFiles>> {
  const at = join(folder, "named");
  mkdirSync(at);
  writeFileSync(join(at, "ca.cnf"), config(accounts));
  const made = Bun.spawnSync(["sh", "-ec", script(accounts)], { cwd: at, stdout: "ignore", stderr: "pipe" });
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
  const files = (account: Name): WorkloadFiles => ({
    spiffeId: spiffeId(account),
    chain: join(at, `${account}.pem`),
    key: join(at, `${account}.key`),
    root: join(at, "root.pem"),
  });
  return Object.fromEntries(accounts.map((account) => [account, files(account)])) as Record<Name, WorkloadFiles>;
}
