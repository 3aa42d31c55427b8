import { runRole } from "./roles.ts";

/** Entry of the program `heddle`: a long-running role starts at once; everything else goes through the command line parser. */
async function main(): Promise<number> {
  const argv = process.argv.slice(2);
  const role = await runRole(argv, process.env);
  if (role !== undefined) return role;
  const { runCommandLine } = await import("./program.ts");
  return runCommandLine(argv, process.env);
}

process.exitCode = await main();
