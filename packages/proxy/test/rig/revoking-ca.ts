import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Root, an intermediate, two leaves of the intermediate ("good", and "bad" which it has revoked), and lists of revoked certificates; all PEM. */
export interface RevokingCa {
  readonly root: string;
  /** With the intermediate behind the leaf. */
  readonly chains: Readonly<Record<"good" | "bad", string>>;
  readonly keys: Readonly<Record<"good" | "bad", string>>;
  readonly lists: Readonly<Record<"root" | "inter" | "over", string>>;
}

const CONFIG = `
[ca]
default_ca = own
[own]
database = index
crlnumber = number
default_md = sha256
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
subjectAltName = DNS:app.test
[req]
distinguished_name = names
[names]
`;

/** As operators do it. Each CA has an index of its own. */
const SCRIPT = `
for ca in root inter; do
  mkdir $ca; touch $ca/index; echo 01 > $ca/number; cp ca.cnf $ca/ca.cnf
done
for name in root inter good bad; do
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out $name.key
done
openssl req -x509 -new -key root.key -subj /O=root -days 30 -out root.pem -config ca.cnf -extensions authority
sign() {
  openssl req -new -key $1.key -subj /CN=$1 -out $1.csr -config ca.cnf
  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -set_serial $3 -days 20 -out $1.pem -extfile ca.cnf -extensions $4
}
sign inter root 0x0a authority
sign good inter 0x64 leaf
sign bad inter 0xff65 leaf
by() { (cd $1; openssl ca -config ca.cnf -cert ../$1.pem -keyfile ../$1.key $2); }
by root "-gencrl -crldays 10 -out ../root.crl"
by inter "-revoke ../bad.pem"
by inter "-gencrl -crldays 10 -out ../inter.crl"
by inter "-gencrl -crl_lastupdate 20200101000000Z -crl_nextupdate 20200102000000Z -out ../over.crl"
`;

/** Errors: throws with what openssl said. */
export function makeRevokingCa(folder: string): RevokingCa {
  const at = join(folder, "ca");
  mkdirSync(at);
  writeFileSync(join(at, "ca.cnf"), CONFIG);
  const made = Bun.spawnSync(["sh", "-ec", SCRIPT], { cwd: at, stdout: "ignore", stderr: "pipe" });
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
  const read = (name: string) => readFileSync(join(at, name), "utf8");
  const chain = (name: string) => read(`${name}.pem`) + read("inter.pem");
  return {
    root: read("root.pem"),
    chains: { good: chain("good"), bad: chain("bad") },
    keys: { good: read("good.key"), bad: read("bad.key") },
    lists: { root: read("root.crl"), inter: read("inter.crl"), over: read("over.crl") },
  };
}
